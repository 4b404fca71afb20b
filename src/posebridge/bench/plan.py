"""A comparison as a YAML file, and the trainings that it takes.

    budget: {steps.source: 1000, steps.adaptation: 500}   # settings that hold for every training
    seeds: [0, 1, 2]
    baseline: source_only                                  # what the others are compared with
    pairs:
      people: {preset: makehuman_lspet, test: makehuman_lspet/target/test/annotations.json}
    methods:
      source_only: {preset: source_only}
      multilevel: {preset: multilevel}
      no_feature: {preset: multilevel, settings: {feature.weight: 0}, seeds: [0]}
      voted: {preset: multilevel, views: 4, flip: true, turn: 20}  # how it is asked when it is scored
      with_labels: {preset: source_only, settings: {source: photographs.json}, bound: true}

``bound`` marks in tables what learns from labels of the target: no method, but what one could reach.

Settings are applied in this order: preset of the pair, preset of the method, budget, settings of the
pair, settings of the method, seed. A method that sets ``source: null`` (the preset source_free) reads
nothing of a pair's source, also where the pair's settings name it: it starts from the source model that
the others of the pair start from.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.presets import configure, preset_file
from posebridge.bench.first_stage import first_stage
from posebridge.errors import InputError
from posebridge.models.asked import Asked

_TOP = {"pairs", "methods", "seeds", "budget", "baseline", "data_root", "thresholds"}
_PAIR = {"preset", "test", "test_images", "source_validation", "settings"}
_ASKED = ("views", "flip", "turn")
_METHOD = {"preset", "settings", "seeds", "bound", *_ASKED}


@dataclass(frozen=True)
class Training:
    """One run folder.

    Attributes:
        name: path of the folder below the comparison's, and what messages call it.
        config: the whole configuration, paths found.
        first_stage: the training whose source model this one starts from; None for a first stage
            itself.
        pair, method, seed: what it belongs to; a first stage has no method.
        test, test_images: the labelled images that score it; empty for a first stage.
        source_validation: labelled source images that nothing trains on, for one of the validators.
        asked: how the model is asked when it is scored.
        taught_by: the training whose run folder this one scores because it differs in nothing but how
            it is asked; None where it has a run folder of its own.
        thresholds: of PCK, shares of the crop's side.
    """

    name: str
    config: AdaptConfig
    first_stage: str | None
    pair: str
    method: str | None
    seed: int
    test: str | None = None
    test_images: str | None = None
    source_validation: str | None = None
    asked: Asked = field(default_factory=Asked)
    thresholds: Sequence[float] = ()
    taught_by: str | None = None

    @property
    def run(self) -> str:
        """Path of the run folder below the comparison's."""
        return self.taught_by or self.name


@dataclass(frozen=True)
class Plan:
    """A comparison.

    Attributes:
        trainings: first stages before what starts from them.
        pairs, methods: their names, in the file's order.
        baseline: the method that others are compared with, or None.
        thresholds: of PCK, shares of the crop's side.
        bounds: the methods that learn from labels of the target, which tables mark.
    """

    trainings: Sequence[Training]
    pairs: Sequence[str]
    methods: Sequence[str]
    baseline: str | None
    thresholds: Sequence[float]
    bounds: frozenset[str] = frozenset()

    def training(self, name: str) -> Training:
        """The training of that name; an unknown one raises and lists the known ones."""
        for training in self.trainings:
            if training.name == name:
                return training
        raise InputError(
            f"no training is called '{name}'; known are {', '.join(t.name for t in self.trainings)}."
        )


def read_plan(file: Path | str, data_root: Path | str | None = None) -> Plan:
    """Read a comparison.

    Args:
        file: the YAML file.
        data_root: folder that paths are relative to; it replaces the file's own.

    Raises:
        InputError: the file, an entry or a setting cannot be used; the message names it.
    """
    path = Path(file)
    raw = _yaml(path)
    _only(raw, _TOP, f"{path}")
    pairs = _entries(raw, "pairs", _PAIR, path)
    methods = _entries(raw, "methods", _METHOD, path)
    seeds = _seeds(raw.get("seeds", [0]), f"{path}: seeds")
    budget = _settings(raw.get("budget"), f"{path}: budget")
    root = data_root if data_root is not None else raw.get("data_root")
    baseline = raw.get("baseline")
    if baseline is not None and baseline not in methods:
        raise InputError(f"{path}: baseline '{baseline}' is none of the methods; name one of them.")
    thresholds = raw.get("thresholds", [0.05, 0.1])
    if not (isinstance(thresholds, list) and all(isinstance(t, float) for t in thresholds)):
        raise InputError(f"{path}: thresholds is {thresholds}; give a list such as [0.05, 0.1].")

    first_stages: dict[str, Training] = {}
    trainings: list[Training] = []
    for pair, about in pairs.items():
        if "test" not in about:
            raise InputError(f"{path}: the pair '{pair}' has no 'test', the images that score it.")
        for method, how in methods.items():
            place = f"{path}: method '{method}'"
            for seed in _seeds(how["seeds"], f"{place}: seeds") if "seeds" in how else seeds:
                of_pair = {
                    **budget,
                    **_settings(about.get("settings"), f"{path}: pair '{pair}': settings"),
                }
                last = {**({} if root is None else {"data_root": root}), "seed": seed}
                own = _settings(how.get("settings"), f"{place}: settings")
                config = configure(
                    [*_presets(about.get("preset")), *_presets(how.get("preset"))],
                    overrides={**of_pair, **own, **last},
                )
                taught = config
                if _leaves_the_source_out(how):
                    taught = configure(_presets(about.get("preset")), overrides=of_pair | last)
                    config = _without_source(config, taught)
                first = None
                if config.start_from is None and config.steps.source > 0:
                    alone, digest = first_stage(taught)
                    name = f"{pair}/first_stage/seed_{seed}_{digest}"
                    first = Training(name, alone, None, pair, None, seed)
                    first_stages.setdefault(name, first)
                trainings.append(
                    Training(
                        f"{pair}/{method}/seed_{seed}",
                        config,
                        None if first is None else first.name,
                        pair,
                        method,
                        seed,
                        about["test"],
                        about.get("test_images"),
                        about.get("source_validation"),
                        _asked(how, place, config.asked),
                        thresholds,
                        _alike(config, first, trainings),
                    )
                )
    return Plan(
        [*first_stages.values(), *trainings],
        list(pairs),
        list(methods),
        baseline,
        thresholds,
        frozenset(method for method, how in methods.items() if _bound(how, method, path)),
    )


