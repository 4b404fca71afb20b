"""Statistics of the source's poses that a run keeps: they travel with the model, without any pose.

Two statistics of the labeled skeletons, both independent of a subject's position and size:

- :class:`~posebridge.alignment.bone_lengths.BoneLengths`: the length of each bone relative to others.
- :class:`~posebridge.validators.pose_prior.PosePrior`: a Gaussian over whole shapes, a validator. No
  loss uses it, so it is evidence about a run.

They are stored in ``results.json`` of every model folder under ``source_poses``, protected by its
checksums, for a run that starts from that model without its source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from posebridge.alignment.bone_lengths import LEAST_POSES, BoneLengths
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton
from posebridge.validators.pose_prior import PosePrior

RECORD = "source_poses"
_MOST_POSES = 20_000
# A Gaussian over the shapes of more joints would fill the results with numbers.
_MOST_JOINTS = 64


@dataclass(frozen=True)
class SourcePoses:
    """Statistics of a source's poses; None where too few were labeled."""

    bones: BoneLengths | None = None
    shapes: PosePrior | None = None

    @classmethod
    def of(cls, points: np.ndarray, labeled: np.ndarray, skeleton: Skeleton) -> SourcePoses:
        """Return the statistics of labeled subjects: (M, K, 2) and (M, K), evenly thinned."""
        rows = np.linspace(0, len(points) - 1, min(len(points), _MOST_POSES)).round().astype(int)
        points, labeled = points[rows], labeled[rows]
        return cls(
            BoneLengths.of(torch.from_numpy(points), torch.from_numpy(labeled), skeleton),
            _shapes(points, labeled) if len(skeleton) <= _MOST_JOINTS else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the entry for ``results.json`` of a model folder."""
        parts = {"bones": self.bones, "shapes": self.shapes}
        return {name: part.to_dict() for name, part in parts.items() if part is not None}

    @classmethod
    def from_results(cls, results: Mapping[str, Any], joints: int, place: str) -> SourcePoses:
        """Return the statistics of a model folder; empty where they were not recorded.

        Args:
            place: the folder, for the message.

        Raises:
            InputError: the record is not one that posebridge wrote.
        """
        raw = results.get(RECORD, {})
        try:
            return cls(
                BoneLengths.from_dict(raw["bones"], joints) if "bones" in raw else None,
                PosePrior.from_dict(raw["shapes"], joints) if "shapes" in raw else None,
            )
        except (ValueError, TypeError, KeyError, IndexError, RuntimeError) as error:
            raise InputError(
                f"{place}: results.json has no usable '{RECORD}' ({error}); copy the whole model "
                "folder again."
            ) from error


def _shapes(points: np.ndarray, labeled: np.ndarray) -> PosePrior | None:
    if int(labeled.all(axis=1).sum()) < LEAST_POSES:
        return None
    try:
        return PosePrior(points, labeled)
    except RuntimeError:  # from torch.linalg, for poses without any spread
        return None
