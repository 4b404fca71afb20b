"""The settings of optimizer and lengths; :mod:`~posebridge.training.config` joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posebridge.ranges import BatchSize, Fraction, NonNegative, Positive, StepCount, StepInterval


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam and its learning rate schedule.

    Attributes:
        lr: learning rate of the source stage.
        encoder_lr_mult: learning rate of the encoder, as a multiple of lr; below 1 keeps more of the
            encoder's pretraining.
        adaptation_lr: learning rate of the adaptation stage; empty: lr.
        adaptation_encoder_lr_mult: learning rate of the encoder in the adaptation stage, as a multiple of
            adaptation_lr; empty: encoder_lr_mult.
        warmup: steps over which the learning rate rises from 0 at the start of either stage.
        schedule: constant; step (times 0.1 after 1/6 and 2/3 of the adaptation, as released: epochs 45
            and 60 of 70, of which the source stage is 40; without a source stage at 45/70 and 60/70);
            or cosine (to 0 within each stage).
        weight_decay: weight decay of AdamW; 0 makes it Adam.
        grad_clip_norm: largest norm of the gradient; 0 does not clip.
    """

    lr: Positive = 1e-4
    encoder_lr_mult: Positive = 1.0
    adaptation_lr: Positive | None = None
    adaptation_encoder_lr_mult: Positive | None = None
    warmup: StepCount = 0
    schedule: Literal["constant", "step", "cosine"] = "step"
    weight_decay: NonNegative = 0.0
    grad_clip_norm: NonNegative = 10.0


@dataclass(frozen=True)
class StepsConfig:
    """Numbers of training steps, and steps between two events.

    Attributes:
        source: steps of the source stage, on labeled source images alone.
        adaptation: steps of the adaptation.
        batch: crops of each domain in a step.
        loss_ramp: steps over which the loss weights of the adaptation rise from 0.
        checkpoint_every: steps between two checkpoints to resume from.
        validate_every: steps between two runs of the label-free validators.
        keep_checkpoint_every: adaptation steps between two checkpoints that are kept for comparisons; 0
            keeps the newest and the selected checkpoint only.
        log_every: steps between two rows of the logs.
        preview_every: steps between two preview images.
    """

    source: StepCount = 20_000
    adaptation: StepCount = 15_000
    batch: BatchSize = 32
    loss_ramp: StepCount = 0
    checkpoint_every: StepInterval = 500
    validate_every: StepInterval = 500
    keep_checkpoint_every: StepCount = 0
    log_every: StepInterval = 20
    preview_every: StepInterval = 2_000


@dataclass(frozen=True)
class ValidationConfig:
    """Images that training leaves out, and the label-free validator that scores checkpoints on them.

    Attributes:
        fraction: fraction of the target images that only the validators use.
        max_images: largest number of target images that are left out.
        validator: the label-free validator that selects the checkpoint 'selected'; every validator is
            logged.
        source_fraction: fraction of the source images that training leaves out; the report calibrates
            confidence on them. Empty: none.
    """

    fraction: Fraction = 0.1
    max_images: StepCount = 500
    validator: Literal[
        "confident_agreement",
        "agreement",
        "confidence",
        "certainty",
        "information",
        "neighborhood_density",
    ] = "confident_agreement"
    source_fraction: Fraction | None = None
