"""The start of a run: a new student or a trained model, with a source or without one.

With only a trained model and target images, levels that need source images cannot be on. The mean
teacher, information maximization, the bone prior and L2-SP need none. Settings that would silently
have no effect are refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from posebridge.alignment.level import levels_on
from posebridge.checkpoints.model_folder import load_checkpoint
from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.models.pose import ModelConfig, PoseModel
from posebridge.skeleton import Skeleton, read_skeleton
from posebridge.training.config import AdaptConfig
from posebridge.training.source_poses import SourcePoses


@dataclass(frozen=True)
class Start:
    """The start of a run.

    Attributes:
        config: the configuration; without a source, crop and model are the initial model's.
        model: the student.
        skeleton: the skeleton of the source, or of the initial model.
        poses: statistics of the source's poses.
        data: entries of model folders about the source and the initial model.
    """

    config: AdaptConfig
    model: PoseModel
    skeleton: Skeleton
    poses: SourcePoses
    data: Mapping[str, Any]


def require_no_source_needed(config: AdaptConfig) -> None:
    """Check that a configuration works without a source.

    Raises:
        InputError: it names no model to start from, has a level that needs source images, or learns
            nothing from the target.
    """
    if config.init_from is None:
        raise InputError(
            "no source is given; name an annotation file with --source, or adapt without one: a "
            "trained model with --init-from and --preset source_free."
        )
    for level, own in levels_on(config.levels()):
        if "source" not in level.needs:
            continue
        name, value = next(iter(level.active_settings(own).items()))
        raise InputError(
            f"{level.name}.{name} is {value:g} and needs source images, but no source is given; set "
            "it to 0 (--preset source_free does), or name the source with --source."
        )
    if config.batchnorm_stats != "target":
        raise InputError(
            f"batchnorm_stats is {config.batchnorm_stats} and needs source images, but no source is given; "
            "set it to target (--preset source_free does), or name the source with --source."
        )
    if config.keypoint_mapping is not None:
        raise InputError(
            f"keypoint_mapping {config.keypoint_mapping} maps the source's keypoints, but no source is "
            "given; leave it out, the keypoints are the model's."
        )
    if not config.learns_from_target:
        raise InputError(
            "no source is given and nothing is learned from the target; set consistency.weight or "
            "pose.weight above 0, or name the source with --source."
        )
    _require_steps(config)


def get_initial_model(config: AdaptConfig, source: LabeledSamples | None) -> Start:
    """Return the start of a run: a new student, or the model that ``init_from`` names.

    Without a source the model also determines the keypoints, the crops and the targets of its
    heatmaps: ``crop`` and ``model`` of the configuration are replaced by the model's own.

    Raises:
        InputError: the model cannot be read or does not fit, or lacks something that the configuration
            needs; or there is nothing to train.
    """
    _require_steps(config)
    if source is None:
        require_no_source_needed(config)
    else:
        poses = SourcePoses.of(source.points, source.labeled, source.skeleton)
        _require_bones(config, poses, f"the source {source.images.name} has too few labeled bones")
        data = {"source": {"name": source.images.name, "subjects": len(source)}}
        if config.init_from is None:
            return Start(config, build_model(config, source.skeleton), source.skeleton, poses, data)
    assert config.init_from is not None
    checkpoint = load_checkpoint(config.init_from, "source")
    theirs = f"the model {checkpoint.folder}"
    if source is not None:
        source.skeleton.require_same(checkpoint.skeleton, str(source.images.name), theirs)
        if checkpoint.crop.size != config.crop.size:
            raise InputError(
                f"{theirs} takes crops of {checkpoint.crop.size} px, and crop.size is "
                f"{config.crop.size}; set it to the model's."
            )
        _require_same_model(config.model, ModelConfig(**checkpoint.config["model"]), theirs)
        return Start(config, checkpoint.model, source.skeleton, poses, data)
    skeleton = checkpoint.skeleton
    if config.skeleton is not None:
        read_skeleton(config.skeleton).require_same(
            skeleton, f"the skeleton {config.skeleton}", theirs
        )
    if checkpoint.model.facing is not None and config.facing.prior == "target":
        raise InputError(
            f"facing.prior is target, but the fraction on the source of {theirs}, which it is compared "
            "with, needs the source's labels, and no source is given; set it to "
            "source (--preset source_free does), or name the source with --source."
        )
    poses = SourcePoses.from_results(checkpoint.results, len(skeleton), str(checkpoint.folder))
    _require_bones(config, poses, f"{theirs} has no bone lengths of its source")
    trained = ModelConfig(**checkpoint.config["model"])
    config = replace(config, crop=checkpoint.crop, model=trained)
    known = checkpoint.results.get("data", {}).get("source")
    data = {"start": {"name": str(config.init_from)}} | ({"source": known} if known else {})
    return Start(config, checkpoint.model, skeleton, poses, data)


def read_source_poses(model: Path | str) -> SourcePoses:
    """Return the pose statistics in a model folder, or in the source checkpoint of a run."""
    checkpoint = load_checkpoint(model, "source")
    joints = len(checkpoint.skeleton)
    return SourcePoses.from_results(checkpoint.results, joints, str(checkpoint.folder))


def _require_steps(config: AdaptConfig) -> None:
    """Check that the adaptation has steps: an initial model has its source stage behind it."""
    if config.init_from is not None and config.steps.adaptation == 0:
        raise InputError(
            "init_from names a trained model and steps.adaptation is 0; there is nothing to train, "
            "give 1 or more."
        )


def _require_same_model(wanted: ModelConfig, stored: ModelConfig, name: str) -> None:
    """Check that the configured model equals the initial model, apart from its encoder weights."""
    for field in fields(ModelConfig):
        mine, other = getattr(wanted, field.name), getattr(stored, field.name)
        if field.name != "weights" and mine != other:
            raise InputError(
                f"{name} has {field.name} {other}, and model.{field.name} is {mine}; set it to the "
                "model's."
            )


def _require_bones(config: AdaptConfig, poses: SourcePoses, why: str) -> None:
    if config.bone_prior.weight > 0 and poses.bones is None:
        raise InputError(
            f"bone_prior.weight is {config.bone_prior.weight:g}, but {why}; set it to 0."
        )


def build_model(config: AdaptConfig, skeleton: Skeleton) -> PoseModel:
    """Return a new student, its random parts drawn from the seed.

    Raises:
        InputError: encoder, encoder weights and sizes do not fit together.
    """
    if config.steps.source + config.steps.adaptation == 0:
        raise InputError("steps.source and steps.adaptation are both 0; there is nothing to train.")
    torch.manual_seed(config.seed)
    return PoseModel(config.model, len(skeleton), config.crop.size)
