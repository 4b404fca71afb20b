"""Old names of configuration fields, presets and plan entries, each with the name of today.

A stored ``config.yaml``, a bench plan or a model folder with an old name is refused in one sentence
that gives the new name. Options and commands have their own table in :mod:`posebridge.cli`.
"""

from __future__ import annotations

from collections.abc import Mapping

CONFIG: Mapping[str, str] = {
    "anchor": "l2sp.weight",
    "asked": "tta",  # dialect: ok
    "asked.turn": "tta.rotation",  # dialect: ok
    "consistency.each_joint": "consistency.per_keypoint",
    "consistency.keep": "consistency.keep_ratio",
    "consistency.keep_first": "consistency.keep_ratio_start",  # dialect: ok
    "consistency.keep_within": "consistency.keep_ratio_ramp",
    "consistency.patch": "consistency.occlusion_patch",
    "consistency.rounds": "consistency.self_training_rounds",
    "consistency.spread": "consistency.consensus_radius",
    "consistency.views": "consistency.teacher_views",
    "consistency.weighted": "consistency.confidence_weighted",
    "disparity": "regda",
    "disparity.features": "regda.feature_weight",
    "disparity.margin": "regda.source_weight",
    "disparity.rise": "regda.ramp",
    "facing_share": "facing.prior",  # dialect: ok
    "held_out": "validation",
    "held_out.held_out": "validation.fraction",
    "held_out.held_out_most": "validation.max_images",  # dialect: ok
    "image": "style",
    "image.back": "style.target_to_source",
    "image.bank": "style.bank_size",
    "image.network.levels": "style.network.feature_levels",
    "image.network.weights": "style.network.encoder_weights",
    "image.probability": "style.source_to_target",
    "image.style": "style.method",
    "mapping": "keypoint_mapping",
    "model.decoder_width": "model.decoder_channels",
    "model.level": "model.feature_level",
    "model.sides": "model.left_right",
    "model.weights": "model.encoder_weights",
    "optimizer.adaptation_encoder": "optimizer.adaptation_encoder_lr_mult",
    "optimizer.clip": "optimizer.grad_clip_norm",
    "optimizer.decay": "optimizer.schedule",
    "optimizer.encoder": "optimizer.encoder_lr_mult",
    "prior": "bone_prior",
    "reading": "data",
    "reading.every": "data.frame_step",
    "reading.frames": "data.max_frames",
    "reading.least_score": "data.min_score",  # dialect: ok
    "reading.least_size": "data.min_box_size",  # dialect: ok
    "refine": "coarse_to_fine",
    "refine.first": "coarse_to_fine.min_initial_weight",
    "refine.mine": "coarse_to_fine.mining_ratio",
    "refine.rise": "coarse_to_fine.ramp",
    "source_held_out": "validation.source_fraction",  # dialect: ok
    "source_images": "source_image_root",
    "source_view.colour": "source_view.color",  # dialect: ok
    "start_from": "init_from",
    "statistics": "batchnorm_stats",
    "steps.keep_every": "steps.keep_checkpoint_every",
    "steps.picture_every": "steps.preview_every",
    "steps.ramp": "steps.loss_ramp",
    "student_view.colour": "student_view.color",  # dialect: ok
    "target_images": "target_image_root",
    "teacher_decay": "ema_decay",  # dialect: ok
    "teacher_view.colour": "teacher_view.color",  # dialect: ok
}
"""Old dotted field or section -> new one. What a section held under the same name is not listed."""

PRESETS: Mapping[str, str] = {
    "batchnorm": "adabn",
    "multilevel_plus": "multilevel_tta",  # dialect: ok
    "statistics": "color_transfer",
}

VALUES: Mapping[tuple[str, str], str] = {
    ("style.method", "statistics"): "color",
    ("validation.validator", "neighbourhood_density"): "neighborhood_density",
}
"""(field, old value) -> new value."""

PLAN: Mapping[str, str] = {
    "bound": "oracle",
    "flip": "config: {tta.flip: ...}",
    "settings": "config",
    "test_images": "test_image_root",
    "turn": "config: {tta.rotation: ...}",
    "views": "config: {tta.views: ...}",
}
"""Entries of a bench plan's pairs and methods."""


def new_field(name: str) -> str | None:
    """Return what a field or section of the configuration is called today; None for no old name.

    >>> new_field("reading.category")
    'data.category'
    """
    if name in CONFIG:
        return CONFIG[name]
    section, _, rest = name.partition(".")
    new = CONFIG.get(section)
    return f"{new}.{rest}" if new is not None and rest and "." not in new else new
