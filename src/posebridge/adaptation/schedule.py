"""Learning rate, weights of the losses and randomness as functions of the step alone.

Nothing here remembers anything, so a run that was stopped goes on exactly as if it had not been.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from posebridge.adaptation.config import AdaptConfig

TERMS = ("source", "consistency", "feature", "pose", "facing", "target_facing")
_OF_THE_SOURCE = ("source", "facing")
_STEP_DECAYS = (45 / 70, 60 / 70)


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
        factor *= 0.1 ** sum(position >= share * length for share in _STEP_DECAYS)
    return base * factor


def ramp(config: AdaptConfig, step: int) -> float:
    """Share of the adaptation's weights that is in force: 0 to 1 over ``steps.ramp``."""
    if config.steps.ramp == 0:
        return 1.0
    return min(1.0, (step - config.steps.source + 1) / config.steps.ramp)


def weight(config: AdaptConfig, term: str, step: int) -> float:
    """What the loss ``term``, one of ``TERMS``, counts in the total at a step."""
    weights = {
        "source": 1.0,
        "consistency": config.consistency.weight,
        "feature": config.feature.weight,
        "pose": config.pose.weight,
        "facing": config.facing,
        "target_facing": config.facing * config.consistency.weight,
    }
    return weights[term] * (1.0 if term in _OF_THE_SOURCE else ramp(config, step))


def step_generator(seed: int, step: int) -> torch.Generator:
    """The CPU generator from which everything random in a step is drawn."""
    state = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state >> np.uint64(1)))
