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
    sweeps:
      multilevel: {consistency.weight: [0.3, 1, 3]}        # one more method for each value

``bound`` marks in tables what learns from labels of the target: no method, but what one could reach.
``checkpoints: final`` scores the last one and the validator's choice alone, where many views are dear.

Settings are applied in this order: preset of the pair, preset of the method, budget, settings of the
pair, settings of the method, seed. A method that sets ``source: null`` (the preset source_free) reads
nothing of a pair's source, also where the pair's settings name it: it starts from the source model that
the others of the pair start from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from posebridge.bench.plan_file import (
    configured,
    entries_of,
    presets_of,
    read_yaml,
    require_known,
    seeds_of,
    settings_of,
    text_of,
    thresholds_of,
)
from posebridge.bench.source_stage import first_stage
from posebridge.bench.sweeps import Sweep, read_sweeps
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.models.tta import Asked
from posebridge.training.config import AdaptConfig
from posebridge.training.presets import preset_settings

_TOP = {"pairs", "methods", "sweeps", "seeds", "budget", "baseline", "data_root", "thresholds"}
MOST_TRAININGS = 10_000
_PAIR = {"preset", "test", "test_images", "source_validation", "settings"}
_ASKED = ("views", "flip", "turn")
_METHOD = {"preset", "settings", "seeds", "bound", "checkpoints", *_ASKED}


@dataclass(frozen=True)
class Training:
    """One run folder.

    Attributes:
        name: path of the folder below the comparison's, and what messages call it.
        config: the whole configuration, paths found.
        first_stage: the training whose source model this one starts from; None for a first stage
            itself.
        pair, method, seed: what it belongs to; a first stage has no method, and its pair is the first
            of those that it is for.
        test, test_images: the labelled images that score it; empty for a first stage.
        source_validation: labelled source images that nothing trains on, for one of the validators.
        asked: how the model is asked when it is scored.
        taught_by: the training whose run folder this one scores because it differs in nothing but how
            it is asked; None where it has a run folder of its own.
        twins: the other trainings of these weights, whose scores are this one's where they are asked
            the same.
        thresholds: of PCK, shares of the crop's side.
        scores_all: every checkpoint is scored, not just the last and the validator's choice.
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
    scores_all: bool = True
    twins: Sequence[str] = ()

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
        sweeps: settings in several values; their methods are among ``methods``.
    """

    trainings: Sequence[Training]
    pairs: Sequence[str]
    methods: Sequence[str]
    baseline: str | None
    thresholds: Sequence[float]
    bounds: frozenset[str] = frozenset()
    sweeps: Sequence[Sweep] = ()

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
    raw = read_yaml(path)
    require_known(raw, _TOP, f"{path}")
    pairs = entries_of(raw, "pairs", _PAIR, path)
    methods = entries_of(raw, "methods", _METHOD, path)
    sweeps, swept = read_sweeps(raw.get("sweeps"), methods, path)
    methods |= swept
    seeds = seeds_of(raw.get("seeds", [0]), f"{path}: seeds")
    budget = settings_of(raw.get("budget"), f"{path}: budget")
    root = data_root or text_of(raw.get("data_root"), f"{path}: data_root")
    baseline = text_of(raw.get("baseline"), f"{path}: baseline")
    if baseline is not None and baseline not in methods:
        raise InputError(
            f"{path}: baseline {short_repr(baseline)} is none of the methods; name one of them."
        )
    thresholds = thresholds_of(raw.get("thresholds", [0.05, 0.1]), f"{path}: thresholds")

    if len(pairs) * len(methods) * len(seeds) > MOST_TRAININGS:
        raise InputError(
            f"{path}: {len(pairs)} pairs, {len(methods)} methods (with those of sweeps) and "
            f"{len(seeds)} seeds are more than {MOST_TRAININGS} trainings; make several plans."
        )

    first_stages: dict[str, Training] = {}
    trainings: list[Training] = []
    for pair, about in pairs.items():
        words = {
            name: text_of(about.get(name), f"{path}: pair '{pair}': {name}")
            for name in ("test", "test_images", "source_validation")
        }
        if words["test"] is None:
            raise InputError(f"{path}: the pair '{pair}' has no 'test', the images that score it.")
        for method, how in methods.items():
            place = f"{path}: method '{method}'"
            for seed in seeds_of(how["seeds"], f"{place}: seeds") if "seeds" in how else seeds:
                of_pair = {
                    **budget,
                    **settings_of(about.get("settings"), f"{path}: pair '{pair}': settings"),
                }
                last = {**({} if root is None else {"data_root": root}), "seed": seed}
                own = settings_of(how.get("settings"), f"{place}: settings")
                both = f"{path}: pair '{pair}', method '{method}'"
                config = configured(
                    [
                        *presets_of(about.get("preset"), f"{path}: pair '{pair}'"),
                        *presets_of(how.get("preset"), place),
                    ],
                    {**of_pair, **own, **last},
                    both,
                )
                taught = config
                if _leaves_the_source_out(how, place):
                    taught = configured(
                        presets_of(about.get("preset"), f"{path}: pair '{pair}'"),
                        of_pair | last,
                        both,
                    )
                    config = _without_source(config, taught)
                first = None
                if config.start_from is None and config.steps.source > 0:
                    first = _first_stage(taught, pair, seed, first_stages)
                    first_stages.setdefault(first.name, first)
                trainings.append(
                    Training(
                        f"{pair}/{method}/seed_{seed}",
                        config,
                        None if first is None else first.name,
                        pair,
                        method,
                        seed,
                        words["test"],
                        words["test_images"],
                        words["source_validation"],
                        _asked(how, place, config.asked),
                        thresholds,
                        _alike(config, first, trainings),
                        _scores_all(how, place),
                    )
                )
    return Plan(
        [*first_stages.values(), *_with_twins(trainings)],
        list(pairs),
        list(methods),
        baseline,
        thresholds,
        frozenset(method for method, how in methods.items() if _bound(how, method, path)),
        sweeps,
    )


