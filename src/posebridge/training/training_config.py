"""The settings of optimizer and lengths; :mod:`~posebridge.training.config` joins them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from posebridge.ranges import BatchSize, Fraction, NonNegative, Positive, StepCount, StepInterval


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam and its schedule.

    Attributes:
        lr: learning rate of the source stage.
        encoder: learning rate of the encoder, as a multiple of that; below 1 keeps more of what
            its pretraining knew about photographs.
        adaptation_lr: learning rate of the adaptation stage; empty: the same.
        adaptation_encoder: multiple of it for the encoder; empty: 'encoder', as before the adaptation.
        warmup: steps over which the rate rises from 0 at the start of either stage.
        decay: constant; step (times 0.1 after 1/6 and 2/3 of the adaptation, as released: epochs 45
            and 60 of 70, of which the source stage is 40; without a source stage at 45/70 and 60/70);
            or cosine (to 0 within each stage).
        weight_decay: of AdamW; 0 makes it Adam.
        clip: largest norm of the gradient; 0 does not clip.
    """

    lr: Positive = 1e-4
    encoder: Positive = 1.0
    adaptation_lr: Positive | None = None
    adaptation_encoder: Positive | None = None
    warmup: StepCount = 0
    decay: Literal["constant", "step", "cosine"] = "step"
    weight_decay: NonNegative = 0.0
    clip: NonNegative = 10.0


@dataclass(frozen=True)
class StepsConfig:
    """How long.

    Attributes:
        source: steps on the labelled source alone, before the adaptation.
        adaptation: steps of adaptation.
        batch: crops of each domain in a step.
        ramp: steps over which the adaptation's weights rise from 0.
        checkpoint_every: steps between two checkpoints to resume from.
        validate_every: steps between two looks of the label-free validator.
        keep_every: steps of adaptation between two checkpoints that are kept for good, for
            comparisons of checkpoints; 0 keeps the newest and the selected one only.
        log_every: steps between two rows of the logs.
        picture_every: steps between two sets of pictures.
    """

    source: StepCount = 20_000
    adaptation: StepCount = 15_000
    batch: BatchSize = 32
    ramp: StepCount = 0
    checkpoint_every: StepInterval = 500
    validate_every: StepInterval = 500
    keep_every: StepCount = 0
    log_every: StepInterval = 20
    picture_every: StepInterval = 2_000


@dataclass(frozen=True)
class TargetConfig:
    """What is done with the unlabelled target images beside training on them.

    Attributes:
        held_out: share of the target images that only the validator sees.
        held_out_most: at most this many images are held out.
        validator: which label-free number chooses the weights 'selected'; all are logged at each look.
    """

    held_out: Fraction = 0.1
    held_out_most: StepCount = 500
    validator: Literal[
        "confident_agreement",
        "agreement",
        "confidence",
        "certainty",
        "information",
        "neighbourhood_density",
    ] = "confident_agreement"
