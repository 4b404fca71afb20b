"""Whether what lies in a training's folder is of the settings that the plan has today.

The settings are those of the run's ``config.yaml``; where scores came without weights (see
:mod:`posebridge.bench.results_file`), those that came with them.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from posebridge.bench.plan import Training
from posebridge.bench.run_results import told_at_the_end
from posebridge.errors import InputError
from posebridge.files.yaml_files import read_yaml
from posebridge.inference.load_domains import below
from posebridge.inference.moved_data import placed
from posebridge.training.config import AdaptConfig

_PLACES = ("data_root", "workers", "device", "start_from", "asked")
"""Settings that may differ between two sessions: no weight depends on them, or (where a training
starts from) they are looked at apart."""
_FILES = (
    *("source", "target", "source_images", "target_images", "skeleton", "mapping"),
    *("model.weights", "image.decoder", "image.network.weights"),
)
"""Settings that may be paths: the same data may lie elsewhere by now."""


_OF_A_PAIR = ("target", "target_images")
"""Settings that a first stage has of the first pair that it is for; no weight of it knows them."""


def require_same_settings(training: Training, out: Path) -> None:
    """Whatever is there of a training, finished or not, has the plan's settings.

    Raises:
        InputError: it has not; the message names what differs.
    """
    changed = changed_since(training, out)
    if changed:
        raise InputError(
            f"{out / training.run} was begun with other settings ({', '.join(changed)}); remove it, "
            "or give another --out."
        )


def changed_since(training: Training, out: Path) -> list[str]:
    """The settings of the plan that what is there of a training was not begun with.

    Nothing where nothing was begun.
    """
    folder = out / training.run
    told = told_at_the_end(folder)
    stored = folder / "config.yaml"
    if not stored.is_file():
        before = told.get("settings")
        if before is None:
            return []
        elsewhere = _after_another_stage(training, told)
    else:
        about = stored.stat()
        before = _placed(_read(stored, about.st_mtime_ns, about.st_size), folder)
        elsewhere = _starts_elsewhere(training, told, before.get("start_from"))
    changed = changed_settings(training.config, before)
    if training.method is None:
        changed = [name for name in changed if name not in _OF_A_PAIR]
    return changed + (["start_from"] if elsewhere else [])


def changed_settings(config: AdaptConfig, before: Mapping[str, Any]) -> list[str]:
    """The settings that weights depend on and that are not as they were, the same data elsewhere apart.

    Args:
        config: the plan's, with paths as the plan has them.
        before: those of the run.
    """
    # A setting that the run did not know yet has its default there.
    before = _merged(AdaptConfig().to_dict(), dict(before))
    now = settings_told(config)
    for name in _FILES:
        place = name.split(".")
        path, stored = _at(now, place), _at(before, place)
        if path != stored and same_place(path, stored, config.data_root):
            _put(before, place, path)
    return [name for name, value in now.items() if before.get(name) != value]


def settings_told(config: AdaptConfig) -> dict[str, Any]:
    """The settings that the weights of a run depend on, where it starts from apart."""
    # Without a source, the model that it starts from says how crops are cut and what it is made of.
    given = _PLACES if config.source is not None else (*_PLACES, "crop", "model")
    return {name: value for name, value in config.to_dict().items() if name not in given}


def same_place(path: Any, stored: Any, root: str | None) -> bool:
    """Whether a path of the plan and one that a run stored are the same data, moved or not.

    They are where both lead to one place, or where the stored one ends with the plan's relative path:
    a data root may move.

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


def _starts_elsewhere(training: Training, told: Mapping[str, Any], start_from: Any) -> bool:
    """Whether a run started from another model than the plan's; a whole comparison may be moved."""
    if training.first_stage is None:
        return not same_place(training.config.start_from, start_from, training.config.data_root)
    if told:
        return _after_another_stage(training, told)
    return not same_stage(start_from, training.first_stage)


def _after_another_stage(training: Training, told: Mapping[str, Any]) -> bool:
    """Whether a finished run says that it went on from another first stage than the plan's."""
    return not same_stage(told.get("first_stage", training.first_stage), training.first_stage)


def same_stage(one: str | None, other: str | None) -> bool:
    """Whether two names are of one first stage: seed and digest say so, wherever its folder lies.

    >>> same_stage("people/first_stage/seed_0_97edbdab", "first_stage/seed_0_97edbdab")
    True
    """
    if one is None or other is None:
        return one == other
    return Path(one).name == Path(other).name


@lru_cache(maxsize=4096)
def _read(file: Path, _changed: int, _size: int) -> Mapping[str, Any]:
    """The settings of a run: read again only when the file changed, for every table asks for them.

    Raises:
        InputError: the file is damaged.
    """
    content = read_yaml(file, "file of settings")
    if not isinstance(content, dict):
        raise InputError(f"{file} holds no settings; remove the folder to train it again.")
    return content


def _placed(settings: Mapping[str, Any], run: Path) -> dict[str, Any]:
    """Return a run's settings with relative paths as they lead from here to what the run means."""
    changed = copy.deepcopy(dict(settings))
    for name in (*_FILES, "start_from"):
        place = name.split(".")
        path = _at(changed, place)
        if isinstance(path, str):
            _put(changed, place, placed(path, run))
    return changed


def _at(settings: Mapping[str, Any], place: Sequence[str]) -> Any:
    """What stands at a place of nested settings, None where nothing does."""
    found: Any = settings
    for name in place:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _put(settings: dict[str, Any], place: Sequence[str], value: Any) -> None:
    *outer, last = place
    for name in outer:
        settings = settings[name]
    settings[last] = value


def _merged(settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Nested settings with those that are given in place of their own; both are left as they are."""
    merged = dict(settings)
    for name, value in given.items():
        inner = merged.get(name)
        nested = isinstance(inner, dict) and isinstance(value, dict) and name != "encoder_args"
        merged[name] = _merged(inner, value) if nested else value  # pyright: ignore[reportArgumentType]
    return merged
