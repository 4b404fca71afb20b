"""The options of a command whose model may be asked about several views of each crop."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from posebridge.inference.predictor import Predictor


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--flip``, ``--views`` and ``--turn``, which :func:`asked_as_given` reads."""
    options = parser.add_argument_group(
        "how the model is asked",
        # As wide as the terminal that argparse takes for granted: the formatter leaves it as it is.
        "without any of these, as its configuration says (asked), which is once unless\n"
        "the run was told otherwise; --views 1 asks once",
    )
    options.add_argument(
        "--flip", action="store_true", help="ask about the mirror image too, and average"
    )
    options.add_argument(
        "--views",
        type=int,
        help="ask about so many slightly shifted and scaled views of each crop, which vote",
    )
    options.add_argument(
        "--turn",
        type=float,
        help="turn these views by up to so many degrees; 180 for subjects upside down",
    )


def asked_as_given(predictor: Predictor, given: argparse.Namespace) -> Predictor:
    """The model asked as the options say; as it is, where none of them was given.

    Raises:
        InputError: the options can't be.
    """
    if not given.flip and given.views is None and given.turn is None:
        return predictor
    views = 1 if given.views is None else given.views
    return predictor.with_views(views, given.flip, given.turn or 0.0)
