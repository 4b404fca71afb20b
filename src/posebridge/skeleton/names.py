"""How keypoints are spelled: left and right, and which names mean the same joint.

Two skeletons are compared by *meaning*: a name without regard to its spelling (``L_Knee``,
``kneeLeft``, ``RKnee``) and with the synonyms below. A synonym is in here only where the joints are
the same by the definition of the sets that use the names, or by how published work joins them. What
is merely close (``snout`` and ``nose``, ``head`` and ``head_top``, ``thorax`` and ``neck``, ``root``
and ``pelvis``) is left to a mapping file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right"}
_GLUED = re.compile(
    r"(?:(left|right)([a-z]{2,})"
    # Without ear: 'rear' is not a right ear.
    r"|(l|r)(ankle|knee|hip|wrist|elbow|shoulder|eye|thumb))"
)

SYNONYMS: dict[str, str] = {
    "top_head": "head_top",
    "top_of_head": "head_top",
    "headtop": "head_top",
    "mid_hip": "pelvis",
    "hip_center": "pelvis",
    "hip_centre": "pelvis",
    "root_pelvis": "pelvis",
    "wither": "withers",
    "tailbase": "tail_base",
    "tail_root": "tail_base",
    "root_of_tail": "tail_base",
    "base_of_tail": "tail_base",
    "tail_start": "tail_base",
    "tailtip": "tail_tip",
    "tip_of_tail": "tail_tip",
    "tail_end": "tail_tip",
    "end_of_tail": "tail_tip",
    "earbase": "ear_base",
    "forepaw": "front_paw",
    "hindpaw": "back_paw",
    "backpaw": "back_paw",
    # As published work scores models of the synthetic animals on AnimalPose.
    "front_hoof": "front_paw",
    "back_hoof": "back_paw",
}
"""Name without its side -> the name that stands for all of them.

It holds within a skeleton only where the skeleton does not use both names.
"""

_LIMB_PARTS = {"elbow", "knee", "paw", "hoof", "leg", "foot", "fetlock"}
_ENDS = {"f": "front", "fore": "front", "b": "back", "hind": "back", "rear": "back"}
_FINGER = re.compile(
    r"(thumb|forefinger|index|index_finger|middle|middle_finger|ring|ring_finger|pinky"
    r"|pinky_finger|little|little_finger)_?(\d|cmc|mcp|pip|dip|ip|tip)"
)
_FINGER_NAMES = {"forefinger": "index", "little": "pinky"}
_THUMB = {"cmc": "1", "mcp": "2", "ip": "3", "tip": "4"}
_OTHER_FINGER = {"mcp": "1", "pip": "2", "dip": "3", "tip": "4"}
_BONES = {
    "hips": "pelvis",
    "up_leg": "hip",
    "leg": "knee",
    "foot": "ankle",
    "shoulder": "clavicle",
    "arm": "shoulder",
    "fore_arm": "elbow",
    "hand": "wrist",
}


def unnamed_keypoints(count: int) -> list[str]:
    """Return what keypoints are called that a file does not name.

    >>> unnamed_keypoints(2)
    ['keypoint_0', 'keypoint_1']
    """
    return [f"keypoint_{number}" for number in range(count)]


def are_unnamed(keypoints: Sequence[str]) -> bool:
    """Return whether the names are those of :func:`unnamed_keypoints`."""
    return list(keypoints) == unnamed_keypoints(len(keypoints))


def split_side(name: str) -> tuple[str, str] | None:
    """Return ('left' or 'right', the name without its side), or None for a name without a side.

    >>> split_side("LKnee"), split_side("forelegR2"), split_side("tail")
    (('left', 'knee'), ('right', 'foreleg_2'), None)
    """
    tokens = _tokens(name)
    for place, token in enumerate(tokens):
        rest = tokens[:place] + tokens[place + 1 :]
        if token in _SIDES and any(re.search("[a-z]", other) for other in rest):
            return _SIDES[token], "_".join(rest)
    return None


def sides(keypoints: Sequence[str]) -> list[tuple[str, str] | None]:
    """Return :func:`split_side` of every name of one skeleton, using the other names too.

    ``lfoot`` is the left foot where there is an ``rfoot``, ``paw_FL`` the left one where there is a
    ``paw_FR`` (or ``FR_paw``), ``leg_L2`` where there is a ``leg_R2``: a word that begins or, but for
    a number, ends with l or r, and whose other side is named too.

    >>> sides(["lfoot", "rfoot", "paw_FL", "FR_paw", "tail", "lip"])[:4]
    [('left', 'foot'), ('right', 'foot'), ('left', 'paw_f'), ('right', 'paw_f')]
    """
    found = [split_side(name) for name in keypoints]
    # What a name is without a side, in any order of its words -> the keypoints of either side.
    options: dict[frozenset[str], dict[str, list[tuple[int, str]]]] = {}
    for index, name in enumerate(keypoints):
        tokens = [] if found[index] else _tokens(name)
        for place, token in enumerate(tokens):
            for side, rest in _letters(token):
                words = [w for w in (*tokens[:place], rest, *tokens[place + 1 :]) if w]
                if words:
                    both = options.setdefault(frozenset(words), {})
                    both.setdefault(side, []).append((index, "_".join(words)))
    for both in options.values():
        left, right = both.get("left", []), both.get("right", [])
        if len(left) == len(right) == 1 and left[0][0] != right[0][0]:
            for side, [(index, _)] in both.items():
                found[index] = (side, left[0][1])
    return found


def _letters(token: str) -> list[tuple[str, str]]:
    """Return the sides that a word's first or last letter may mean, and the rest of the word."""
    parts = re.fullmatch(r"([a-z]+)(\d*)", token)
    if parts is None:
        return []
    word, number = parts.groups()
    found = []
    if word[0] in "lr":
        found.append((_SIDES[word[0]], word[1:] + number))
    if len(word) > 1 and word[-1] in "lr":
        found.append((_SIDES[word[-1]], word[:-1] + number))
    return found


