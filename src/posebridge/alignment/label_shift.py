"""The share of target subjects that face either way, and what it does to a delivered model.

Rendered subjects may face the camera and turn their back equally often; photographed ones mostly face
it. A network that learned the way on the source carries the source's share with it as a prior: when it
is unsure it says "turned" far too often. The share on the target can be estimated without a label
there, from what the teacher says of target images, by expectation maximization (Saerens, Latinne and
Decaestecker, Neural Computation 2002), and the model that a run delivers is corrected by it.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from posebridge.ops.facing import Sides

# The newest answers of the teacher that count; at two views of 16 crops, those of 64 steps.
_NEWEST = 2048


class FacingShare(nn.Module):
    """Remembers which way source subjects face and what the teacher said of the newest target views.

    All of it is state that a checkpoint stores, so that a resumed run delivers the same model.
    """

    logits: Tensor
    asked: Tensor
    source: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("logits", torch.zeros(_NEWEST))
        self.register_buffer("asked", torch.zeros((), dtype=torch.long))
        self.register_buffer("source", torch.zeros(2))  # turned, all; edge-on subjects left out

    def look(self, way: Sides | None, student: Tensor | None, teacher: Tensor | None) -> None:
        """One step: labels of the source, and what is said of the target.

        Args:
            student: logits that a subject is turned; None where sides are named.
            teacher: the same, of its own views; None where nobody asked it.
        """
        if way is not None:
            self.see(way.turned, way.known)
        said = student if teacher is None else teacher
        if said is not None:
            self.hear(said)

    @torch.no_grad()
    def see(self, turned: Float[Tensor, " B"], known: Bool[Tensor, " B"]) -> None:
        """Labelled subjects of the source."""
        self.source += torch.stack([(turned * known).sum(), known.sum().to(turned.dtype)])

    @torch.no_grad()
    def hear(self, logits: Float[Tensor, "..."]) -> None:
        """What the teacher says of target views: logits that the subject is turned."""
        newest = logits.detach().float().flatten()[-_NEWEST:]
        places = (self.asked + torch.arange(len(newest), device=newest.device)) % _NEWEST
        self.logits[places] = newest
        self.asked += len(newest)

    def shift(self) -> float:
        """What to add to a logit so that it has the target's share for a prior; 0 without answers."""
        count = min(int(self.asked), _NEWEST)
        if count == 0:
            return 0.0
        turned, known = self.source.tolist()
        source = min(max(turned / known, 0.01), 0.99) if known else 0.5
        share = estimated_share(self.logits[:count], source)
        return float(torch.logit(share) - torch.logit(torch.tensor(source)))


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
