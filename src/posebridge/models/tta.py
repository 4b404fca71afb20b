"""How a model is asked about a crop: once, or in several views that vote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

MOST_VIEWS = 64


@dataclass(frozen=True)
class Asked:
    """How a network is asked about a crop; as it stands, once about the crop itself.

    Attributes:
        views: how many views, the crop itself included.
        flip: whether each is asked about in its mirror image too.
        turn: degrees, 0 to 180. For subjects that hang, lie or stand on their heads, 180.

    Raises:
        InputError: ``views`` is not between 1 and 64, ``turn`` not between 0 and 180, or there is but
            one view, which is not turned.
    """

    views: Annotated[int, Interval(ge=1, le=MOST_VIEWS)] = 1
    flip: bool = False
    turn: Annotated[float, Interval(ge=0, le=180)] = 0.0

    def __post_init__(self) -> None:
        # These may come from a file that anybody wrote.
        if not (isinstance(self.views, int) and 1 <= self.views <= MOST_VIEWS):
            raise InputError(f"{self.views} views can't be taken; give 1 to {MOST_VIEWS}.")
        if not isinstance(self.flip, bool):
            raise InputError(
                f"flip {short_repr(self.flip)} is neither true nor false; give one of them."
            )
        if not (isinstance(self.turn, int | float) and 0 <= self.turn <= 180):
            raise InputError(f"views can't be turned by {self.turn} degrees; give 0 to 180.")
        if self.turn > 0 and self.views == 1:
            raise InputError("the one view is the crop as it is; to turn views, take 2 or more.")

    @property
    def times(self) -> int:
        """How often the network is run for each crop."""
        return self.views * (2 if self.flip else 1)
