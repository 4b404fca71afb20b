"""The ranges from which random views of a crop are drawn."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AugmentationConfig:
    """How far a random view of a crop may differ from it; each sample gets its own draw.

    Attributes:
        rotation: largest rotation to either side, degrees.
        shear: largest shear to either side, degrees.
        translation: largest shift to either side, share of the crop's side.
        scale: smallest and largest magnification.
        flip: share of mirrored views.
        colour: brightness, contrast and saturation are multiplied by 1 +- this.
        hue: largest turn of the hue, degrees.
        blur: largest sigma of a Gaussian blur, pixels.
        noise: largest standard deviation of pixel noise, in [0, 1].
    """

    rotation: float = 60.0
    shear: float = 30.0
    translation: float = 0.05
    scale: tuple[float, float] = (0.6, 1.3)
    flip: float = 0.5
    colour: float = 0.25
    hue: float = 10.0
    blur: float = 0.0
    noise: float = 0.0
