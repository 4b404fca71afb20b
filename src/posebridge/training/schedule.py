"""Learning rate, loss weights and randomness as functions of the step alone.

Nothing here has state, so a stopped run resumes exactly as if it had not been stopped.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from posebridge.alignment.level import Level
from posebridge.training.config import AdaptConfig

# The released schedule in epochs: the drops of the rate, the end of the source stage, and the end.
_DROPS, _SOURCE_EPOCHS, _EPOCHS = (45, 60), 40, 70


def learning_rate(config: AdaptConfig, step: int) -> float:
    """Return the student's learning rate at a step counted over both stages."""
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
    if optimizer.schedule == "cosine":
        factor *= 0.5 * (1 + math.cos(math.pi * min(1.0, position / max(1, length))))
    elif optimizer.schedule == "step" and adapting:
        factor *= 0.1 ** sum(_epoch(config, position) >= drop for drop in _DROPS)
    return base * factor


def _epoch(config: AdaptConfig, position: int) -> float:
    """Return the epoch of the released schedule at a step of the adaptation.

    The source stage counts as 40 epochs, whatever its length: with 20,000 and 15,000 steps the two
    drops come at steps 22,500 and 30,000 of both stages, as released, and a short adaptation after a
    long source stage still starts at the full rate. The rate does not drop within the source stage,
    which adaptations of several lengths may share. Without a source stage the adaptation is the whole
    schedule.
    """
    before = _SOURCE_EPOCHS if config.steps.source else 0
    return before + (_EPOCHS - before) * position / max(1, config.steps.adaptation)


def encoder_factor(config: AdaptConfig, step: int) -> float:
    """Return the encoder's learning rate as a multiple of the student's."""
    optimizer = config.optimizer
    if step >= config.steps.source and optimizer.adaptation_encoder_lr_mult is not None:
        return optimizer.adaptation_encoder_lr_mult
    return optimizer.encoder_lr_mult


def ramp(config: AdaptConfig, step: int) -> float:
    """Return the ramp of the adaptation's loss weights: 0 to 1 over ``steps.loss_ramp``."""
    if config.steps.loss_ramp == 0:
        return 1.0
    return min(1.0, (step - config.steps.source + 1) / config.steps.loss_ramp)


def loss_weight(config: AdaptConfig, levels: Sequence[Level], term: str, step: int) -> float:
    """Return the loss weight of ``term`` in the total at a step.

    It is the weight of its level, times the scales of other levels, times :func:`ramp` unless the term
    is taken on source labels.
    """
    if term == "source":
        return 1.0
    progress = max(0, step - config.steps.source) / max(1, config.steps.adaptation)
    owner = next(level for level in levels if term in level.terms)
    weight = owner.weight(term, progress)
    for level in levels:
        if level is not owner:
            weight *= level.scale(term, progress)
    return weight * (1.0 if term in owner.supervised else ramp(config, step))


def step_generator(seed: int, step: int) -> torch.Generator:
    """Return the CPU generator for every random draw of a step."""
    state = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
