"""The range of every number of a configuration, checked before any work."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

_MOST_STEPS = 10**9
_MOST_CHANNELS = 4096
_VIEWS = ("source_view", "student_view", "teacher_view")
_WITHIN: dict[str, tuple[float, float]] = {
    **dict.fromkeys(
        (
            *("steps.source", "steps.adaptation", "steps.checkpoint_every", "steps.validate_every"),
            *("steps.keep_every", "steps.log_every", "steps.picture_every", "steps.ramp"),
            *("optimizer.warmup", "image.network.steps", "reading.every", "reading.frames"),
            "held_out.held_out_most",
        ),
        (0, _MOST_STEPS),
    ),
    **dict.fromkeys(("steps.batch", "image.network.batch"), (1, 65_536)),
    **dict.fromkeys(("feature.width", "refine.width"), (1, _MOST_CHANNELS)),
    "consistency.patch": (0, 1),
    "consistency.rounds": (0, 10_000),
    "consistency.views": (1, 64),
    "image.bank": (1, 1_000_000),
    "image.network.width": (1 / 1024, 16),
    "workers": (0, 1024),
    **{
        f"{view}.{name}": limits
        for view in _VIEWS
        for name, limits in {
            "rotation": (0, 360),
            "shear": (0, 89),
            "translation": (0, 10),
            "colour": (0, 100),
            "hue": (0, 360),
            "blur": (0, 100),
            "noise": (0, 100),
            "scale": (0, 1000),
        }.items()
    },
}


def require_ranges(config: Any) -> None:
    """Check the numbers of an :class:`~posebridge.training.config.AdaptConfig`.

    Raises:
        InputError: a number is not finite or out of its range, or two do not go together.
    """
    for name, value in _numbers(config, ""):
        if not (abs(value) < 1e300 and math.isfinite(value)):
            raise InputError(f"{name} is {short_repr(value)}; give a finite number.")
    shares = {
        "image.probability": config.image.probability,
        "image.back": config.image.back,
        "consistency.keep": config.consistency.keep,
        "consistency.occlusion": config.consistency.occlusion,
        "consistency.keep_first": config.consistency.keep_first or 0.0,
        "consistency.keep_within": config.consistency.keep_within,
        "disparity.features": config.disparity.features,
        "refine.rise": config.refine.rise,
        "refine.first": config.refine.first,
        "refine.mine": config.refine.mine,
        "teacher_decay": config.teacher_decay,
        "held_out.held_out": config.held_out.held_out,
        "source_held_out": config.source_held_out or 0.0,
        "prior.weight": config.prior.weight,
    }
    for view in ("source_view", "student_view", "teacher_view"):
        shares[f"{view}.flip"] = getattr(config, view).flip
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise InputError(f"{name} is {value:g}; give a share between 0 and 1.")
    least = {
        "steps.batch": (config.steps.batch, 1),
        "steps.source": (config.steps.source, 0),
        "steps.adaptation": (config.steps.adaptation, 0),
        "steps.checkpoint_every": (config.steps.checkpoint_every, 1),
        "steps.validate_every": (config.steps.validate_every, 1),
        "steps.keep_every": (config.steps.keep_every, 0),
        "steps.log_every": (config.steps.log_every, 1),
        "steps.picture_every": (config.steps.picture_every, 1),
        "crop.size": (config.crop.size, 16),
        "model.heatmap_size": (config.model.heatmap_size, 8),
        "image.bank": (config.image.bank, 1),
        "consistency.views": (config.consistency.views, 1),
        "consistency.rounds": (config.consistency.rounds, 0),
        "refine.width": (config.refine.width, 1),
        "seed": (config.seed, 0),
        "optimizer.warmup": (config.optimizer.warmup, 0),
        "steps.ramp": (config.steps.ramp, 0),
        "workers": (config.workers or 0, 0),
    }
    for name, (value, limit) in least.items():
        if value < limit:
            raise InputError(f"{name} is {value}; give {limit} or more.")
    if config.seed > 2**31:
        raise InputError(f"seed is {config.seed}; give at most 2147483648.")
    weights = {
        "consistency.weight": config.consistency.weight,
        "feature.weight": config.feature.weight,
        "pose.weight": config.pose.weight,
        "disparity.weight": config.disparity.weight,
        "disparity.margin": config.disparity.margin,
        "refine.weight": config.refine.weight,
        "facing": config.facing,
        "anchor": config.anchor,
        "optimizer.weight_decay": config.optimizer.weight_decay,
    }
    for name, weight in weights.items():
        if not weight >= 0:
            raise InputError(f"{name} is {weight:g}; a weight is 0 (off) or more.")
    above_zero = {
        "optimizer.lr": config.optimizer.lr,
        "optimizer.encoder": config.optimizer.encoder,
        "pose.temperature": config.pose.temperature,
        "consistency.spread": config.consistency.spread,
        "disparity.rise": config.disparity.rise,
        "crop.padding": config.crop.padding,
        "model.sigma": config.model.sigma,
        "optimizer.adaptation_lr": config.optimizer.adaptation_lr,
        "optimizer.adaptation_encoder": config.optimizer.adaptation_encoder,
    }
    for name, value in above_zero.items():
        if value is not None and not value > 0:
            raise InputError(f"{name} is {value:g}; give a number above 0.")
    if config.refine.weight > 0 and config.consistency.weight == 0:
        raise InputError(
            "refine.weight is above 0 and consistency.weight is 0, but the first labels that are "
            "refined are those of consistency; give it a weight too."
        )
    for view in ("source_view", "student_view", "teacher_view"):
        low, high = getattr(config, view).scale
        if not 0 < low <= high:
            raise InputError(f"{view}.scale is {low:g} to {high:g}; give low, high above 0.")
    for name, value in _numbers(config, ""):
        low, high = _WITHIN.get(name, (-math.inf, math.inf))
        if not low <= value <= high:
            raise InputError(f"{name} is {value:g}; give a number from {low:g} to {high:g}.")
    levels = config.image.network.levels
    if not 0 < len(levels) <= 100 or any(abs(level) > 100 for level in levels):
        raise InputError(
            f"image.network.levels is {short_repr(levels)}; give a list of numbers of feature maps."
        )


def _numbers(config: Any, before: str) -> Iterator[tuple[str, float]]:
    """Yield every number of a configuration by its dotted name."""
    for field in fields(config):
        value, name = getattr(config, field.name), f"{before}{field.name}"
        if is_dataclass(value):
            yield from _numbers(value, f"{name}.")
            continue
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, int | float) and not isinstance(part, bool):
                yield name, part
