"""Pose prior: the plausibility of poses from the shapes of the source, without a target label."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from posebridge.validators.validators import Answers


class PosePrior:
    """A Gaussian over the poses of the source, with position and size removed.

    Args:
        points: (M, K, 2) of source subjects. labeled: (M, K). Only complete poses count.

    Raises:
        ValueError: fewer than two complete poses.
    """

    def __init__(self, points: np.ndarray, labeled: np.ndarray) -> None:
        whole = torch.from_numpy(points[labeled.all(axis=1)]).double()
        if len(whole) < 2:
            raise ValueError("a pose prior needs at least two subjects with every joint labeled")
        shapes = _shapes(whole)
        self.mean = shapes.mean(dim=0)
        covariance = torch.cov(shapes.T)
        # Removing position and size leaves three empty dimensions; the floor makes it invertible.
        floor = 1e-3 * covariance.diagonal().mean()
        self.scale = torch.linalg.cholesky(covariance + floor * torch.eye(len(covariance)))

    def to_dict(self) -> dict[str, list[float]]:
        """Return the mean shape (2K) and the rows of the triangular Cholesky factor."""
        rows, columns = torch.tril_indices(*self.scale.shape)
        return {"mean": self.mean.tolist(), "scale": self.scale[rows, columns].tolist()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], joints: int) -> PosePrior:
        """Return the prior that :meth:`to_dict` stored, for a skeleton of ``joints`` keypoints.

        Raises:
            ValueError, TypeError, KeyError: it holds something else.
        """
        mean, triangle = (torch.tensor(raw[n], dtype=torch.float64) for n in ("mean", "scale"))
        size = 2 * joints
        if mean.shape != (size,) or triangle.shape != (size * (size + 1) // 2,):
            raise ValueError(f"the shapes are not those of {joints} keypoints")
        prior = cls.__new__(cls)
        prior.mean, prior.scale = mean, torch.zeros(size, size, dtype=torch.float64)
        rows, columns = torch.tril_indices(size, size)
        prior.scale[rows, columns] = triangle
        finite = mean.isfinite().all() and triangle.isfinite().all()
        if not (finite and (prior.scale.diagonal() > 0).all()):
            raise ValueError("the shapes have no spread")
        return prior

    def __call__(self, answers: Answers) -> float:
        """Return the mean log-likelihood of the predicted poses, per coordinate."""
        return float(self.each(answers).mean())

    def each(self, answers: Answers) -> Float[Tensor, " N"]:
        """Return the log-likelihood of every predicted pose, per coordinate."""
        shapes = _shapes(answers.points.detach().cpu().double()) - self.mean
        whitened = torch.linalg.solve_triangular(self.scale, shapes.T, upper=False)
        volume = self.scale.diagonal().log().sum()
        each = -0.5 * whitened.square().sum(dim=0) - volume
        return each / shapes.shape[1] - 0.5 * math.log(2 * math.pi)


def _shapes(points: Float[Tensor, "N K 2"]) -> Float[Tensor, "N 2K"]:
    """Return poses around their center, scaled to a root mean square radius of 1."""
    centered = points - points.mean(dim=1, keepdim=True)
    radius = centered.square().sum(dim=2).mean(dim=1).sqrt().clamp_min(1e-6)
    return (centered / radius[:, None, None]).flatten(1)