def _first_stage(
    config: AdaptConfig, pair: str, seed: int, known: Mapping[str, Training]
) -> Training:
    """The source stage of a training: one of those ``known``, also of another pair, or a new one."""
    alone, digest = first_stage(config)
    name = f"first_stage/seed_{seed}_{digest}"
    if name in known and known[name].config.data_root != alone.data_root:
        name = f"{name}_{pair}"  # one relative path below two roots is two sources
    return known.get(name, Training(name, alone, None, pair, None, seed))


def _bound(how: Mapping[str, Any], method: str, path: Path) -> bool:
    """Whether a method learns from labels of the target, and so bounds what adaptation can reach."""
    bound = how.get("bound", False)
    if not isinstance(bound, bool):
        raise InputError(
            f"{path}: method '{method}': bound is {short_repr(bound)}; give true or false."
        )
    return bound


def _scores_all(how: Mapping[str, Any], place: str) -> bool:
    """Whether all checkpoints of a method are scored, as where nothing is said."""
    said = how.get("checkpoints", "all")
    if said not in ("all", "final"):
        raise InputError(f"{place}: checkpoints is {short_repr(said)}; give all or final.")
    return said == "all"


def _alike(config: AdaptConfig, first: Training | None, before: Sequence[Training]) -> str | None:
    """The training among those ``before`` whose weights are those of ``config``, if there is one."""
    name = None if first is None else first.name
    for other in before:
        if other.first_stage == name and replace(other.config, asked=config.asked) == config:
            return other.name
    return None


def _with_twins(trainings: Sequence[Training]) -> list[Training]:
    """The trainings, each with the names of the others of its run."""
    runs: dict[str, list[str]] = {}
    for training in trainings:
        runs.setdefault(training.run, []).append(training.name)
    return [
        replace(t, twins=tuple(name for name in runs[t.run] if name != t.name)) for t in trainings
    ]


def _asked(how: Mapping[str, Any], place: str, own: Asked) -> Asked:
    """A method's ``views``, ``flip`` and ``turn``; those of its settings, where it has none."""
    given = {name: how[name] for name in _ASKED if name in how}
    if not given:
        return own
    try:
        return Asked(**given)
    except InputError as error:
        said = ", ".join(f"{name} is {short_repr(value)}" for name, value in given.items())
        raise InputError(f"{place}: {said}: {error}") from error


def _leaves_the_source_out(how: Mapping[str, Any], place: str) -> bool:
    """Whether the last word of a method about the source is null."""
    given = [preset_settings(name) for name in presets_of(how.get("preset"), place)]
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
