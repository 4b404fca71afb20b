"""The files of a model, read whole from a folder or a zip and checked against their checksums.

Nothing is ever unpacked to disk: four members of a zip are read into memory, each no larger than its
limit. The checksums detect damage and changes by hand. They are not a signature: an author of all four
files can also write matching checksums.
"""

from __future__ import annotations

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import IO, Any, BinaryIO, cast

from posebridge.checkpoints.results_file import parse_results
from posebridge.checkpoints.weights_header import WeightsHeader, read_header
from posebridge.errors import InputError
from posebridge.files.json_files import parse_json

WEIGHTS, SKELETON, CONFIG, RESULTS, CARD = (
    "model.safetensors",
    "skeleton.json",
    "config.yaml",
    "results.json",
    "README.md",
)
FILES = (WEIGHTS, SKELETON, CONFIG, RESULTS)
"""The files that make a model; the card is for people and is never read."""

FORMAT = "posebridge pose model 2"
_WITHOUT_CHECKSUMS = "posebridge pose model 1"
_CHECKSUMS = "checksums"
_LARGEST_TEXT = 4 * 2**20
# Weights hardly compress; a file of zeros compresses a thousandfold.
_LARGEST_RATIO = 20
_MOST_MEMBERS = 1000
# Weights up to this size are compared with their checksum before they are parsed.
_COMMON_WEIGHTS = 256 * 2**20

BeforeWeights = Callable[[Mapping[str, bytes], WeightsHeader], None]


def sealed(files: Mapping[str, bytes], results: Mapping[str, Any]) -> dict[str, bytes]:
    """Return the files with a ``results.json`` that holds the checksums of all of them.

    Args:
        files: weights, skeleton and configuration.
        results: the content of ``results.json``; checksums in it are replaced.
    """
    # Normalized as it will be read again: lists for tuples, strings for keys.
    content = parse_json(
        json.dumps({k: v for k, v in results.items() if k != _CHECKSUMS}), RESULTS, "results"
    )
    sums = {name: _digest(files[name]) for name in (WEIGHTS, SKELETON, CONFIG)}
    sums[RESULTS] = _digest(_canonical(content))
    text = json.dumps({**content, _CHECKSUMS: sums}, indent=2)
    return {**files, RESULTS: text.encode()}


