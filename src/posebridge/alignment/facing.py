"""The way a subject faces, learned from the source and kept steady on the target."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor


def facing_loss(
    logit: Float[Tensor, " B"], turned: Float[Tensor, " B"], known: Bool[Tensor, " B"]
) -> Float[Tensor, ""]:
    """Cross-entropy of the way labelled subjects face; those seen edge on count 0 in the mean."""
    each = F.binary_cross_entropy_with_logits(logit.float(), turned.float(), reduction="none")
    return (each * known).mean()


def same_way(
    student: Float[Tensor, " B"], teacher: Float[Tensor, "V B"], keep: float
) -> Float[Tensor, ""]:
    """Cross-entropy of the student against the teacher's views, whose logits are averaged.

    Only the share ``keep`` of the images about which the teacher is surest counts. A mirrored or
    turned view shows the same side of the body, so nothing has to be carried between views.
    """
    taught = teacher.float().mean(dim=0)
    sure = taught.abs()
    count = max(1, round(keep * len(sure)))
    kept = sure >= sure.topk(count).values[-1]
    each = F.binary_cross_entropy_with_logits(
        student.float(), torch.sigmoid(taught), reduction="none"
    )
    return (each * kept).mean()
