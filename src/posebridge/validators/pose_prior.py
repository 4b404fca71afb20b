"""How plausible poses are by the shapes of the source: a validator that needs no target label."""

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
    """How well poses fit those of the source: a Gaussian over shapes, position and size removed.

    Args:
        points: (M, K, 2) of source subjects. labelled: (M, K). Only whole poses count.

    Raises:
        ValueError: fewer than two whole poses.
    """

    def __init__(self, points: np.ndarray, labelled: np.ndarray) -> None:
        whole = torch.from_numpy(points[labelled.all(axis=1)]).double()
        if len(whole) < 2:
            raise ValueError("a pose prior needs at least two subjects with every joint labelled")
        shapes = _shapes(whole)
        self.mean = shapes.mean(dim=0)
        covariance = torch.cov(shapes.T)
        # Position and size take three dimensions away; the floor keeps the rest invertible.
        floor = 1e-3 * covariance.diagonal().mean()
        self.scale = torch.linalg.cholesky(covariance + floor * torch.eye(len(covariance)))

    def to_dict(self) -> dict[str, list[float]]:
        """The mean shape (2K) and the rows of its Cholesky factor, a triangle."""
        rows, columns = torch.tril_indices(*self.scale.shape)
        return {"mean": self.mean.tolist(), "scale": self.scale[rows, columns].tolist()}

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any], joints: int) -> PosePrior:
        """What :meth:`to_dict` gave, for a skeleton of so many keypoints.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
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
        """Mean log-likelihood of the predicted poses, for each coordinate."""
        return float(self.each(answers).mean())

    def each(self, answers: Answers) -> Float[Tensor, " N"]:
        """The same of every pose by itself."""
        shapes = _shapes(answers.points.detach().cpu().double()) - self.mean
        whitened = torch.linalg.solve_triangular(self.scale, shapes.T, upper=False)
        volume = self.scale.diagonal().log().sum()
        each = -0.5 * whitened.square().sum(dim=0) - volume
        return each / shapes.shape[1] - 0.5 * math.log(2 * math.pi)


def _shapes(points: Float[Tensor, "N K 2"]) -> Float[Tensor, "N 2K"]:
    """Poses about their centre, at a root mean square radius of 1."""
    centred = points - points.mean(dim=1, keepdim=True)
    radius = centred.square().sum(dim=2).mean(dim=1).sqrt().clamp_min(1e-6)
    return (centred / radius[:, None, None]).flatten(1)
