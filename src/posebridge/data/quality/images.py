"""Checks of image files."""

from __future__ import annotations

from collections import Counter

import numpy as np

from posebridge.data.quality.duplicates import RULE, find_duplicates
from posebridge.data.quality.findings import Finding, counted, make_rows, share
from posebridge.data.quality.record import CheckedSet


def unreadable(looked: CheckedSet) -> list[Finding]:
    """Return files that are not images; an error if they are most of the dataset."""
    facts = looked.facts
    broken = np.flatnonzero(~facts.readable).tolist()
    if len(broken) == 0:
        return []
    return [
        Finding(
            "unreadable",
            "error" if 2 * len(broken) > len(facts) else "warning",
            f"{counted(len(broken), 'image')} of {len(facts):,} can't be read",
            "Training skips such images and lists them in skipped.txt. Copy them again from their "
            "origin.",
            "The file can't be decoded as an image.",
            (looked.name,),
            details=[facts.problems[i] for i in broken],
        )
    ]


def cut_off(looked: CheckedSet) -> list[Finding]:
    """Return files that end in the middle."""
    facts = looked.facts
    cut = [i for i in np.flatnonzero(facts.readable).tolist() if facts.problems[i]]
    if not cut:
        return []
    return [
        Finding(
            "cut off",
            "warning",
            f"{counted(len(cut), 'image')} of {len(facts):,} cut off",
            "The file ends in the middle of the image; the missing part decodes as gray. Copy it "
            "again.",
            "A JPEG or PNG without its end mark.",
            (looked.name,),
            make_rows(looked.first_subject[cut]),
            [facts.problems[i] for i in cut],
        )
    ]


def deep(checked: CheckedSet) -> list[Finding]:
    """Return images of more than 8 bits, and the range by which they are scaled."""
    facts = checked.facts
    images = [i for i, stored in enumerate(facts.ranges) if stored]
    if not images:
        return []
    ranges = Counter(facts.ranges[i] for i in images).most_common()
    several = len(ranges) > 1
    return [
        Finding(
            "more than 8 bits",
            "warning" if several else "note",
            f"{counted(len(images), 'image')} of {len(facts):,} scaled to 8 bits from "
            + ", ".join(f"{stored} ({count:,})" for stored, count in ranges),
            "Every command scales them by this range. "
            + ("The ranges differ within the dataset; store all images alike. " if several else "")
            + "If they look too dark or too bright, store them as 8 bits yourself.",
            "The smallest of 8, 10, 12, 14 and 16 bits (floats: also 1) that holds the largest "
            "values of "
            "the images in a folder.",
            (checked.name,),
            make_rows(checked.first_subject[images]),
            [f"{facts.path(i)}: {facts.ranges[i]}" for i in images],
        )
    ]


def other_size(looked: CheckedSet) -> list[Finding]:
    """Return images of another size than their entry in the annotation file."""
    facts, declared = looked.facts, looked.declared
    other = facts.readable & (declared > 0).all(axis=1) & (declared != facts.sizes).any(axis=1)
    if not other.any():
        return []
    images = np.flatnonzero(other).tolist()
    turned = int((declared[images] == facts.sizes[images][:, ::-1]).all(axis=1).sum())
    return [
        Finding(
            "other size",
            "warning",
            f"{counted(len(images), 'image')} of {len(facts):,} not of the size in the annotation "
            "file",
            "Labels made on images of another size, or turned by their EXIF tag, are in the wrong "
            "place. "
            + (f"{turned:,} images are turned by 90 degrees. " if turned else "")
            + "Look at the images, then scale the labels or the images.",
            "Width and height of the decoded image, upright by its EXIF tag, against its entry.",
            (looked.name,),
            make_rows(looked.first_subject[images]),
            [
                f"{facts.path(i)}: {facts.sizes[i][0]} x {facts.sizes[i][1]}, declared "
                f"{declared[i][0]} x {declared[i][1]}"
                for i in images
            ],
        )
    ]


def shared_file(looked: CheckedSet) -> list[Finding]:
    """Return files that several images of the annotation file name."""
    pairs = np.unique(np.stack([looked.image_of, looked.samples.image_ids], axis=1), axis=0)
    files, first, count = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    listed = {
        int(files[i]): pairs[first[i] : first[i] + count[i], 1].tolist()
        for i in np.flatnonzero(count > 1)
    }
    several = list(listed)
    if not several:
        return []
    return [
        Finding(
            "file of several ids",
            "warning",
            f"{counted(len(several), 'file')} of {len(looked.facts):,} named by several image ids",
            "Frames of two videos that got one name look like this: labels of one image may be on "
            "another. Look at the images; give each image a file of its own.",
            "Two entries of 'images' with different ids name the same file.",
            (looked.name,),
            make_rows(looked.first_subject[several]),
            [f"{looked.facts.path(i)}: ids {', '.join(map(str, listed[i]))}" for i in several],
        )
    ]


def repeated(looked: CheckedSet) -> list[Finding]:
    """Return images that are in the dataset more than once."""
    twice = find_duplicates(looked.facts)
    if not twice:
        return []
    equal = sum(d.identical for d in twice)
    first = looked.first_subject
    return [
        Finding(
            "repeated",
            "note",
            f"{counted(len(twice), 'image')} ({share(len(twice), len(looked.facts))}) more than "
            f"once, {equal:,} of them equal byte for byte",
            "Neighboring frames of a video look like this, too. They count as often as they are "
            "there.",
            RULE,
            (looked.name, looked.name),
            np.array([(first[d.first], first[d.second]) for d in twice], np.int64),
            [f"{looked.facts.path(d.first)} and {looked.facts.path(d.second)}" for d in twice],
        )
    ]
