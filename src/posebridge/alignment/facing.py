"""The way a subject faces: learned from the source, kept steady on the target, and how many do."""

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


@torch.no_grad()
def estimated_share(
    logits: Float[Tensor, " N"], source_share: float, rounds: int = 1000
) -> Float[Tensor, ""]:
    """Share of target subjects that are turned, from a source-trained classifier's logits alone.

    Expectation maximization under label shift (Saerens et al. 2002): p <- mean_i sigmoid(z_i +
    logit(p) - logit(p_source)), from p = p_source to a fixed point, the maximum of the likelihood if
    the classifier is calibrated. A classifier that hardly tells the two apart on the target is told
    to decide for the commoner one nearly always. Kept within 0.01 and 0.99.

    Args:
        logits: that a subject is turned, with the source's share for a prior.
        source_share: of turned subjects on the source, in (0, 1).
    """
    z = logits.float()
    prior = torch.logit(torch.tensor(source_share, device=z.device))
    share = torch.tensor(source_share, device=z.device)
    for _ in range(rounds):
        share = torch.sigmoid(z + torch.logit(share) - prior).mean().clamp(0.01, 0.99)
    return share
