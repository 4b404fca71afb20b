"""Keypoint definitions: names, edges, left/right pairs and groups; two skeletons matched by name.

    definition.py  an ordered list of keypoints and what connects them
    names.py       how keypoints are spelled, left and right, and which names are synonyms
    files.py       skeletons from YAML and JSON files, model folders, and the built-in ones
    matching.py    which keypoint of one skeleton is which of another
    builtin/       one YAML for each built-in skeleton

To add a built-in skeleton, put a YAML into ``builtin/``; its first comment line is its description.
"""

from posebridge.skeleton.definition import Side, Skeleton
from posebridge.skeleton.files import builtin_skeletons, read_skeleton
from posebridge.skeleton.matching import SkeletonMatch, match_skeletons, read_mapping
from posebridge.skeleton.names import are_unnamed, canonical_name, unnamed_keypoints

__all__ = [
    "Side",
    "Skeleton",
    "SkeletonMatch",
    "are_unnamed",
    "builtin_skeletons",
    "canonical_name",
    "match_skeletons",
    "read_mapping",
    "read_skeleton",
    "unnamed_keypoints",
]
