"""The paths of a run's data, seen from another folder or where the data moved."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from posebridge.data.datasets import is_reference, parse_reference
from posebridge.errors import InputError
from posebridge.skeleton import builtin_skeletons
from posebridge.training.config import AdaptConfig
from posebridge.training.origin import read_origin

DATA = ("source", "target", "source_image_root", "target_image_root")
"""Fields of a stored config that may be given again where the data moved."""


def relocated(
    config: AdaptConfig,
    run: Path,
    data_root: Path | str | None = None,
    given: Mapping[str, str] | None = None,
) -> AdaptConfig:
    """Return a stored configuration with paths that lead to its files from the current folder.

    A relative path is looked for where the run began, from the run folder as the run folder was to
    it then, and here; a path that leads nowhere, below ``data_root``. A path that leads to its
    file unchanged stays as it is.

    Args:
        given: fields of :data:`DATA` where the user gives the path anew.

    Raises:
        InputError: data is not there.
    """
    anew = dict(given or {})
    for name, path in anew.items():
        if not exists(path) and not is_reference(path):
            option = name.replace("_", "-")
            raise InputError(
                f"--{option} {path} does not exist; give where the data of {run} is now."
            )

    def data(name: str) -> str | None:
        return anew.get(name) or found(getattr(config, name), data_root, run)

    def weights(value: str) -> str:
        return value if value in ("pretrained", "none") else placed(value, run)

    decoder = config.style.decoder
    network = replace(
        config.style.network, encoder_weights=weights(config.style.network.encoder_weights)
    )
    return replace(
        config,
        **{name: data(name) for name in DATA},
        skeleton=relocated_skeleton(config.skeleton, data_root, run),
        keypoint_mapping=found(config.keypoint_mapping, data_root, run),
        init_from=None if config.init_from is None else placed(config.init_from, run),
        model=replace(config.model, encoder_weights=weights(config.model.encoder_weights)),
        style=replace(
            config.style,
            decoder=None if decoder is None else placed(decoder, run),
            network=network,
        ),
    )


def placed(path: str, run: Path) -> str:
    """Return a stored relative path as it leads to its file from here; itself where it does not."""
    origin = None if Path(path).is_absolute() else read_origin(run)
    if origin is None or is_reference(path):
        return path
    for start in (
        origin.folder,
        os.path.normpath(os.path.join(os.path.realpath(run), origin.from_run)),
    ):
        candidate = os.path.join(start, path)
        if exists(candidate):
            same = os.path.realpath(candidate) == os.path.realpath(path)
            return path if same else os.path.normpath(candidate)
    return path


def found(path: str | None, data_root: Path | str | None, run: Path) -> str | None:
    """Return the path where it exists, or its longest tail that exists below ``data_root``.

    A short tail may be another data set's: many have an ``annotations.json``.

    Raises:
        InputError: the path leads nowhere.
    """
    if path is None:
        return None
    here = placed(path, run)
    if exists(here):
        return here
    if is_reference(path):
        return path if data_root is None else f"{data_root}/{parse_reference(path)}"
    if data_root is None:
        origin = None if Path(path).is_absolute() else read_origin(run)
        where = "" if origin is None else f" (a path that starts from {origin.folder})"
        raise InputError(
            f"the run {run} names the data {path}{where}, which is not there; if it moved, give "
            "its folder with --data-root FOLDER."
        )
    parts = [part for part in Path(path).parts if part != Path(path).anchor]
    for start in range(len(parts)):
        candidate = str(Path(data_root).joinpath(*parts[start:]))
        if exists(candidate):
            return candidate
    raise InputError(
        f"no tail of {path} exists below {data_root}; give --data-root the folder that holds "
        f"{parts[-1] if parts else path}."
    )


def relocated_skeleton(name: str | None, data_root: Path | str | None, run: Path) -> str | None:
    """Return a built-in skeleton's name as it is, and a file as :func:`found` does."""
    return name if name in builtin_skeletons() else found(name, data_root, run)


def exists(path: str) -> bool:
    """Return whether a path, or anything that a glob stands for, is there."""
    try:
        return Path(path).exists() or (
            glob.has_magic(path) and next(glob.iglob(path, recursive=True), None) is not None
        )
    except (OSError, ValueError):
        return False
