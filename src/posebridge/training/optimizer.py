"""The optimizer: groups of parameters, each with a multiple of the student's learning rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from posebridge.models.pose import PoseModel
from posebridge.training.config import AdaptConfig
from posebridge.training.schedule import encoder_factor, learning_rate


def make_optimizer(
    config: AdaptConfig,
    step: int,
    student: PoseModel,
    others: Sequence[tuple[list[nn.Parameter], float]],
) -> torch.optim.Optimizer:
    """Return AdamW over the student, with its encoder as a group, and over the levels' networks.

    Args:
        step: the first step of the run.
        others: parameters of networks beside the student, with their multiples of its rate.
    """
    encoder = list(student.encoder.parameters())
    in_encoder = {id(p) for p in encoder}
    groups: list[dict[str, Any]] = [
        {"params": [p for p in student.parameters() if id(p) not in in_encoder], "factor": 1.0},
        {"params": encoder, "factor": config.optimizer.encoder_lr_mult, "encoder": True},
        *({"params": parameters, "factor": factor} for parameters, factor in others),
    ]
    optimizer = torch.optim.AdamW(groups, weight_decay=config.optimizer.weight_decay)
    set_rates(optimizer.param_groups, config, step)
    return optimizer


def set_rates(groups: Sequence[dict[str, Any]], config: AdaptConfig, step: int) -> None:
    """Give every group of :func:`make_optimizer` its learning rate at a step."""
    for group in groups:
        # A resumed run from before groups were marked keeps the encoder's factor.
        if group.get("encoder", False):
            group["factor"] = encoder_factor(config, step)
        group["lr"] = learning_rate(config, step) * group["factor"]