def _bound(how: Mapping[str, Any], method: str, path: Path) -> bool:
    """Whether a method learns from labels of the target, and so bounds what adaptation can reach."""
    bound = how.get("bound", False)
    if not isinstance(bound, bool):
        raise InputError(f"{path}: method '{method}': bound is {bound!r}; give true or false.")
    return bound


def _alike(config: AdaptConfig, first: Training | None, before: Sequence[Training]) -> str | None:
    """The training among those ``before`` whose weights are those of ``config``, if there is one."""
    name = None if first is None else first.name
    for other in before:
        if other.first_stage == name and replace(other.config, asked=config.asked) == config:
            return other.name
    return None


def _asked(how: Mapping[str, Any], place: str, own: Asked) -> Asked:
    """A method's ``views``, ``flip`` and ``turn``; those of its settings, where it has none."""
    given = {name: how[name] for name in _ASKED if name in how}
    if not given:
        return own
    try:
        return Asked(**given)
    except InputError as error:
        said = ", ".join(f"{name} is {value!r}" for name, value in given.items())
        raise InputError(f"{place}: {said}: {error}") from error


def _leaves_the_source_out(how: Mapping[str, Any]) -> bool:
    """Whether the last word of a method about the source is null."""
    given = [yaml.safe_load(preset_file(p).read_text("utf-8")) for p in _presets(how.get("preset"))]
    words = [part["source"] for part in (*given, how.get("settings") or {}) if "source" in part]
    return bool(words) and words[-1] is None


def _without_source(config: AdaptConfig, taught: AdaptConfig) -> AdaptConfig:
    """A method's settings with the source left out; the steps of ``taught`` count as done."""
    steps = config.steps
    if config.start_from is None:
        steps = replace(steps, source=taught.steps.source)
    return replace(
        config,
        source=None,
        source_images=None,
        mapping=None,
        source_held_out=None,
        steps=steps,
    )


def _yaml(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"{path} does not exist; name the YAML file of a comparison.")
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(raw, dict):
        raise InputError(f"{path} holds no settings; see 'posebridge bench --help' for an example.")
    return raw


def _entries(
    raw: Mapping[str, Any], key: str, known: set[str], path: Path
) -> dict[str, dict[str, Any]]:
    found = raw.get(key)
    if not isinstance(found, dict) or not found:
        raise InputError(f"{path} names no {key}; see 'posebridge bench --help' for an example.")
    entries: dict[str, dict[str, Any]] = {}
    for name, value in found.items():
        if not re.fullmatch(r"[\w+.-]+", str(name)) or str(name) == "first_stage":
            raise InputError(
                f"{path}: '{name}' cannot name one of the {key}; it becomes a folder: use letters, "
                "digits, _ and -, and not 'first_stage'."
            )
        entry = {} if value is None else value
        if not isinstance(entry, dict):
            raise InputError(f"{path}: {key}: '{name}' is {entry!r}; give preset and settings.")
        _only(entry, known, f"{path}: {key}: '{name}'")
        entries[str(name)] = entry
    return entries


def _only(raw: Mapping[str, Any], known: set[str], place: str) -> None:
    for key in raw:
        if key not in known:
            raise InputError(
                f"{place}: '{key}' means nothing here; known are {', '.join(sorted(known))}."
            )


def _seeds(value: Any, place: str) -> list[int]:
    if not (isinstance(value, list) and value and all(isinstance(s, int) for s in value)):
        raise InputError(f"{place} is {value!r}; give a list of numbers such as [0, 1, 2].")
    return value


def _settings(value: Any, place: str) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InputError(f"{place} is {value!r}; give settings such as {{steps.source: 1000}}.")
    return {str(name): setting for name, setting in value.items()}


def _presets(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]
