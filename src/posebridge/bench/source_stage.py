"""The source stage that several runs of a comparison start from, trained once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from posebridge.alignment.facing import FacingConfig
from posebridge.data.reading import DataConfig
from posebridge.training.config import AdaptConfig, StepsConfig, ValidationConfig

# Settings that the weights of the source stage do not depend on: paths, hardware, and settings of the
# adaptation or of a finished model.
_WITHOUT_WEIGHT = frozenset(
    {"target", "target_image_root", "data_root", "device", "workers", "bone_prior", "l2sp", "tta"}
)


def source_stage(config: AdaptConfig) -> tuple[AdaptConfig, str]:
    """Return the config of the source stage alone, and a digest of the part that sets its weights."""
    alone = replace(
        config,
        data=DataConfig(source_format=config.data.source_format),
        **config.levels_turned_off(),
        facing=replace(
            config.facing if config.model.left_right == "facing" else FacingConfig(), prior="target"
        ),
        student_view=config.source_view,
        teacher_view=config.source_view,
        ema_decay=AdaptConfig.ema_decay,
        batchnorm_stats="source",
        optimizer=replace(config.optimizer, adaptation_lr=None, adaptation_encoder_lr_mult=None),
        steps=StepsConfig(source=config.steps.source, adaptation=0, batch=config.steps.batch),
        # The source stage has no validator; this keeps the digest of stages with the old default.
        validation=ValidationConfig(validator="agreement"),
    )
    counts = {name: v for name, v in alone.to_dict().items() if name not in _WITHOUT_WEIGHT}
    # Never set here; without them, source stages from before these settings keep their digest.
    del counts["optimizer"]["adaptation_encoder_lr_mult"]
    del counts["data"]["category"]
    text = json.dumps(counts, sort_keys=True)
    return alone, hashlib.sha256(text.encode()).hexdigest()[:8]
