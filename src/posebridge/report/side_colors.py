"""Colors of the sides of a skeleton: left blue, right red, middle green."""

from __future__ import annotations

from posebridge.skeleton import Side

ON_IMAGES: dict[Side, str] = {"left": "#3c82ff", "right": "#ff5050", "middle": "#5adc78"}
"""Bright, for skeletons over photographs."""

ON_WHITE: dict[Side, str] = {"left": "#3c82ff", "right": "#f05050", "middle": "#2fae62"}
"""Darker, for plots and density maps on white paper."""

MISSING = "#b0b0b0"
"""A keypoint without a partner, on white paper."""


def to_rgb(color: str) -> tuple[int, int, int]:
    """Return the red, green and blue of a hexadecimal color.

    >>> to_rgb("#3c82ff")
    (60, 130, 255)
    """
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue
