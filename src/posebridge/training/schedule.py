"""Learning rate, weights of the losses and randomness as functions of the step alone.

Nothing here remembers anything, so a run that was stopped goes on exactly as if it had not been.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from posebridge.training.config import AdaptConfig

TERMS = (
    *("source", "consistency", "feature", "pose", "facing", "target_facing"),
    *("regressor", "disparity", "refined_source", "inner", "outer"),
)
_OF_THE_SOURCE = ("source", "facing", "refined_source")
# The released schedule in epochs: where the rate drops, where the source stage ends, and the end.
_DROPS, _SOURCE_EPOCHS, _EPOCHS = (45, 60), 40, 70


def learning_rate(config: AdaptConfig, step: int) -> float:
    """The student's learning rate at a step counted over both stages."""
    optimizer, steps = config.optimizer, config.steps
    adapting = step >= steps.source
    base = optimizer.lr
    if adapting and optimizer.adaptation_lr is not None:
        base = optimizer.adaptation_lr
    position = step - steps.source if adapting else step
    length = steps.adaptation if adapting else steps.source
    factor = 1.0
    if optimizer.warmup:
        factor = min(1.0, (position + 1) / optimizer.warmup)
    if optimizer.decay == "cosine":
        factor *= 0.5 * (1 + math.cos(math.pi * min(1.0, position / max(1, length))))
    elif optimizer.decay == "step" and adapting:
        factor *= 0.1 ** sum(_epoch(config, position) >= drop for drop in _DROPS)
    return base * factor


def _epoch(config: AdaptConfig, position: int) -> float:
    """Where a step of the adaptation lies in the released schedule, both stages counted.

    The source stage stands for its 40 epochs however long it is: with 20,000 and 15,000 steps the two
    drops come at 22,500 and 30,000 of both, as released, and a short adaptation after a long source
    stage still begins at the full rate. Nothing drops within the source stage, which several
    adaptations of other lengths may share. Without one the adaptation is the whole schedule.
    """
    before = _SOURCE_EPOCHS if config.steps.source else 0
    return before + (_EPOCHS - before) * position / max(1, config.steps.adaptation)


def encoder_factor(config: AdaptConfig, step: int) -> float:
    """The encoder's learning rate as a multiple of the student's."""
    optimizer = config.optimizer
    if step >= config.steps.source and optimizer.adaptation_encoder is not None:
        return optimizer.adaptation_encoder
    return optimizer.encoder


def ramp(config: AdaptConfig, step: int) -> float:
    """Share of the adaptation's weights that is in force: 0 to 1 over ``steps.ramp``."""
    if config.steps.ramp == 0:
        return 1.0
    return min(1.0, (step - config.steps.source + 1) / config.steps.ramp)


def done(config: AdaptConfig, step: int) -> float:
    """Share of the adaptation that is over before a step; 0 in the source stage."""
    return max(0, step - config.steps.source) / max(1, config.steps.adaptation)


def round_begins(config: AdaptConfig, step: int) -> bool:
    """Whether the model that gives the pseudo-labels is to be copied before this step."""
    first = config.steps.source
    if config.consistency.rounds == 0 or step < first:
        return False
    return step == first or _round(config, step) != _round(config, step - 1)


def _round(config: AdaptConfig, step: int) -> int:
    adapted = step - config.steps.source
    return adapted * config.consistency.rounds // max(1, config.steps.adaptation)


def kept_share(config: AdaptConfig, step: int) -> float:
    """Share of the joints whose pseudo-labels are learned from: a curriculum, or the same always."""
    settings = config.consistency
    if settings.keep_first is None:
        return settings.keep
    over = done(config, step)
    if settings.rounds > 1:
        over = _round(config, step) / settings.rounds
    part = _part(over, settings.keep_within)
    return settings.keep_first + part * (settings.keep - settings.keep_first)


def rising(done: float, within: float) -> float:
    """Weight of the updated labels: exp(-5 (1 - t)^2), t = done / within, at most 1.

    Args:
        done: share of the adaptation that is over.
        within: share of it within which the weight rises.
    """
    return math.exp(-5 * (1 - _part(done, within)) ** 2)


def falling(done: float, within: float, least: float) -> float:
    """Weight of the first labels: a half cosine from 1 towards 0, never below ``least``."""
    return max(least, 0.5 * (1 + math.cos(math.pi * _part(done, within))))


def _part(done: float, within: float) -> float:
    return min(1.0, done / within) if within > 0 else 1.0


def mined_share(config: AdaptConfig, step: int) -> float:
    """Share of an image's joints, the easiest, that the refinement lets through: from 1 down."""
    return 1.0 - _part(done(config, step), config.refine.rise) * (1.0 - config.refine.mine)


def weight(config: AdaptConfig, term: str, step: int) -> float:
    """What the loss ``term``, one of ``TERMS``, counts in the total at a step."""
    disparity, refine, over = config.disparity, config.refine, done(config, step)
    first = falling(over, refine.rise, refine.first) if refine.weight > 0 else 1.0
    updated = refine.weight * rising(over, refine.rise)
    answer = 2 / (1 + math.exp(-over / disparity.rise)) - 1
    weights = {
        "source": 1.0,
        "consistency": config.consistency.weight * first,
        "feature": config.feature.weight,
        "pose": config.pose.weight,
        "facing": config.facing,
        "target_facing": config.facing * config.consistency.weight,
        "regressor": disparity.weight,
        "disparity": disparity.weight * disparity.features * answer,
        "refined_source": 1.0,
        "inner": updated,
        "outer": updated,
    }
    return weights[term] * (1.0 if term in _OF_THE_SOURCE else ramp(config, step))


def step_generator(seed: int, step: int) -> torch.Generator:
    """The CPU generator from which everything random in a step is drawn."""
    state = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
