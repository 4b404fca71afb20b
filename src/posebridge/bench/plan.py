"""A comparison as a YAML file, and the runs that it takes.

    budget: {steps.source: 1000, steps.adaptation: 500}   # settings of every run
    seeds: [0, 1, 2]
    baseline: source_only                                  # the method that others are compared with
    pairs:
      people: {preset: makehuman_lspet, test: makehuman_lspet/target/test/annotations.json}
    methods:
      source_only: {preset: source_only}
      multilevel: {preset: multilevel}
      no_feature: {preset: multilevel, config: {feature.weight: 0}, seeds: [0]}
      voted: {preset: multilevel, views: 4, flip: true, turn: 20}  # test-time augmentation in scoring
      with_labels: {preset: source_only, config: {source: photographs.json}, oracle: true}
    sweeps:
      multilevel: {consistency.weight: [0.3, 1, 3]}        # one more method for each value

``oracle`` marks an oracle in tables: a method that learns from labels of the target, for reference.
``checkpoints: final`` scores the last and the selected checkpoint alone, where test-time augmentation
with many views is expensive.

Config fields are applied in this order: preset of the pair, preset of the method, budget, config of the
pair, config of the method, seed. A method that sets ``source: null`` (the preset source_free) reads
nothing of a pair's source, even where the pair's config names it: it starts from the source model that
the other methods of the pair start from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from posebridge.bench.plan_file import (
    configured,
    get_config,
    get_entries,
    get_presets,
    get_seeds,
    get_text,
    get_thresholds,
    read_yaml,
    require_known,
)
from posebridge.bench.source_stage import source_stage
from posebridge.bench.sweeps import Sweep, read_sweeps
from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.models.tta import TTAConfig
from posebridge.training.config import AdaptConfig
from posebridge.training.presets import preset_settings

_TOP = {"pairs", "methods", "sweeps", "seeds", "budget", "baseline", "data_root", "thresholds"}
MOST_TRAININGS = 10_000
_PAIR = {"preset", "test", "test_image_root", "source_validation", "config"}
_METHOD = {"preset", "config", "seeds", "oracle", "checkpoints"}


@dataclass(frozen=True)
class RunSpec:
    """One run of a comparison.

    Attributes:
        name: path of the run folder below the comparison's folder; messages use it as well.
        config: the whole config, paths resolved.
        source_stage: the source stage whose model this run starts from; None for a source stage.
        pair, method, seed: the cell of the comparison; a source stage has no method, and its pair is
            the first of the pairs that use it.
        test, test_image_root: the labeled images that score the run; empty for a source stage.
        source_validation: labeled source images that are not trained on, for one of the validators.
        tta: the test-time augmentation in scoring.
        taught_by: the run whose folder this one scores because only their test-time augmentation
            differs; None where it has a run folder of its own.
        twins: the other runs that share the run folder; where their test-time augmentation is equal
            too, their scores are this run's scores.
        thresholds: PCK thresholds as fractions of the crop's side.
        scores_all: every checkpoint is scored, not only the last and the selected one.
    """

    name: str
    config: AdaptConfig
    source_stage: str | None
    pair: str
    method: str | None
    seed: int
    test: str | None = None
    test_image_root: str | None = None
    source_validation: str | None = None
    tta: TTAConfig = field(default_factory=TTAConfig)
    thresholds: Sequence[float] = ()
    taught_by: str | None = None
    scores_all: bool = True
    twins: Sequence[str] = ()

    @property
    def run(self) -> str:
        """Path of the run folder below the comparison's folder."""
        return self.taught_by or self.name


@dataclass(frozen=True)
class Plan:
    """A comparison.

    Attributes:
        trainings: the runs, source stages before the runs that start from them.
        pairs, methods: their names, in the file's order.
        baseline: the method that others are compared with, or None.
        thresholds: PCK thresholds as fractions of the crop's side.
        oracles: the oracles, the methods that learn from labels of the target; tables mark them.
        sweeps: settings in several values; their methods are among ``methods``.
    """

    trainings: Sequence[RunSpec]
    pairs: Sequence[str]
    methods: Sequence[str]
    baseline: str | None
    thresholds: Sequence[float]
    oracles: frozenset[str] = frozenset()
    sweeps: Sequence[Sweep] = ()

    def training(self, name: str) -> RunSpec:
        """Return the run of that name; an unknown name raises and lists the known ones."""
        for training in self.trainings:
            if training.name == name:
                return training
        raise InputError(
            f"no run is called '{name}'; known are {', '.join(t.name for t in self.trainings)}."
        )


