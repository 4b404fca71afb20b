"""Errors joint by joint, and which of them may be learned from where labels are unsure.

Li and Lee, *From Synthetic to Real: Unsupervised Domain Adaptation for Animal Pose Estimation*,
CVPR 2021.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from posebridge.ops import heatmaps


def joint_errors(
    predicted: Float[Tensor, "B K S S"], target: Float[Tensor, "B K S S"], sigma: float
) -> Float[Tensor, "B K"]:
    """The squared error of each heatmap in units of a Gaussian's energy; 1 for an empty one.

    Their mean is :func:`posebridge.alignment.mean_teacher.relative_error`.
    """
    difference = predicted.float() - target.float()
    return difference.square().sum(dim=(2, 3)) / heatmaps.gaussian_energy(sigma)


@torch.no_grad()
def easiest(
    errors: Float[Tensor, "B K"], valid: Bool[Tensor, "B K"], share: float
) -> Bool[Tensor, "B K"]:
    """Mark in each image the joints with the smallest errors: ``share`` of all, valid ones only.

    What a model cannot fit is more often a wrong label than a hard one (the paper's online mining of
    reliable keypoints). At least one joint of an image counts, if any of its joints is valid.
    """
    count = max(1, round(share * errors.shape[1]))
    places = torch.where(valid, errors, torch.inf).topk(count, dim=1, largest=False).indices
    chosen = torch.zeros_like(valid).scatter(1, places, True)
    return chosen & valid
