"""The skeleton: an ordered list of keypoints and what connects them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.json_files import parse_json
from posebridge.skeleton.names import sides, split_side

Side = Literal["left", "right", "middle"]

MOST_KEYPOINTS = 2000
"""More keypoints than any skeleton has, so that a damaged file is refused at once."""


@dataclass(frozen=True)
class Skeleton:
    """An ordered list of keypoints and what connects them.

    Attributes:
        name: the subject, such as ``"person"``.
        keypoints: the K names, in the order of every (..., K, 2) tensor.
        edges: pairs of indices that are drawn as bones.
        pairs: pairs of indices (left, right) that change places in a mirrored image.
        groups: name of a group -> indices, the rows of a results table.
    """

    name: str
    keypoints: tuple[str, ...]
    edges: tuple[tuple[int, int], ...] = ()
    pairs: tuple[tuple[int, int], ...] = ()
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.keypoints)
        if count == 0:
            raise InputError(f"skeleton '{self.name}' has no keypoints; name at least one.")
        if max(count, len(self.edges), len(self.pairs), len(self.groups)) > MOST_KEYPOINTS:
            raise InputError(
                f"skeleton {short_repr(self.name)} has {count} keypoints, {len(self.edges)} edges "
                f"and {len(self.groups)} groups; at most {MOST_KEYPOINTS} of each are read."
            )
        doubled = sorted({n for n in self.keypoints if self.keypoints.count(n) > 1})
        if doubled:
            raise InputError(
                f"skeleton '{self.name}' names the keypoint '{doubled[0]}' more than once; "
                "give every keypoint a name of its own."
            )
        for kind, links in (("edge", self.edges), ("left/right pair", self.pairs)):
            for link in links:
                if len(link) != 2 or not all(0 <= i < count for i in link):
                    raise InputError(
                        f"skeleton '{self.name}': {kind} {tuple(link)} points outside its "
                        f"{count} keypoints; indices count from 0 here and from 1 in COCO files."
                    )

        mirrored = [i for pair in self.pairs for i in pair]
        twice = next((i for i in mirrored if mirrored.count(i) > 1), None)
        if twice is not None:
            raise InputError(
                f"skeleton '{self.name}': '{self.keypoints[twice]}' is in more than one left/right "
                "pair, or paired with itself; give each keypoint one partner."
            )
        for group, members in self.groups.items():
            if not members or not all(0 <= i < count for i in members):
                raise InputError(
                    f"skeleton '{self.name}': group '{group}' is empty or points outside its "
                    f"{count} keypoints."
                )

    def __len__(self) -> int:
        return len(self.keypoints)

    @property
    def mirror(self) -> list[int]:
        """The index of each keypoint's mirror image (its own index without a partner)."""
        order = list(range(len(self.keypoints)))
        for left, right in self.pairs:
            order[left], order[right] = right, left
        return order

    @property
    def sides(self) -> tuple[Side, ...]:
        """Return the side of each keypoint, ``middle`` where it is in no pair."""
        side: dict[int, Side] = {}
        for left, right in self.pairs:
            side[left], side[right] = "left", "right"
        return tuple(side.get(i, "middle") for i in range(len(self)))

    @property
    def edge_sides(self) -> tuple[Side, ...]:
        """Return the side of each edge: the one side that its ends name, else ``middle``."""
        sides = self.sides
        found: list[Side] = []
        for a, b in self.edges:
            named: list[Side] = [sides[k] for k in (a, b) if sides[k] != "middle"]
            found.append(named[0] if len(set(named)) == 1 else "middle")
        return tuple(found)

    @property
    def unpaired(self) -> list[str]:
        """Return the keypoints whose names say left or right and that are in no pair."""
        paired = {i for pair in self.pairs for i in pair}
        return [
            name
            for i, name in enumerate(self.keypoints)
            if i not in paired and split_side(name) is not None
        ]

    @classmethod
    def from_names(
        cls,
        name: str,
        keypoints: Sequence[str],
        edges: Sequence[Sequence[int]] = (),
        pairs: Sequence[Sequence[int]] | None = None,
        groups: Mapping[str, Sequence[int]] | None = None,
    ) -> Skeleton:
        """Return a skeleton whose pairs and groups, unless given, follow from the names.

        ``left_knee`` and ``right_knee`` (``knee_l``, ``RKnee``, ``kneeR``) are a pair and one group.
        """
        return cls(
            name=name,
            keypoints=tuple(keypoints),
            edges=tuple((int(a), int(b)) for a, b in edges),
            pairs=_pairs_by_name(keypoints)
            if pairs is None
            else tuple((int(a), int(b)) for a, b in pairs),
            groups=_groups_by_name(keypoints)
            if groups is None
            else {str(group): tuple(members) for group, members in groups.items()},
        )

    def subset(self, kept: Sequence[int], name: str | None = None) -> Skeleton:
        """Return the given keypoints in the given order.

        An edge or a pair that loses a joint is dropped; a group keeps the joints that are left and
        is dropped when it is empty.
        """
        place = {old: new for new, old in enumerate(kept)}

        def left(links: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
            return tuple((place[a], place[b]) for a, b in links if a in place and b in place)

        groups = {
            group: tuple(place[i] for i in members if i in place)
            for group, members in self.groups.items()
        }
        return Skeleton(
            name=name or self.name,
            keypoints=tuple(self.keypoints[i] for i in kept),
            edges=left(self.edges),
            pairs=left(self.pairs),
            groups={group: members for group, members in groups.items() if members},
        )

    def to_json(self) -> str:
        """Return the text of ``skeleton.json`` in a checkpoint."""
        return json.dumps(self.to_dict(), indent=2)

    def to_dict(self) -> dict[str, Any]:
        """Return the content of ``skeleton.json``: plain lists and names."""
        return {
            "name": self.name,
            "keypoints": list(self.keypoints),
            "edges": [list(edge) for edge in self.edges],
            "pairs": [list(pair) for pair in self.pairs],
            "groups": {name: list(members) for name, members in self.groups.items()},
        }

    @classmethod
    def from_json(cls, text: str | bytes, where: str) -> Skeleton:
        """Read the output of :meth:`to_json`; ``where`` names the file in an error."""
        return cls.from_content(parse_json(text, where, "skeleton"), where)

    @classmethod
    def from_content(cls, raw: Any, where: str) -> Skeleton:
        """Build a skeleton from the parsed content of ``skeleton.json``.

        Raises:
            InputError: a field is missing or of another type, or there are too many keypoints.
        """
        try:
            return cls(
                name=_text(raw["name"]),
                keypoints=tuple(_text(n) for n in raw["keypoints"]),
                edges=tuple((_index(a), _index(b)) for a, b in raw["edges"]),
                pairs=tuple((_index(a), _index(b)) for a, b in raw["pairs"]),
                groups={str(k): tuple(_index(i) for i in v) for k, v in raw["groups"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise InputError(
                f"{where} is not a skeleton that posebridge wrote ({short_repr(error)}); "
                "restore the file from the run that made the model."
            ) from error

    def require_same(self, other: Skeleton, own: str, others: str) -> None:
        """Raise unless both name the same keypoints in the same order.

        ``own`` and ``others`` say in the error where the two skeletons come from.
        """
        if self.keypoints == other.keypoints:
            return
        missing = [n for n in self.keypoints if n not in other.keypoints]
        surplus = [n for n in other.keypoints if n not in self.keypoints]
        if missing or surplus:
            difference = "; ".join(
                part
                for part in (
                    f"missing there: {', '.join(missing)}" if missing else "",
                    f"only there: {', '.join(surplus)}" if surplus else "",
                )
                if part
            )
        else:
            difference = "the same names in another order"
        raise InputError(
            f"{own} has {len(self)} keypoints and {others} has {len(other)} that do not match "
            f"({difference}); both must name the same keypoints in the same order."
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} where a name belongs")
    return value


def _index(value: Any) -> int:
    if type(value) is not int:
        raise TypeError(f"a {type(value).__name__} where the index of a keypoint belongs")
    return value


def _pairs_by_name(keypoints: Sequence[str]) -> tuple[tuple[int, int], ...]:
    place = {side: i for i, side in enumerate(sides(keypoints)) if side}
    return tuple(
        (index, place[("right", rest)])
        for (side, rest), index in place.items()
        if side == "left" and ("right", rest) in place
    )


def _groups_by_name(keypoints: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Left and right of a joint are one row; head_top and neck are one, as the papers group LSP."""
    groups: dict[str, list[int]] = {}
    for index, (name, side) in enumerate(zip(keypoints, sides(keypoints), strict=True)):
        groups.setdefault(side[1] if side else name, []).append(index)
    if "head_top" in groups and "neck" in groups:
        groups["head_top+neck"] = sorted(groups.pop("head_top") + groups.pop("neck"))
    return {name: tuple(members) for name, members in groups.items()}