def read_plan(file: Path | str, data_root: Path | str | None = None) -> Plan:
    """Read a comparison.

    Args:
        file: the YAML file.
        data_root: folder that paths are relative to; it replaces the ``data_root`` of the file.

    Raises:
        InputError: the file, an entry or a setting cannot be used; the message names it.
    """
    path = Path(file)
    raw = read_yaml(path)
    require_known(raw, _TOP, f"{path}")
    pairs = get_entries(raw, "pairs", _PAIR, path)
    methods = get_entries(raw, "methods", _METHOD, path)
    sweeps, swept = read_sweeps(raw.get("sweeps"), methods, path)
    methods |= swept
    seeds = get_seeds(raw.get("seeds", [0]), f"{path}: seeds")
    budget = get_config(raw.get("budget"), f"{path}: budget")
    root = data_root or get_text(raw.get("data_root"), f"{path}: data_root")
    baseline = get_text(raw.get("baseline"), f"{path}: baseline")
    if baseline is not None and baseline not in methods:
        raise InputError(
            f"{path}: baseline {short_repr(baseline)} is not among the methods; name one of them."
        )
    thresholds = get_thresholds(raw.get("thresholds", [0.05, 0.1]), f"{path}: thresholds")

    if len(pairs) * len(methods) * len(seeds) > MOST_TRAININGS:
        raise InputError(
            f"{path}: {len(pairs)} pairs, {len(methods)} methods (sweeps included) and "
            f"{len(seeds)} seeds are more than {MOST_TRAININGS} runs; make several plans."
        )

    first_stages: dict[str, RunSpec] = {}
    trainings: list[RunSpec] = []
    for pair, about in pairs.items():
        words = {
            name: get_text(about.get(name), f"{path}: pair '{pair}': {name}")
            for name in ("test", "test_image_root", "source_validation")
        }
        if words["test"] is None:
            raise InputError(f"{path}: the pair '{pair}' has no 'test', the images that score it.")
        for method, how in methods.items():
            place = f"{path}: method '{method}'"
            for seed in get_seeds(how["seeds"], f"{place}: seeds") if "seeds" in how else seeds:
                of_pair = {
                    **budget,
                    **get_config(about.get("config"), f"{path}: pair '{pair}': config"),
                }
                last = {**({} if root is None else {"data_root": root}), "seed": seed}
                own = get_config(how.get("config"), f"{place}: config")
                both = f"{path}: pair '{pair}', method '{method}'"
                config = configured(
                    [
                        *get_presets(about.get("preset"), f"{path}: pair '{pair}'"),
                        *get_presets(how.get("preset"), place),
                    ],
                    {**of_pair, **own, **last},
                    both,
                )
                taught = config
                if _leaves_the_source_out(how, place):
                    taught = configured(
                        get_presets(about.get("preset"), f"{path}: pair '{pair}'"),
                        of_pair | last,
                        both,
                    )
                    config = _without_source(config, taught)
                first = None
                if config.init_from is None and config.steps.source > 0:
                    first = _first_stage(taught, pair, seed, first_stages)
                    first_stages.setdefault(first.name, first)
                trainings.append(
                    RunSpec(
                        f"{pair}/{method}/seed_{seed}",
                        config,
                        None if first is None else first.name,
                        pair,
                        method,
                        seed,
                        words["test"],
                        words["test_image_root"],
                        words["source_validation"],
                        config.tta,
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
        frozenset(method for method, how in methods.items() if _is_oracle(how, method, path)),
        sweeps,
    )


def _first_stage(
    config: AdaptConfig, pair: str, seed: int, known: Mapping[str, RunSpec]
) -> RunSpec:
    """Return the source stage of a run: a ``known`` one, possibly of another pair, or a new one."""
    alone, digest = source_stage(config)
    name = f"source_stage/seed_{seed}_{digest}"
    if name in known and known[name].config.data_root != alone.data_root:
        name = f"{name}_{pair}"  # one relative path below two data roots is two sources
    return known.get(name, RunSpec(name, alone, None, pair, None, seed))


def _is_oracle(how: Mapping[str, Any], method: str, path: Path) -> bool:
    """Return whether a method is an oracle, which learns from labels of the target."""
    oracle = how.get("oracle", False)
    if not isinstance(oracle, bool):
        raise InputError(
            f"{path}: method '{method}': oracle is {short_repr(oracle)}; give true or false."
        )
    return oracle


def _scores_all(how: Mapping[str, Any], place: str) -> bool:
    """Return whether all checkpoints of a method are scored, which is the default."""
    chosen = how.get("checkpoints", "all")
    if chosen not in ("all", "final"):
        raise InputError(f"{place}: checkpoints is {short_repr(chosen)}; give all or final.")
    return chosen == "all"


def _alike(config: AdaptConfig, first: RunSpec | None, before: Sequence[RunSpec]) -> str | None:
    """Return the run among ``before`` that trains the same weights as ``config``, None without one."""
    name = None if first is None else first.name
    for other in before:
        if other.source_stage == name and replace(other.config, tta=config.tta) == config:
            return other.name
    return None


def _with_twins(trainings: Sequence[RunSpec]) -> list[RunSpec]:
    """Return the runs, each with the names of the others that share its folder."""
    runs: dict[str, list[str]] = {}
    for training in trainings:
        runs.setdefault(training.run, []).append(training.name)
    return [
        replace(t, twins=tuple(name for name in runs[t.run] if name != t.name)) for t in trainings
    ]


def _leaves_the_source_out(how: Mapping[str, Any], place: str) -> bool:
    """Return whether the last preset or setting of a method that names the source sets it to null."""
    given = [preset_settings(name) for name in get_presets(how.get("preset"), place)]
    words = [part["source"] for part in (*given, how.get("config") or {}) if "source" in part]
    return bool(words) and words[-1] is None


def _without_source(config: AdaptConfig, taught: AdaptConfig) -> AdaptConfig:
    """Return a method's config without the source; the source steps of ``taught`` count as done."""
    steps = config.steps
    if config.init_from is None:
        steps = replace(steps, source=taught.steps.source)
    return replace(
        config,
        source=None,
        source_image_root=None,
        keypoint_mapping=None,
        validation=replace(config.validation, source_fraction=None),
        steps=steps,
    )
