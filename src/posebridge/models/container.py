"""The files of a model, read whole from a folder or a zip and checked against their checksums.

Nothing is ever unpacked: the members of a zip go from the archive into memory, four of them, each
no larger than it may be. The checksums find damage and changes by hand. They are no signature: who
can write all four files can also write fitting checksums.
"""

from __future__ import annotations

import hashlib
import json
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from posebridge.errors import InputError

WEIGHTS, SKELETON, CONFIG, RESULTS, CARD = (
    "model.safetensors",
    "skeleton.json",
    "config.yaml",
    "results.json",
    "README.md",
)
FILES = (WEIGHTS, SKELETON, CONFIG, RESULTS)
"""What a model is; the card is for people and is never read."""

FORMAT = "posebridge pose model 2"
_WITHOUT_CHECKSUMS = "posebridge pose model 1"
_CHECKSUMS = "checksums"
_LARGEST_TEXT = 4 * 2**20
# Weights hardly compress; a file of zeros compresses a thousandfold.
_LARGEST_RATIO = 20
_MOST_MEMBERS = 1000


def sealed(files: Mapping[str, bytes], results: Mapping[str, Any]) -> dict[str, bytes]:
    """The files with a ``results.json`` that holds the checksums of all of them.

    Args:
        files: weights, skeleton and configuration.
        results: what ``results.json`` says; checksums in it are replaced.
    """
    # As it will be read again: lists for tuples, strings for keys.
    said = json.loads(json.dumps({k: v for k, v in results.items() if k != _CHECKSUMS}))
    sums = {name: _digest(files[name]) for name in (WEIGHTS, SKELETON, CONFIG)}
    sums[RESULTS] = _digest(_canonical(said))
    text = json.dumps({**said, _CHECKSUMS: sums}, indent=2)
    return {**files, RESULTS: text.encode()}


def read_files(place: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """The four files of a model folder or a zip of one, and what ``results.json`` says.

    Raises:
        InputError: a file is missing, too large, damaged, or differs from its checksum; of a zip,
            also what could reach outside of it or fill the memory.
    """
    files = _from_folder(place) if place.is_dir() else _from_zip(place)
    return files, _checked(files, place)


def _checked(files: Mapping[str, bytes], place: Path) -> dict[str, Any]:
    try:
        results = json.loads(files[RESULTS])
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{place / RESULTS} is damaged ({type(error).__name__}); copy the whole model again."
        ) from error
    if not isinstance(results, dict):
        raise InputError(f"{place / RESULTS} holds no results; copy the whole model again.")
    sums = results.pop(_CHECKSUMS, None)
    if sums is None and _format(files[WEIGHTS]) == _WITHOUT_CHECKSUMS:
        return results
    if not isinstance(sums, dict):
        raise InputError(f"{place / RESULTS} has no checksums; copy the whole model again.")
    present = {name: _digest(files[name]) for name in (WEIGHTS, SKELETON, CONFIG)}
    present[RESULTS] = _digest(_canonical(results))
    changed = [name for name, digest in present.items() if sums.get(name) != digest]
    if changed:
        raise InputError(
            f"{place}: {', '.join(changed)} {'is' if len(changed) == 1 else 'are'} not as the model "
            "was saved (SHA-256); the copy is damaged or was changed, copy the whole model again."
        )
    return results


def _from_folder(folder: Path) -> dict[str, bytes]:
    files = {}
    for name in FILES:
        file = folder / name
        if not file.is_file():
            raise InputError(
                f"{folder} has no {name}; a model folder needs it, copy the whole one."
            )
        try:
            _require_size(file.stat().st_size, name, folder)
            files[name] = file.read_bytes()
        except OSError as error:
            raise InputError(f"{file} can't be read: {error.strerror}.") from error
    return files


def _from_zip(file: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = _members(archive, file)
            return {name: _read(archive, member) for name, member in members.items()}
    except InputError:
        raise
    except Exception as error:  # a damaged archive fails in the errors of half a dozen modules
        raise InputError(
            f"{file} is a damaged zip ({type(error).__name__}); copy it again."
        ) from error


def _members(archive: zipfile.ZipFile, file: Path) -> dict[str, zipfile.ZipInfo]:
    """The four members of the one model in an archive, each checked before a byte is unpacked."""
    listed = archive.infolist()
    if len(listed) > _MOST_MEMBERS:
        raise InputError(f"{file} holds {len(listed)} files; zip one model folder alone.")
    by_name: dict[str, zipfile.ZipInfo] = {}
    for member in listed:
        name = member.filename.replace("\\", "/")
        if name.startswith("/") or ".." in name.split("/") or ":" in name:
            raise InputError(
                f"{file} holds '{member.filename}', which points out of the archive; "
                "nothing of it is read."
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
            # The others can't be unpacked piece by piece.
            raise InputError(f"{file}: {name} is packed in an unusual way; zip it with 'deflate'.")
        if name == WEIGHTS and member.file_size > _LARGEST_RATIO * member.compress_size + 2**20:
            raise InputError(
                f"{file}: {name} would grow from {member.compress_size} to {member.file_size} "
                "bytes, as no weights do; nothing of it is read."
            )
        _require_size(member.file_size, name, file)
        found[name] = member
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """A member, as far as the size that the archive gives: ZipFile.read would unpack all of it."""
    with archive.open(member) as stream:
        return stream.read(member.file_size)


def _require_size(size: int, name: str, place: Path) -> None:
    if name != WEIGHTS and size > _LARGEST_TEXT:
        raise InputError(f"{place}: {name} has {size} bytes, which is no {name} of a model.")


def _format(weights: bytes) -> str | None:
    """The format that the metadata of a safetensors file names: a JSON header after its length."""
    length = int.from_bytes(weights[:8], "little")
    try:
        return json.loads(weights[8 : 8 + length])["__metadata__"]["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _canonical(results: Mapping[str, Any]) -> bytes:
    """The same bytes for the same content, however it is laid out."""
    return json.dumps(results, sort_keys=True, separators=(",", ":")).encode()
