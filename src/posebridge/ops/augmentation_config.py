"""The ranges from which random views of a crop are drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from posebridge.ranges import Fraction

Degrees = Annotated[float, Interval(ge=0, le=360)]
Strength = Annotated[float, Interval(ge=0, le=100)]
Magnification = Annotated[float, Interval(gt=0, le=1000)]


@dataclass(frozen=True)
class AugmentationConfig:
    """Ranges of the random augmentation of a crop; each sample gets its own draw.

    Attributes:
        rotation: largest rotation to either side, degrees.
        shear: largest shear to either side, degrees.
        translation: largest shift to either side, a fraction of the crop's side.
        scale: smallest and largest magnification.
        flip: fraction of mirrored views.
        color: brightness, contrast and saturation are multiplied by 1 +- this.
        hue: largest rotation of the hue, degrees.
        blur: largest sigma of a Gaussian blur, pixels.
        noise: largest standard deviation of pixel noise, in [0, 1].
    """

    rotation: Degrees = 60.0
    shear: Annotated[float, Interval(ge=0, le=89)] = 30.0
    translation: Annotated[float, Interval(ge=0, le=10)] = 0.05
    scale: tuple[Magnification, Magnification] = (0.6, 1.3)
    flip: Fraction = 0.5
    color: Strength = 0.25
    hue: Degrees = 10.0
    blur: Strength = 0.0
    noise: Strength = 0.0
