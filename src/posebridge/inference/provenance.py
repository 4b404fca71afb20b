"""What a prediction was made of, so that it is known again: to go on with it, or to leave it be."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from posebridge.data.samples import UnlabelledSamples
from posebridge.errors import InputError
from posebridge.files.json_files import parse_json, read_json_mapping, write_json
from posebridge.inference.network import Network
from posebridge.inference.tta import ManyViews, asked_of
from posebridge.version import __version__


def identity_of(
    network: Network, source: Mapping[str, Any], settings: Mapping[str, Any]
) -> dict[str, Any]:
    """All that predictions depend on, as JSON.

    Args:
        network: its digest goes in, and the views it is asked about.
        source: what was looked at, such as :func:`file_state` of a video.
        settings: how.
    """
    views = asdict(asked_of(network))
    if isinstance(network, ManyViews):
        network = network.network
    return {
        "model": getattr(network, "digest", network.name),
        **{"source": dict(source), "settings": {**settings, **views}, "posebridge": __version__},
    }


def file_state(file: Path) -> dict[str, Any]:
    """Size and time of a file: it may be moved, and is another one once it was written again.

    Raises:
        InputError: no such file.
    """
    try:
        state = file.stat()
    except OSError as error:
        raise InputError(f"{file} does not exist or can't be read: {error.strerror}.") from error
    return {"name": file.name, "size": state.st_size, "mtime_ns": state.st_mtime_ns}


def subjects_digest(samples: UnlabelledSamples) -> str:
    """A checksum of which subjects were asked about: names of files, and boxes."""
    content = hashlib.sha256("\n".join(samples.path(i).name for i in range(len(samples))).encode())
    content.update(samples.boxes.tobytes())
    return content.hexdigest()


def record_file(out: Path) -> Path:
    """Where the record of an output lies: beside it."""
    return out.with_name(out.name + ".made.json")


def is_made(outs: Sequence[Path], identity: Mapping[str, Any]) -> bool:
    """Whether the record beside the first of the files says the same identity, and all of them are
    as they were written."""
    try:
        record = read_json_mapping(record_file(outs[0]), "record of an output")
        same = record["identity"] == parse_json(json.dumps(identity), "identity", "record")
        written = dict(record["files"])
        return same and all(written.get(_from(outs[0], out)) == _state(out) for out in outs)
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return False


def write_record(outs: Sequence[Path], identity: Mapping[str, Any]) -> None:
    """Write the record beside the first of the files, when all of them are there."""
    states = {_from(outs[0], out): _state(out) for out in outs}
    write_json(record_file(outs[0]), {"identity": identity, "files": states})


def _state(out: Path) -> dict[str, Any]:
    """The state of a file, or of all the files that lie in a folder, as one checksum."""
    if not out.is_dir():
        return file_state(out)
    inside = sorted(p for p in out.iterdir() if not p.name.startswith("."))
    states = json.dumps([file_state(file) for file in inside])
    return {"name": out.name, "files": hashlib.sha256(states.encode()).hexdigest()}


def _from(first: Path, out: Path) -> str:
    """A path as seen from the folder of the first file, so that all of them may be moved."""
    return Path(os.path.relpath(out.absolute(), first.absolute().parent)).as_posix()
