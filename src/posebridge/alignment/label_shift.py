"""Label shift of the facing: the fraction of turned subjects on the target, which corrects a model.

Rendered subjects may face the camera and turn their back equally often; photographed subjects mostly
face the camera. A network that learned the facing on the source has the source's fraction as a prior:
when it is uncertain it predicts "turned" far too often. The fraction on the target can be estimated
without labels from the teacher's predictions on target images, by expectation maximization (Saerens,
Latinne and Decaestecker, Neural Computation 2002). It corrects the model that a run delivers.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from posebridge.ops.facing import Sides

# The number of the teacher's newest logits that count; with two views of 16 crops, 64 steps.
_NEWEST = 2048


class LabelShift(nn.Module):
    """The facing of source subjects, and the teacher's logits on the newest target views.

    Everything is state that a checkpoint stores, so a resumed run delivers an identical model.
    """

    logits: Tensor
    seen_count: Tensor
    source: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("logits", torch.zeros(_NEWEST))
        self.register_buffer("seen_count", torch.zeros((), dtype=torch.long))
        self.register_buffer("source", torch.zeros(2))  # turned, all; edge-on subjects left out

    def look(self, way: Sides | None, student: Tensor | None, teacher: Tensor | None) -> None:
        """Store one step: the labels of the source, and the logits on the target.

        Args:
            student: its logits that a subject is turned; None where left and right are by name.
            teacher: its logits for its own views; None where it makes no predictions.
        """
        if way is not None:
            self.see(way.turned, way.known)
        logits = student if teacher is None else teacher
        if logits is not None:
            self.hear(logits)

    @torch.no_grad()
    def see(self, turned: Float[Tensor, " B"], known: Bool[Tensor, " B"]) -> None:
        """Count the labeled subjects of the source."""
        self.source += torch.stack([(turned * known).sum(), known.sum().to(turned.dtype)])

    @torch.no_grad()
    def hear(self, logits: Float[Tensor, "..."]) -> None:
        """Store logits that the subject is turned, predicted on target views."""
        newest = logits.detach().float().flatten()[-_NEWEST:]
        slots = (self.seen_count + torch.arange(len(newest), device=newest.device)) % _NEWEST
        self.logits[slots] = newest
        self.seen_count += len(newest)

    def shift(self) -> float:
        """Return the shift of a logit that replaces the source's prior by the target's.

        It is 0 without target logits.
        """
        count = min(int(self.seen_count), _NEWEST)
        if count == 0:
            return 0.0
        turned, known = self.source.tolist()
        source = min(max(turned / known, 0.01), 0.99) if known else 0.5
        share = estimated_prior(self.logits[:count], source)
        return float(torch.logit(share) - torch.logit(torch.tensor(source)))


@torch.no_grad()
def estimated_prior(
    logits: Float[Tensor, " N"], source_share: float, rounds: int = 1000
) -> Float[Tensor, ""]:
    """Return the fraction of target subjects that are turned, from a source classifier's logits alone.

    This is expectation maximization under label shift (Saerens et al. 2002): p <- mean_i sigmoid(z_i +
    logit(p) - logit(p_source)), from p = p_source to a fixed point. The fixed point is the maximum of
    the likelihood if the classifier is calibrated. For a classifier that hardly separates the classes
    on the target, the estimate is close to 0 or 1. The result is limited to [0.01, 0.99].

    Args:
        logits: that a subject is turned, with the source's fraction as the prior.
        source_share: fraction of turned subjects on the source, in (0, 1).
    """
    z = logits.float()
    prior = torch.logit(torch.tensor(source_share, device=z.device))
    share = torch.tensor(source_share, device=z.device)
    for _ in range(rounds):
        share = torch.sigmoid(z + torch.logit(share) - prior).mean().clamp(0.01, 0.99)
    return share
