"""What of a published dataset lies in a folder, and what is missing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from posebridge.data.datasets.record import Benchmark, Expected
from posebridge.errors import InputError


@dataclass(frozen=True)
class FileCheck:
    """How many files of one family are there, and whether a published checksum holds.

    Attributes:
        state: ``complete``, ``present`` (no published number to compare with), ``incomplete``,
            ``missing`` or ``differs`` (from the published checksum).
    """

    expected: Expected
    found: int
    state: str

    @property
    def fine(self) -> bool:
        """Return whether the default splits can do with what is there."""
        optional = self.expected.optional and self.state != "differs"
        return optional or self.state in ("complete", "present")


@dataclass(frozen=True)
class SplitCheck:
    """What reading a split gave: its number of subjects and images, or why it cannot be read."""

    split: str
    subjects: int
    images: int
    problem: str


def find_folder(record: Benchmark, root: Path) -> Path:
    """Return the dataset's folder: below a data root, or the given folder itself if it is that one."""
    inside = root / record.folder
    own = Path(record.folder)
    if not inside.is_dir() and root.parts[-len(own.parts) :] == own.parts:
        return root
    return inside


def check_files(record: Benchmark, folder: Path) -> list[FileCheck]:
    """Count the files of each family and compare checksums where some are published."""
    checks = []
    for expected in record.expected:
        base, pattern = folder, expected.pattern
        while pattern.startswith("../"):
            base, pattern = base.parent, pattern[3:]
        found = [p for p in base.glob(pattern) if p.is_file()] if base.is_dir() else []
        state = "present" if expected.count is None else "complete"
        if not found:
            state = "missing"
        elif expected.count is not None and len(found) < expected.count:
            state = "incomplete"
        elif expected.sha256 is not None and _sha256(found[0]) != expected.sha256:
            state = "differs"
        checks.append(FileCheck(expected, len(found), state))
    return checks


def check_splits(record: Benchmark, folder: Path) -> Iterator[SplitCheck]:
    """Read every split as training and evaluation would; one result after the other."""
    for split in record.splits:
        try:
            samples = record.read(folder, split)
        except InputError as error:
            yield SplitCheck(split, 0, 0, str(error))
        else:
            images = len(set(samples.images.files.tolist()))
            yield SplitCheck(split, len(samples), images, "")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