def read_files(
    place: Path, before_weights: BeforeWeights | None = None
) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Return the four files of a model folder or a zip of one, and the content of ``results.json``.

    The texts are read and checked first, then the header of the weights, then the tensors.

    Args:
        before_weights: called with the texts and the header before the weights are read; raises
            where they do not fit together.

    Raises:
        InputError: a file is missing, too large, damaged, or differs from its checksum; for a zip,
            also a member that points outside of it or could fill the memory.
    """
    if place.is_dir():
        _require_all(place)
        return _checked(lambda name: _open_file(place, name), place, before_weights)
    try:
        with zipfile.ZipFile(place) as archive:
            members = _members(archive, place)
            return _checked(
                lambda name: (members[name].file_size, archive.open(members[name])),
                place,
                before_weights,
            )
    except InputError:
        raise
    except Exception as error:  # a damaged archive raises the errors of several modules
        raise InputError(
            f"{place} is a damaged zip ({type(error).__name__}); copy it again."
        ) from error


def _checked(
    opened: Callable[[str], tuple[int, IO[bytes]]],
    place: Path,
    before_weights: BeforeWeights | None,
) -> tuple[dict[str, bytes], dict[str, Any]]:
    files = {name: _read(opened, name) for name in (SKELETON, CONFIG, RESULTS)}
    results = parse_results(files[RESULTS], place / RESULTS)
    sums = results.pop(_CHECKSUMS, None)
    if isinstance(sums, dict):
        present = {name: _digest(files[name]) for name in (SKELETON, CONFIG)}
        _require_sums({**present, RESULTS: _digest(_canonical(results))}, sums, place)
    size, stream = opened(WEIGHTS)
    with stream:
        if isinstance(sums, dict) and size <= _COMMON_WEIGHTS:
            files[WEIGHTS] = stream.read(size)
            _require_sums({WEIGHTS: _digest(files[WEIGHTS])}, sums, place)
            stream = io.BytesIO(files[WEIGHTS])
        header = read_header(cast(BinaryIO, stream), size, str(place / WEIGHTS))
    if not isinstance(sums, dict) and not (sums is None and header.format == _WITHOUT_CHECKSUMS):
        raise InputError(f"{place / RESULTS} has no checksums; copy the whole model again.")
    if before_weights is not None:
        before_weights(files, header)
    if WEIGHTS not in files:
        files[WEIGHTS] = _read(opened, WEIGHTS)
        if isinstance(sums, dict):
            _require_sums({WEIGHTS: _digest(files[WEIGHTS])}, sums, place)
    return {name: files[name] for name in FILES}, results


def _require_sums(present: Mapping[str, str], sums: Mapping[str, Any], place: Path) -> None:
    changed = [name for name, digest in present.items() if sums.get(name) != digest]
    if changed:
        raise InputError(
            f"{place}: {', '.join(changed)} {'differs' if len(changed) == 1 else 'differ'} from the "
            "saved model (SHA-256); the copy is damaged or was changed, copy the whole model again."
        )


def _require_all(folder: Path) -> None:
    for name in FILES:
        file = folder / name
        if not file.is_file():
            raise InputError(
                f"{folder} has no {name}; a model folder needs it, copy the whole one."
            )
        _require_size(file.stat().st_size, name, folder)


def _open_file(folder: Path, name: str) -> tuple[int, IO[bytes]]:
    file = folder / name
    try:
        return file.stat().st_size, file.open("rb")
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}.") from error


def _members(archive: zipfile.ZipFile, file: Path) -> dict[str, zipfile.ZipInfo]:
    """Return the four members of the one model in an archive, checked before any is read."""
    listed = archive.infolist()
    if len(listed) > _MOST_MEMBERS:
        raise InputError(f"{file} holds {len(listed)} files; zip one model folder alone.")
    by_name: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or ":" in name:
            raise InputError(
                f"{file} holds '{member.filename}', which points out of the archive; "
                "nothing of the archive is read."
            )
        if name in by_name:
            raise InputError(f"{file} holds '{name}' twice; zip the model folder again.")
        by_name[name] = member
    models = [PurePosixPath(name).parent for name in by_name if PurePosixPath(name).name == WEIGHTS]
    if len(models) != 1:
        raise InputError(
            f"{file} holds {len(models) or 'no'} {WEIGHTS}; zip one model folder, such as "
            "checkpoints/last of a run."
        )
    found = {}
    for name in FILES:
        member = by_name.get(str(models[0] / name))
        if member is None:
            raise InputError(f"{file} has no {name}; zip the whole model folder.")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise InputError(f"{file}: {name} is a link; zip the files themselves.")
        if member.flag_bits & 1:
            raise InputError(f"{file} is encrypted; give a zip without a password.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Other methods cannot be unpacked piece by piece.
            raise InputError(f"{file}: {name} is packed in an unusual way; zip it with 'deflate'.")
        if name == WEIGHTS and member.file_size > _LARGEST_RATIO * member.compress_size + 2**20:
            raise InputError(
                f"{file}: {name} would grow from {member.compress_size} to {member.file_size} "
                "bytes, which weights never do; nothing of the archive is read."
            )
        _require_size(member.file_size, name, file)
        found[name] = member
    return found


def _read(opened: Callable[[str], tuple[int, IO[bytes]]], name: str) -> bytes:
    """Return a file's bytes up to its declared size: ZipFile.read would unpack a whole member."""
    size, stream = opened(name)
    with stream:
        return stream.read(size)


def _require_size(size: int, name: str, place: Path) -> None:
    if name != WEIGHTS and size > _LARGEST_TEXT:
        raise InputError(f"{place}: {name} has {size} bytes, too many for the {name} of a model.")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(results: Mapping[str, Any]) -> bytes:
    """Return equal bytes for equal content, whatever its layout."""
    return json.dumps(results, sort_keys=True, separators=(",", ":")).encode()
