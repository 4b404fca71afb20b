"""The lengths of the source's bones relative to each other.

The prior is about lengths and not directions, because bodies of both domains have similar proportions
and different poses: a direction that the source never shows may be right in a photograph, an arm of
three times the length is not.

Raychaudhuri et al., Prior-guided source-free domain adaptation for human pose estimation (ICCV 2023),
score poses by a learned distance. A median and a quantile of each bone suffice here and are readable.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from posebridge.skeleton import Skeleton

LEAST_POSES = 10
_LEAST_BONES = 3
_LIMIT = 0.99


class BoneLengths(nn.Module):
    """The lengths of bones relative to each other.

    Length l_nb of bone b in subject n is scale_n * typical_b, times the foreshortening by the view.
    Scales are medians of lengths over typical lengths, and typical lengths medians of lengths over
    scales (median polish of the logarithms, Tukey 1977), so a few wrong joints change neither. A bone
    and its mirror image share their numbers.

    Args:
        edges: (E, 2) indices of keypoints.
        typical: (E,) lengths of the bones, relative to their mean.
        limit: (E,) the ratio of a bone's length to its expected length that 99 of 100 source subjects
            do not exceed.
        joints: number of keypoints.
    """

    edges: Tensor
    typical: Tensor
    limit: Tensor
    ends: Tensor

    def __init__(
        self,
        edges: Tensor,
        typical: Float[Tensor, " E"],
        limit: Float[Tensor, " E"],
        joints: int,
    ) -> None:
        super().__init__()
        ends = torch.zeros(len(edges), joints)
        ends.scatter_(1, edges, 1.0)
        for name, value in (
            ("edges", edges),
            ("typical", typical.float()),
            ("limit", limit.float()),
            ("ends", ends),
        ):
            self.register_buffer(name, value, persistent=False)

    @classmethod
    def of(
        cls, points: Float[Tensor, "N K 2"], labeled: Bool[Tensor, "N K"], skeleton: Skeleton
    ) -> BoneLengths | None:
        """Return the lengths from labeled subjects; None where too few bones are labeled."""
        bones = [edge for edge in dict.fromkeys(map(_bone, skeleton.edges)) if edge[0] != edge[1]]
        if len(bones) < _LEAST_BONES:
            return None
        place = {bone: index for index, bone in enumerate(bones)}
        mirror = skeleton.mirror
        twins = [place.get(_bone((mirror[i], mirror[j])), place[i, j]) for i, j in bones]
        lengths = _lengths(points.float(), labeled, torch.tensor(bones))
        lengths = lengths[(~lengths.isnan()).sum(dim=1) >= _LEAST_BONES]
        if len(lengths) < LEAST_POSES:
            return None
        typical = lengths.nanmedian(dim=0).values
        for _ in range(10):
            beside = lengths / _scale(lengths, typical)
            typical = torch.cat([beside, beside[:, twins]]).nanmedian(dim=0).values
        typical = typical / typical.nanmean()
        ratio = _ratio(lengths, typical)
        limit = torch.cat([ratio, ratio[:, twins]]).nanquantile(_LIMIT, dim=0)
        known = (typical > 0) & (limit > 0)  # false for NaN: a bone that is never labeled
        if known.sum() < _LEAST_BONES:
            return None
        return cls(torch.tensor(bones)[known], typical[known], limit[known], len(skeleton))

    def plausible(
        self, points: Float[Tensor, "B K 2"], known: Bool[Tensor, "B K"]
    ) -> Float[Tensor, "B K"]:
        """Return the plausibility of each joint by the lengths of its bones, in [0, 1].

        A bone scores 1 up to its limit and falls linearly to 0 at twice the limit. A joint scores the
        mean of its bones between known joints. So a wrist that is far off scores 0, and its elbow,
        whose other bone fits, scores 0.5. A joint without a known bone scores 1. All joints of a
        subject with fewer than three known bones score 1, because its scale is unknown.

        Args:
            points: in pixels of a view that keeps angles, such as the crop: shear would stretch bones.
        """
        with torch.autocast(points.device.type, enabled=False):
            ratio = _ratio(_lengths(points.float(), known, self.edges), self.typical)
            counted = ~ratio.isnan()
            counted &= counted.sum(dim=1, keepdim=True) >= _LEAST_BONES
            fits = (2 - ratio / self.limit).clamp(0, 1)
            score = torch.where(counted, fits, 0.0) @ self.ends
            bones = counted.float() @ self.ends
            return torch.where(bones > 0, score / bones.clamp_min(1), 1.0)

    def to_dict(self) -> dict[str, list[Any]]:
        """Return plain numbers, for JSON."""
        return {
            "edges": self.edges.tolist(),
            "typical": self.typical.tolist(),
            "limit": self.limit.tolist(),
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], joints: int) -> BoneLengths:
        """Return the lengths that :meth:`to_dict` stored, for a skeleton of ``joints`` keypoints.

        Raises:
            ValueError, TypeError, KeyError: it holds something else.
        """
        edges = torch.tensor(raw["edges"], dtype=torch.int64)
        typical, limit = (
            torch.tensor(raw[name], dtype=torch.float32) for name in ("typical", "limit")
        )
        if edges.ndim != 2 or edges.shape[1] != 2 or not len(edges) == len(typical) == len(limit):
            raise ValueError("edges, typical lengths and limits differ in number")
        if not 0 <= int(edges.min()) <= int(edges.max()) < joints:
            raise ValueError(f"a bone ends outside the {joints} keypoints")
        for values in (typical, limit):
            if values.ndim != 1 or not (values.isfinite() & (values > 0)).all():
                raise ValueError("a length is not above 0")
        return cls(edges, typical, limit, joints)


def _bone(edge: tuple[int, int]) -> tuple[int, int]:
    return (min(edge), max(edge))


def _lengths(points: Tensor, known: Tensor, edges: Tensor) -> Float[Tensor, "N E"]:
    """Return the distances between the ends of bones, NaN where an end is unknown."""
    ends, seen = points[:, edges], known[:, edges]  # (N, E, 2, 2), (N, E, 2)
    apart = (ends[:, :, 0] - ends[:, :, 1]).norm(dim=-1)
    return torch.where(seen.all(dim=-1), apart, torch.nan)


def _scale(lengths: Tensor, typical: Tensor) -> Float[Tensor, "N 1"]:
    return (lengths / typical).nanmedian(dim=1, keepdim=True).values.clamp_min(1e-6)


def _ratio(lengths: Tensor, typical: Tensor) -> Float[Tensor, "N E"]:
    """Return each bone's length over its expected length, from the scale of the subject's bones."""
    return lengths / (typical * _scale(lengths, typical))
