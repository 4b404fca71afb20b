"""What a run keeps of its source's poses: statistics that travel with the model, no image, no pose.

Two things about the labelled skeletons, both free of where a subject stands and how large it is:

- :class:`~posebridge.alignment.bone_lengths.BoneLengths`: how long each bone is beside the others.
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
    """What is known of a source's poses; None where too few were labelled."""

    bones: BoneLengths | None = None
    shapes: PosePrior | None = None

    @classmethod
    def of(cls, points: np.ndarray, labelled: np.ndarray, skeleton: Skeleton) -> SourcePoses:
        """Learn from labelled subjects: (M, K, 2) and (M, K). Of very many, evenly spaced ones do."""
        rows = np.linspace(0, len(points) - 1, min(len(points), _MOST_POSES)).round().astype(int)
        points, labelled = points[rows], labelled[rows]
        return cls(
            BoneLengths.of(torch.from_numpy(points), torch.from_numpy(labelled), skeleton),
            _shapes(points, labelled) if len(skeleton) <= _MOST_JOINTS else None,
        )

    def to_dict(self) -> dict[str, Any]:
        """For ``results.json`` of a model folder."""
        parts = {"bones": self.bones, "shapes": self.shapes}
        return {name: part.to_dict() for name, part in parts.items() if part is not None}

    @classmethod
    def from_results(cls, results: Mapping[str, Any], joints: int, place: str) -> SourcePoses:
        """What a model folder says of its source's poses; nothing where it was not recorded.

        Args:
            place: of the folder, for the message.

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


def _shapes(points: np.ndarray, labelled: np.ndarray) -> PosePrior | None:
    if int(labelled.all(axis=1).sum()) < LEAST_POSES:
        return None
    try:
        return PosePrior(points, labelled)
    except RuntimeError:  # torch.linalg's, about poses without any spread
        return None
