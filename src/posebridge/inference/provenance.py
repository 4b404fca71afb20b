"""What a prediction was made of: to resume it, or to skip one that is finished."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError
from posebridge.files.json_files import parse_json, read_json_mapping, write_json
from posebridge.inference.network import Network
from posebridge.inference.tta import ManyViews, get_tta
from posebridge.version import __version__


def get_identity(
    network: Network, source: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all that predictions depend on, as JSON.

    Args:
        network: its digest and its test-time augmentation are included.
        source: the input, such as :func:`file_state` of a video.
        settings: the config entries that matter.
    """
    views = asdict(get_tta(network))
    if isinstance(network, ManyViews):
        network = network.network
    return {
        "model": getattr(network, "digest", network.name),
        **{"source": dict(source), "settings": {**settings, **views}, "posebridge": __version__},
    }


def file_state(file: Path) -> dict[str, Any]:
    """Return the name, size and time of a file: it may be moved, but not written again.

    Raises:
        InputError: no such file.
    """
    try:
        state = file.stat()
    except OSError as error:
        raise InputError(f"{file} does not exist or can't be read: {error.strerror}.") from error
    return {"name": file.name, "size": state.st_size, "mtime_ns": state.st_mtime_ns}


def subjects_digest(samples: UnlabeledSamples) -> str:
    """Return a checksum of subjects: names of files, and boxes."""
    content = hashlib.sha256("\n".join(samples.path(i).name for i in range(len(samples))).encode())
    content.update(samples.boxes.tobytes())
    return content.hexdigest()


def record_file(out: Path) -> Path:
    """Return the file of an output's record, in the folder of the output."""
    return out.with_name(out.name + ".made.json")


def is_made(outs: Sequence[Path], identity: Mapping[str, Any]) -> bool:
    """Return whether the first file's record has this identity, and no file changed since."""
    try:
        record = read_json_mapping(record_file(outs[0]), "record of an output")
        same = record["identity"] == parse_json(json.dumps(identity), "identity", "record")
        written = dict(record["files"])
        return same and all(written.get(_from(outs[0], out)) == _state(out) for out in outs)
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return False


def write_results_file(outs: Sequence[Path], identity: Mapping[str, Any]) -> None:
    """Write the record of finished files next to the first one."""
    states = {_from(outs[0], out): _state(out) for out in outs}
    write_json(record_file(outs[0]), {"identity": identity, "files": states})


def _state(out: Path) -> dict[str, Any]:
    """Return the state of a file, or of all files of a folder as one checksum."""
    if not out.is_dir():
        return file_state(out)
    inside = sorted(p for p in out.iterdir() if not p.name.startswith("."))
    states = json.dumps([file_state(file) for file in inside])
    return {"name": out.name, "files": hashlib.sha256(states.encode()).hexdigest()}


def _from(first: Path, out: Path) -> str:
    """Return a path relative to the folder of the first file, so that the files may be moved."""
    return Path(os.path.relpath(out.absolute(), first.absolute().parent)).as_posix()
