"""The source stage that several runs of a comparison start from, trained once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from posebridge.data.reading import ReadingConfig
from posebridge.training.config import AdaptConfig, StepsConfig, TargetConfig

# Settings that the weights of the source stage do not depend on: paths, hardware, and settings of the
# adaptation or of a finished model.
_WITHOUT_WEIGHT = frozenset(
    {"target", "target_images", "data_root", "device", "workers", "prior", "anchor", "asked"}
)


def first_stage(config: AdaptConfig) -> tuple[AdaptConfig, str]:
    """Return the config of the source stage alone, and a digest of the part that sets its weights."""
    alone = replace(
        config,
        reading=ReadingConfig(source_format=config.reading.source_format),
        **config.levels_turned_off(),
        facing=config.facing if config.model.sides == "facing" else AdaptConfig.facing,
        facing_share=AdaptConfig.facing_share,
        student_view=config.source_view,
        teacher_view=config.source_view,
        teacher_decay=AdaptConfig.teacher_decay,
        statistics="source",
        optimizer=replace(config.optimizer, adaptation_lr=None, adaptation_encoder=None),
        steps=StepsConfig(source=config.steps.source, adaptation=0, batch=config.steps.batch),
        # The source stage has no validator; this keeps the digest of stages with the old default.
        held_out=TargetConfig(validator="agreement"),
    )
    counts = {name: v for name, v in alone.to_dict().items() if name not in _WITHOUT_WEIGHT}
    # Never set here; without them, source stages from before these settings keep their digest.
    del counts["optimizer"]["adaptation_encoder"]
    del counts["reading"]["category"]
    text = json.dumps(counts, sort_keys=True)
    return alone, hashlib.sha256(text.encode()).hexdigest()[:8]
