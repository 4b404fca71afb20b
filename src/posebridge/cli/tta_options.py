"""The options of test-time augmentation, which several commands share."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posebridge.inference.predictor import Predictor
    from posebridge.models.tta import TTAConfig


def add_tta_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--tta-flip``, ``--tta-views`` and ``--tta-rotation``, for :func:`tta_config`."""
    options = parser.add_argument_group(
        "test-time augmentation (default: as in the model's config)"
    )
    options.add_argument(
        "--tta-flip", action="store_true", help="average with the mirror image of each crop"
    )
    options.add_argument(
        "--tta-views",
        type=int,
        metavar="N",
        help="merge N shifted and scaled views; 1: no augmentation",
    )
    options.add_argument(
        "--tta-rotation", type=float, metavar="DEG", help="rotate the views by up to DEG, 0 to 180"
    )


def tta_config(views: int | None, flip: bool, rotation: float | None) -> TTAConfig | None:
    """Return the test-time augmentation that options give; None where no option was given.

    Raises:
        InputError: a value out of its range.
    """
    if not flip and views is None and rotation is None:
        return None
    from posebridge.models.tta import TTAConfig

    return TTAConfig(1 if views is None else views, flip, rotation or 0.0)


def with_tta(predictor: Predictor, tta: TTAConfig | None) -> Predictor:
    """Return a predictor with this test-time augmentation; as its config has it for None."""
    return predictor if tta is None else predictor.with_views(**asdict(tta))
