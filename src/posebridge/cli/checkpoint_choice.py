"""Which weights of a run a model has, as it says itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posebridge.errors import InputError

if TYPE_CHECKING:
    from posebridge.inference.predictor import Predictor


def weights_of(predictor: Predictor, asked: str, option: str = "--checkpoint") -> str | None:
    """``last``, ``selected``, ``source`` or a step's name; None where the model does not say.

    Args:
        asked: what the command was asked for, which only a run folder has a choice of.

    Raises:
        InputError: the model has other weights than those that were asked for.
    """
    known = predictor.network.notes.get("weights")
    if asked not in ("last", known):
        holds = "weights that it says nothing about" if known is None else f"the weights '{known}'"
        raise InputError(
            f"{option} {asked} is for a run folder, and {predictor.network.name} holds {holds}; leave "
            "it out."
        )
    return None if known is None else str(known)
