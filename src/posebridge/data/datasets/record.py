"""What is known of a published dataset, and how one is named on a command line.

A reference is ``NAME:SPLIT``, such as ``surreal:train``. Splits may be joined and joints chosen:
``animalpose:dog-train+sheep-train@animal14``. A folder before it is the data root,
``data/lsp:test``; that is how a run's ``config.yaml`` stores it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from posebridge.data.samples import LabeledSamples
from posebridge.errors import InputError
from posebridge.skeleton import Skeleton

_FORM = re.compile(r"([a-z][a-z0-9_]+):([a-z0-9_-]+(?:\+[a-z0-9_-]+)*)(?:@([a-z0-9_]+))?")


@dataclass(frozen=True)
class Expected:
    """A file, or a family of files, that the published set consists of.

    Attributes:
        pattern: a glob below the dataset's folder.
        count: how many files match in the whole set; None where nobody publishes it.
        sha256: of a single file, where it is published.
        note: what it is needed for, or where it comes from, if not from the dataset's page.
        optional: the default splits can be read without it.
    """

    pattern: str
    count: int | None = None
    sha256: str | None = None
    note: str = ""
    optional: bool = False


@dataclass(frozen=True)
class Benchmark:
    """One published dataset in the layout in which it is distributed.

    Attributes:
        name: as in ``name:split``.
        title: name, authors, year.
        folder: where it lies below the data root.
        page: where its license asks one to download it.
        license: in a few words; the page decides.
        layout: the files and what is in them, in a line.
        skeleton: the joints that the reader yields.
        splits: name -> what it is.
        read: folder and split -> samples.
        visibility: which joints count as labeled.
        boxes: what the crop is taken round, and from where that is known.
        expected: files and counts of the whole set.
        transductive: splits whose images are meant to adapt and to score, as some papers do.
        shared: splits whose images differ from each other but show the same scenes -> how.
    """

    name: str
    title: str
    folder: str
    page: str
    licence: str
    layout: str
    skeleton: Skeleton
    splits: Mapping[str, str]
    read: Callable[[Path, str], LabeledSamples]
    visibility: str
    boxes: str
    expected: tuple[Expected, ...]
    transductive: frozenset[str] = frozenset()
    shared: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """The parts of ``[ROOT/]NAME:SPLIT[+SPLIT][@JOINTS]``."""

    root: str | None
    name: str
    splits: tuple[str, ...]
    joints: str | None

    def __str__(self) -> str:
        joints = f"@{self.joints}" if self.joints else ""
        return f"{self.name}:{'+'.join(self.splits)}{joints}"


def is_reference(text: Path | str | None) -> bool:
    """Return whether a text has the form of a dataset reference and is not a file that exists.

    >>> is_reference("lsp:test"), is_reference("data/lsp:test"), is_reference("lsp/joints.mat")
    (True, True, False)
    """
    if text is None:
        return False
    name = os.path.basename(os.fspath(text))
    return _FORM.fullmatch(name) is not None and not os.path.exists(text)


def parse_reference(text: Path | str) -> Reference:
    """Take a reference apart.

    Raises:
        InputError: it has another form.
    """
    root, name = os.path.split(os.fspath(text))
    found = _FORM.fullmatch(name)
    if found is None:
        raise InputError(
            f"'{text}' is not a dataset reference; write NAME:SPLIT, such as lsp:test "
            "('posebridge datasets list' names them)."
        )
    return Reference(root or None, found[1], tuple(found[2].split("+")), found[3])