def canonical_name(keypoint: str) -> str:
    """Return a keypoint's name as ``left_knee``, also for ``L_Knee`` or ``kneeLeft``."""
    side = split_side(keypoint)
    return "_".join(side) if side else "_".join(_tokens(keypoint))


def meanings(keypoints: Sequence[str]) -> list[str]:
    """Return the meaning of every name of one skeleton; equal strings are the same joint.

    What depends on the other names of the skeleton:

    - Motion capture names a joint after the bone that starts there. Where a skeleton has
      ``UpLeg``, ``Leg``, ``Arm`` and ``ForeArm``, these are hip, knee, shoulder and elbow,
      ``Foot`` is the ankle, ``Hand`` the wrist, ``Shoulder`` the clavicle and ``Hips`` the pelvis.
    - ``foot`` is the ankle of a person (knees, and elbows or wrists) without ankles, toes or heels
      of its own, as in Human3.6M.
    - ``mcp``, ``pip``, ``dip`` and ``tip`` number the joints of a finger 1 to 4 from the palm;
      numbers mean the same where a finger has no 0.
    """
    split = [split_side(name) or ("", "_".join(_tokens(name))) for name in keypoints]
    sides = [side for side, _ in split]
    bare = [_ends(rest, bool(side)) for side, rest in split]
    bare = _bones([name.removeprefix("mixamorig_") for name in bare])
    bare = _fingers(_feet(bare))
    there = set(bare)
    bare = [SYNONYMS[b] if b in SYNONYMS and SYNONYMS[b] not in there else b for b in bare]
    return [f"{side}_{rest}" if side else rest for side, rest in zip(sides, bare, strict=True)]


def meanings_of_both(one: Sequence[str], other: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return :func:`meanings` of two skeletons, using their comparison too.

    MPII's upper neck is the Leeds set's neck: DeepCut and its successors train on both as one. So
    ``upper_neck`` is the ``neck`` of a skeleton that has a ``head_top`` and no other neck; the neck
    of OpenPose or of motion capture lies between the shoulders and is none.
    """
    here, there = meanings(one), meanings(other)
    for with_upper, plain in ((here, there), (there, here)):
        upper = "upper_neck" in with_upper and "neck" not in with_upper
        if upper and "head_top" in plain and "upper_neck" not in plain:
            plain[:] = ["upper_neck" if name == "neck" else name for name in plain]
    return here, there


def _tokens(name: str) -> list[str]:
    spaced = re.sub(r"([a-z])([LR])(\d+)$", r"\1_\2_\3", name)
    spaced = re.sub(r"([A-Z])([A-Z][a-z])", r"\1_\2", spaced)
    spaced = re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()
    tokens = []
    for token in re.split(r"[^a-z0-9]+", spaced):
        glued = _GLUED.fullmatch(token)
        tokens += [part for part in glued.groups() if part] if glued else [token]
    return [token for token in tokens if token]


def _ends(name: str, sided: bool) -> str:
    """Return ``f_paw`` and ``hind_paw`` of a side as ``front_paw`` and ``back_paw``."""
    first, _, rest = name.partition("_")
    if sided and first in _ENDS and rest in _LIMB_PARTS:
        return f"{_ENDS[first]}_{rest}"
    return name


def _bones(bare: list[str]) -> list[str]:
    if {"up_leg", "leg", "arm", "fore_arm"} <= set(bare):
        return [_BONES.get(name, name) for name in bare]
    return bare


def _feet(bare: list[str]) -> list[str]:
    words = {word for name in bare for word in name.split("_")}
    person = "knee" in bare and ("elbow" in bare or "wrist" in bare)
    if person and not words & {"ankle", "toe", "heel", "paw", "hoof"}:
        return ["ankle" if name == "foot" else name for name in bare]
    return bare


def _fingers(bare: list[str]) -> list[str]:
    found = [_FINGER.fullmatch(name) for name in bare]
    parts = [
        (_FINGER_NAMES.get(short := f[1].removesuffix("_finger"), short), f[2]) if f else None
        for f in found
    ]
    named = []
    for name, part in zip(bare, parts, strict=True):
        if part is None:
            named.append(name)
            continue
        finger, joint = part
        numbers = {other[1] for other in parts if other and other[0] == finger}
        if joint.isdigit():
            fits = numbers <= {"1", "2", "3", "4"} | set(_THUMB) | set(_OTHER_FINGER)
        else:
            joint = (_THUMB if finger == "thumb" else _OTHER_FINGER).get(joint, "")
            fits = bool(joint)
        named.append(f"{finger}_joint_{joint}" if fits else name)
    return named
