"""Which checkpoint of a run a model is, as its folder records."""

from __future__ import annotations

from typing import TYPE_CHECKING

from posebridge.errors import InputError

if TYPE_CHECKING:
    from posebridge.inference.predictor import Predictor


def get_checkpoint_name(
    predictor: Predictor, requested: str, option: str = "--weights"
) -> str | None:
    """Return ``last``, ``selected``, ``source`` or a step's name; None where none is recorded.

    Args:
        requested: the checkpoint that the option names; only a run folder has several.

    Raises:
        InputError: the model is another checkpoint.
    """
    known = predictor.network.notes.get("weights")
    if requested not in ("last", known):
        holds = "a checkpoint without a name" if known is None else f"the checkpoint '{known}'"
        raise InputError(
            f"{option} {requested} is for a run folder, and {predictor.network.name} holds {holds}; leave "
            "it out."
        )
    return None if known is None else str(known)
