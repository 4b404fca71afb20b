"""The optimizer: groups of parameters, each with a multiple of the student's learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from posebridge.adaptation.config import AdaptConfig
from posebridge.adaptation.schedule import learning_rate
from posebridge.models.pose import PoseModel


def optimizer_of(
    config: AdaptConfig,
    step: int,
    student: PoseModel,
    others: Sequence[tuple[list[nn.Parameter], float]],
) -> torch.optim.Optimizer:
    """AdamW over the student, its encoder apart, and over the networks beside it.

    Args:
        step: where the run begins.
        others: parameters of networks beside the student, with their multiples of its rate.
    """
    rate = learning_rate(config, step)
    encoder = list(student.encoder.parameters())
    theirs = {id(p) for p in encoder}
    rest = [p for p in student.parameters() if id(p) not in theirs]
    groups = [
        {"params": parameters, "lr": rate * factor, "factor": factor}
        for parameters, factor in ((rest, 1.0), (encoder, config.optimizer.encoder), *others)
    ]
    return torch.optim.AdamW(groups, weight_decay=config.optimizer.weight_decay)
