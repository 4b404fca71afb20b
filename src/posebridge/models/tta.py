"""The config of test-time augmentation: several predictions of one crop, merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Interval

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

MOST_VIEWS = 64


@dataclass(frozen=True)
class TTAConfig:
    """Test-time augmentation: the predictions of several views of a crop, merged.

    Attributes:
        views: number of views, the crop itself included.
        flip: also predict the mirror image of each view.
        rotation: largest rotation of a view, degrees, 0 to 180. Use 180 for subjects that hang or lie.

    Raises:
        InputError: ``views`` is not between 1 and 64, ``rotation`` is not between 0 and 180, or a single
            view has a rotation.
    """

    views: Annotated[int, Interval(ge=1, le=MOST_VIEWS)] = 1
    flip: bool = False
    rotation: Annotated[float, Interval(ge=0, le=180)] = 0.0

    def __post_init__(self) -> None:
        # The values may come from an untrusted file.
        if not (isinstance(self.views, int) and 1 <= self.views <= MOST_VIEWS):
            raise InputError(f"the number of views is {self.views}; give 1 to {MOST_VIEWS}.")
        if not isinstance(self.flip, bool):
            raise InputError(f"flip is {short_repr(self.flip)}; give true or false.")
        if not (isinstance(self.rotation, int | float) and 0 <= self.rotation <= 180):
            raise InputError(f"the rotation of views is {self.rotation} degrees; give 0 to 180.")
        if self.rotation > 0 and self.views == 1:
            raise InputError(
                "a single view is never rotated; to rotate views, give 2 views or more."
            )

    @property
    def times(self) -> int:
        """Return the number of forward passes for each crop."""
        return self.views * (2 if self.flip else 1)
