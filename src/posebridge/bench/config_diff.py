"""Whether a run's folder holds a run with the config of the plan.

The config of a run is its ``config.yaml``. Where scores came from a results file without checkpoints
(see :mod:`posebridge.bench.results_file`), it is the config stored there.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from posebridge.bench.plan import RunSpec
from posebridge.bench.run_results import read_finished
from posebridge.errors import InputError
from posebridge.files.yaml_files import read_yaml
from posebridge.inference.load_domains import below
from posebridge.inference.moved_data import placed
from posebridge.training.config import AdaptConfig

_PLACES = ("data_root", "workers", "device", "init_from", "tta")
"""Settings that may differ between two sessions: no weight depends on them, or (for the model that a
run starts from) they are compared separately."""
_FILES = (
    *("source", "target", "source_image_root", "target_image_root", "skeleton", "keypoint_mapping"),
    *("model.encoder_weights", "style.decoder", "style.network.encoder_weights"),
)
"""Settings that may be paths: the data may have moved since."""


_OF_A_PAIR = ("target", "target_image_root")
"""Settings that a source stage takes from the first of its pairs; its weights do not depend on them."""


def require_same_settings(training: RunSpec, out: Path) -> None:
    """Check that a run's folder, finished or not, has the config of the plan.

    Raises:
        InputError: the config differs; the message names the settings that differ.
    """
    changed = changed_since(training, out)
    if changed:
        raise InputError(
            f"{out / training.run} was started with another config ({', '.join(changed)}); remove it, "
            "or give another --out."
        )


def changed_since(training: RunSpec, out: Path) -> list[str]:
    """Return the settings in which a run's folder differs from the plan.

    The list is empty where no run was started.
    """
    folder = out / training.run
    told = read_finished(folder)
    stored = folder / "config.yaml"
    if not stored.is_file():
        before = told.get("settings")
        if before is None:
            return []
        elsewhere = _after_another_stage(training, told)
    else:
        about = stored.stat()
        before = _placed(_read(stored, about.st_mtime_ns, about.st_size), folder)
        elsewhere = _starts_elsewhere(training, told, before.get("init_from"))
    changed = changed_settings(training.config, before)
    if training.method is None:
        changed = [name for name in changed if name not in _OF_A_PAIR]
    return changed + (["init_from"] if elsewhere else [])


def changed_settings(config: AdaptConfig, before: Mapping[str, Any]) -> list[str]:
    """Return the settings that weights depend on and that changed, ignoring data that only moved.

    Args:
        config: the config of the plan, with the plan's paths.
        before: the config of the run.
    """
    # A setting that is newer than the run has its default there.
    before = _merged(AdaptConfig().to_dict(), dict(before))
    now = get_stored_config(config)
    for name in _FILES:
        place = name.split(".")
        path, stored = _at(now, place), _at(before, place)
        if path != stored and same_place(path, stored, config.data_root):
            _put(before, place, path)
    return [name for name, value in now.items() if before.get(name) != value]


def get_stored_config(config: AdaptConfig) -> dict[str, Any]:
    """Return the settings that the weights of a run depend on, without the model it starts from."""
    # Without a source, the initial model determines the crops and the architecture.
    given = _PLACES if config.source is not None else (*_PLACES, "crop", "model")
    return {name: value for name, value in config.to_dict().items() if name not in given}


def same_place(path: Any, stored: Any, root: str | None) -> bool:
    """Return whether a path of the plan and a path that a run stored name one data set.

    They do where both resolve to one file or folder, or where the stored path ends with the plan's
    relative path: a data root may move.

    >>> same_place("a/b.json", "/data/a/b.json", "/elsewhere"), same_place("b", "/data/ab", None)
    (True, False)
    """
    if not isinstance(path, str) or not isinstance(stored, str):
        return path == stored
    if os.path.realpath(below(root, path)) == os.path.realpath(stored):
        return True
    parts = Path(path).parts
    return (
        bool(parts) and not Path(path).is_absolute() and Path(stored).parts[-len(parts) :] == parts
    )


def _starts_elsewhere(training: RunSpec, told: Mapping[str, Any], init_from: Any) -> bool:
    """Return whether a run started from another model than the plan's, allowing for moved folders."""
    if training.source_stage is None:
        return not same_place(training.config.init_from, init_from, training.config.data_root)
    if told:
        return _after_another_stage(training, told)
    return not same_stage(init_from, training.source_stage)


def _after_another_stage(training: RunSpec, told: Mapping[str, Any]) -> bool:
    """Return whether a finished run started from another source stage than the plan's."""
    return not same_stage(told.get("source_stage", training.source_stage), training.source_stage)


def same_stage(one: str | None, other: str | None) -> bool:
    """Return whether two paths name one source stage, by seed and digest, wherever the folder is.

    >>> same_stage("people/source_stage/seed_0_97edbdab", "source_stage/seed_0_97edbdab")
    True
    """
    if one is None or other is None:
        return one == other
    return Path(one).name == Path(other).name


@lru_cache(maxsize=4096)
def _read(file: Path, _changed: int, _size: int) -> Mapping[str, Any]:
    """Return the config of a run; the cache reads the file again only after it changed.

    Raises:
        InputError: the file is damaged.
    """
    content = read_yaml(file, "config file")
    if not isinstance(content, dict):
        raise InputError(f"{file} holds no config; remove the folder to train the run again.")
    return content


def _placed(settings: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """Return a run's config with relative paths resolved against the run."""
    changed = copy.deepcopy(dict(settings))
    for name in (*_FILES, "init_from"):
        place = name.split(".")
        path = _at(changed, place)
        if isinstance(path, str):
            _put(changed, place, placed(path, run))
    return changed


def _at(settings: Mapping[str, Any], place: Sequence[str]) -> Any:
    """Return the value at a path of nested settings, None where there is none."""
    value: Any = settings
    for name in place:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _put(settings: dict[str, Any], place: Sequence[str], value: Any) -> None:
    *outer, last = place
    for name in outer:
        settings = settings[name]
    settings[last] = value


def _merged(settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return nested settings with the given ones replaced; neither mapping is changed."""
    merged = dict(settings)
    for name, value in given.items():
        inner = merged.get(name)
        nested = isinstance(inner, dict) and isinstance(value, dict) and name != "encoder_args"
        merged[name] = _merged(inner, value) if nested else value  # pyright: ignore[reportArgumentType]
    return merged
