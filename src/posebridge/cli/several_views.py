"""The options of a command whose model may be asked about several views of each crop."""

from __future__ import annotations

import argparse


def add_view_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--flip``, ``--views`` and ``--turn``, which ``Predictor.with_views`` takes."""
    parser.add_argument(
        "--flip", action="store_true", help="ask about the mirror image too, and average"
    )
    parser.add_argument(
        "--views",
        type=int,
        default=1,
        help="ask about so many slightly shifted and scaled views of each crop, which vote",
    )
    parser.add_argument(
        "--turn",
        type=float,
        default=0.0,
        help="turn these views by up to so many degrees; 180 for subjects upside down",
    )
