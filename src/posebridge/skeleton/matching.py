"""Which keypoint of one skeleton is which of another: by name, by meaning, or as a file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr
from posebridge.files.yaml_files import read_yaml_mapping
from posebridge.skeleton.definition import Skeleton
from posebridge.skeleton.files import in_yaml
from posebridge.skeleton.names import canonical_name, meanings_of_both

Mapped = Mapping[str, Sequence[str]]
"""Target keypoint -> the source keypoints whose average it is; empty for none."""


@dataclass(frozen=True)
class SkeletonMatch:
    """Where each keypoint of a target skeleton comes from.

    Attributes:
        source, target: the two skeletons, of Ks and Kt keypoints.
        partners: for each target keypoint the source keypoints whose average it is; empty for a
            keypoint that has no partner.
        reasons: for each target keypoint ``name``, ``spelling``, ``synonym``, ``mapping``, or
            nothing for a keypoint without partner.
    """

    source: Skeleton
    target: Skeleton
    partners: tuple[tuple[int, ...], ...]
    reasons: tuple[str, ...]

    @property
    def is_identity(self) -> bool:
        """Return both name the same keypoints in the same order, so there is nothing to bring over."""
        same = self.source.keypoints == self.target.keypoints
        return same and self.partners == tuple((i,) for i in range(len(self.target)))

    @property
    def matched(self) -> tuple[int, ...]:
        """Return the target keypoints that have a partner."""
        return tuple(i for i, partners in enumerate(self.partners) if partners)

    @property
    def unused(self) -> tuple[str, ...]:
        """Return the source keypoints that nothing is taken from."""
        used = {i for partners in self.partners for i in partners}
        return tuple(n for i, n in enumerate(self.source.keypoints) if i not in used)

    @property
    def weights(self) -> np.ndarray:
        """Return the (Kt, Ks) float64 matrix from source to target points; rows sum to 1 or 0."""
        matrix = np.zeros((len(self.target), len(self.source)))
        for row, partners in enumerate(self.partners):
            matrix[row, list(partners)] = 1 / max(len(partners), 1)
        return matrix

    def common(self) -> Skeleton:
        """Return the target without the keypoints that have no partner, their edges and their pairs."""
        return self.target.subset(self.matched)

    def rows(self) -> list[tuple[str, str, str]]:
        """Return (target, source, reason) of each target keypoint, for a table; '-' for no partner."""
        return [
            (
                name,
                " + ".join(self.source.keypoints[i] for i in partners) or "-",
                reason or "no partner",
            )
            for name, partners, reason in zip(
                self.target.keypoints, self.partners, self.reasons, strict=True
            )
        ]


def match_skeletons(
    source: Skeleton,
    target: Skeleton,
    mapping: Mapped | None = None,
    *,
    mapping_name: str = "the mapping",
) -> SkeletonMatch:
    """Find the source keypoints of every target keypoint.

    What the mapping names is settled by it; the others have the keypoint of the same meaning
    (:func:`~posebridge.skeleton.names.meanings_of_both`) where exactly one has it on either side.
    A source keypoint may go to several target keypoints.

    Args:
        mapping: target keypoint -> source keypoints, in any spelling.
        mapping_name: what it is called in an error.

    Raises:
        InputError: the mapping names a keypoint that is not there, or nothing matches at all.
    """
    given: dict[int, tuple[int, ...]] = {}
    for name, parts in (mapping or {}).items():
        row = _place(name, target, mapping_name, "target")
        if row in given:
            raise InputError(f"{mapping_name} names '{target.keypoints[row]}' twice.")
        given[row] = tuple(_place(p, source, mapping_name, "source") for p in parts)
    here, there = meanings_of_both(source.keypoints, target.keypoints)
    partners: list[tuple[int, ...]] = []
    reasons: list[str] = []
    for row, meaning in enumerate(there):
        if row in given:
            partners.append(given[row])
            reasons.append("mapping" if given[row] else "")
            continue
        found = [i for i, other in enumerate(here) if other == meaning]
        unique = len(found) == 1 and there.count(meaning) == 1
        partners.append(tuple(found) if unique else ())
        reasons.append(_reason(source.keypoints[found[0]], target.keypoints[row]) if unique else "")
    if not any(partners):
        raise InputError(
            f"no keypoint of '{source.name}' ({_some(source)}) is one of '{target.name}' "
            f"({_some(target)}); say which is which in a mapping file, a line 'target: source' each."
        )
    return SkeletonMatch(source, target, tuple(partners), tuple(reasons))


def read_mapping(path: Path | str) -> dict[str, tuple[str, ...]]:
    """Return a mapping file: ``target: source``, ``target: [source, source]`` for an average, or
    ``target: null`` for a keypoint that shall have no partner.

    Raises:
        InputError: no such file, or an entry that is none of these.
    """
    file = Path(path)
    content = read_yaml_mapping(file, "mapping (target: source)", text_only=True)
    mapping: dict[str, tuple[str, ...]] = {}
    for target, value in content.items():
        names = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise InputError(
                f"{file}: '{target}: {short_repr(value)}' is not an entry of a mapping; give the name "
                "of a source keypoint, a list of some to average, or null."
            )
        if len(set(names)) != len(names):
            raise InputError(f"{file}: '{target}' names a source keypoint twice.")
        mapping[target] = tuple(names)
    return mapping


def mapping_text(match: SkeletonMatch) -> str:
    """Return a mapping file of a match, to be edited by hand."""
    lines = [f"# target ({match.target.name}): source ({match.source.name})"]
    for name, partners, reason in zip(
        match.target.keypoints, match.partners, match.reasons, strict=True
    ):
        names = [match.source.keypoints[i] for i in partners]
        value = names[0] if len(names) == 1 else names or None
        lines.append(f"{in_yaml(name)}: {in_yaml(value)}  # {reason or 'no partner'}")
    if match.unused:
        lines.append(f"# not used: {', '.join(match.unused)}")
    return "\n".join(lines) + "\n"


def _place(name: str, skeleton: Skeleton, mapping: str, side: str) -> int:
    if name in skeleton.keypoints:
        return skeleton.keypoints.index(name)
    spelled = [canonical_name(n) for n in skeleton.keypoints]
    if spelled.count(canonical_name(name)) == 1:
        return spelled.index(canonical_name(name))
    raise InputError(
        f"{mapping} names the {side} keypoint {short_repr(name)}, which '{skeleton.name}' does not "
        f"have; it has {', '.join(skeleton.keypoints)}."
    )


def _reason(source: str, target: str) -> str:
    if source == target:
        return "name"
    return "spelling" if canonical_name(source) == canonical_name(target) else "synonym"


def _some(skeleton: Skeleton) -> str:
    names = skeleton.keypoints[:4]
    return ", ".join(names) + (", ..." if len(skeleton) > len(names) else "")
