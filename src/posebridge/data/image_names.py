"""Files for the names that an annotation file gives its images.

A name is first taken as it is written. The fallbacks are: backslashes turned, composed or
decomposed letters, the other folders, a format's own other names, and finally a file of that name
somewhere below the folder. Labels of one image must never go onto another, so two names that give
one file by a fallback are refused.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr

_PASSED_OVER = ("@eaDir", "__MACOSX")
"""Folders of previews and the like that some systems put among images."""

MOST_FILES = 500_000
"""Largest number of files below a folder that is searched; a home folder has more."""


class MissingFile(InputError):
    """No file has the name, under any spelling."""


class ImageNames:
    """The files for the names of one annotation file; one object must resolve every name.

    Args:
        folders: the folders that names are relative to, the file's own first; the others are fallbacks.
        other_names: returns a name's alternatives, such as an upload without its prefix.
        below: whether a file of that name in a subfolder may be used.
        what: the kind of file that is named, for messages.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        other_names: Callable[[str], Sequence[str]] | None = None,
        below: bool = True,
        what: str = "image",
    ) -> None:
        self._folders = list(folders)
        self._other_names = other_names
        self._below = below
        self._what = what
        self._found: dict[str, Path] = {}
        self._taken: dict[str, _Claim] = {}
        self._homes: dict[str, _Claim] = {}
        self._moved_homes: dict[str, _Claim] = {}
        self._below_index: _FilesByEnd | None = None
        self._moved: list[tuple[str, Path]] = []

    @property
    def notes(self) -> list[str]:
        """Return a sentence on files that are elsewhere than their names, if there are some."""
        if not self._moved:
            return []
        name, file = self._moved[0]
        if len(self._moved) == 1:
            return [
                f"The {self._what} {short_repr(name)} is not where its name says and is taken from "
                f"{file}."
            ]
        return [
            f"{len(self._moved)} {self._what}s are not where their names say and are taken from "
            f"elsewhere, the first, {short_repr(name)}, from {file}."
        ]

    def find(self, name: str, where: str) -> Path:
        """Return the file of a name.

        Args:
            name: as the annotation file has it. where: the file and the entry, for messages.

        Raises:
            MissingFile: no file has the name.
            InputError: several files do, or another name has given the same file.
        """
        known = self._found.get(name)
        if known is not None:
            return known
        if not name or "\0" in name:
            raise InputError(f"{where} has no file name of an {self._what}; add one.")
        file, fallback, moved = self._look_up(name, where)
        self._claim(_Claim(name, _parts(name), fallback), file, moved, where)
        self._found[name] = file
        return file

    def claim_all(self, names: Sequence[str], where: str) -> None:
        """Raise if one more of a file's names gives a file that another name has by a fallback.

        Names of images without a label are passed here: where all files are at their places nothing
        is looked up, and a name without a file competes with no other name.
        """
        if not self._moved and not any(claim.fallback for claim in self._taken.values()):
            return
        moved = list(self._moved)
        for name in names:
            try:
                file, fallback, elsewhere = self._look_up(name, where)
            except InputError:
                continue
            self._claim(_Claim(name, _parts(name), fallback), file, elsewhere, where)
        self._moved = moved

    def _look_up(self, name: str, where: str) -> tuple[Path, bool, bool]:
        """Return the file, whether a fallback gave it, and whether its folder contradicts the name."""
        for number, folder in enumerate(self._folders):
            if is_file(folder / name):
                return folder / name, number > 0, False
        for path, fallback in self._written_otherwise(name):
            return path, fallback, False
        found = self._somewhere_below(name) if self._below else []
        if len(found) == 1:
            self._moved.append((name, found[0]))
            return found[0], True, not self._agree(name, found[0])
        if found:
            raise InputError(
                f"{where} names the {self._what} {self._folders[0] / name}, which does not exist, "
                f"and {len(found)} files below could be it, {found[0]} and {found[1]}; put it there "
                f"or give the folder of the {self._what}s."
            )
        raise MissingFile(
            f"{where} names the {self._what} {self._folders[0] / name}, which does not exist; put "
            f"it there or give the folder of the {self._what}s."
        )

    def _written_otherwise(self, name: str) -> Iterator[tuple[Path, bool]]:
        """Yield files under other spellings; another spelling in the first folder is not a fallback."""
        turned = name.replace("\\", "/")
        others = self._other_names(name) if self._other_names is not None else []
        for other in dict.fromkeys([turned, *others]):
            for form in (other, *(unicodedata.normalize(f, other) for f in ("NFC", "NFD"))):
                if not form or "\0" in form:
                    continue
                for number, folder in enumerate(self._folders):
                    if is_file(folder / form):
                        yield folder / form, number > 0 or other != turned

    def _somewhere_below(self, name: str) -> list[Path]:
        """Return the files that match the most of a name's end; letter case breaks ties."""
        if self._below_index is None:
            self._below_index = _FilesByEnd(_files_below(self._folders))
        names = [name, *(self._other_names(name) if self._other_names is not None else [])]
        return next(filter(None, map(self._below_index.best, map(_parts, names))), [])

    def _agree(self, name: str, file: Path) -> bool:
        """Return whether the name and the file's path below its folder end alike."""
        within = [_below(file, folder) for folder in self._folders]
        found = min((parts for parts in within if parts), key=len, default=file.parts)
        one = [_folded(p) for p in found]
        other = [_folded(p) for p in _parts(name) if p != ".."]
        return _common_end(one, other) == min(len(one), len(other))

    def _claim(self, claim: _Claim, file: Path, moved: bool, where: str) -> None:
        """Record which name has a file, and raise if the file may be an image of another name."""
        whole = os.path.abspath(file)
        other = self._taken.setdefault(whole, claim)
        if other.parts != claim.parts and (other.fallback or claim.fallback):
            raise InputError(
                f"{where}: two names, {short_repr(other.name)} and {short_repr(claim.name)}, give "
                f"one file, {file}, so labels of one image would go onto another; put both "
                f"{self._what}s where their names say, or remove one of the two."
            )
        home = os.path.dirname(whole)
        rival = self._moved_homes.get(home) or (self._homes.get(home) if moved else None)
        if rival is not None and rival.parts[:-1] != claim.parts[:-1]:
            raise InputError(
                f"{where}: {short_repr(claim.name)} and {short_repr(rival.name)} name different "
                f"folders, but both would be taken from {home}; put the {self._what}s where their "
                "names say, or remove one of the two folders."
            )
        self._homes.setdefault(home, claim)
        if moved:
            self._moved_homes.setdefault(home, claim)


class _FilesByEnd:
    """Files by the ends of their paths; files of one name are distinguished by their folders.

    Args:
        files: a name without case -> the files of that name.
    """

    def __init__(self, files: dict[str, list[Path]]) -> None:
        self._files = files
        self._groups: dict[tuple[str, ...], dict[str, list[Path]]] = {}
        self._known: dict[tuple[str, ...], list[Path]] = {}

    def best(self, parts: Sequence[str]) -> list[Path]:
        """Return the files whose paths end in the most of ``parts``."""
        same = self._files.get(_folded(parts[-1]), []) if parts else []
        depth = 1
        while len(same) > _MANY and depth < len(parts):
            narrower = self._group(tuple(map(_folded, parts[-depth:])), same).get(
                _folded(parts[-depth - 1]), []
            )
            if not narrower:  # the next folder fits none of the files
                end = tuple(parts[-depth:])
                if end not in self._known:
                    self._known[end] = _longest(end, same)
                return self._known[end]
            same, depth = narrower, depth + 1
        return _longest(parts, same)

    def _group(self, end: tuple[str, ...], files: Sequence[Path]) -> dict[str, list[Path]]:
        """Return the files that have this end, grouped by the folder before it."""
        if end not in self._groups:
            found = self._groups[end] = {}
            for file in files:
                before = file.parts[: -len(end)]
                found.setdefault(_folded(before[-1]) if before else "", []).append(file)
        return self._groups[end]


_MANY = 8


def _longest(parts: Sequence[str], files: Sequence[Path]) -> list[Path]:
    """Return the files that share the longest end with ``parts``; letter case breaks ties."""
    for form in (_composed, _folded) if files else ():
        wanted = [form(part) for part in parts]
        lengths = [_common_end(wanted, [form(p) for p in file.parts]) for file in files]
        best = max(lengths)
        if best:
            return [f for f, length in zip(files, lengths, strict=True) if length == best]
    return []


class _Claim(NamedTuple):
    name: str
    parts: tuple[str, ...]
    fallback: bool


def is_file(path: Path) -> bool:
    """Return whether a path is a file; false for a name that no disk can hold."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name in one spelling: slashes, composed letters, no dots."""
    parts: list[str] = []
    for part in _composed(name).replace("\\", "/").split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return tuple(parts)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _folded(text: str) -> str:
    return _composed(text).casefold()


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    length = 0
    for a, b in zip(reversed(one), reversed(other), strict=False):
        if a != b:
            break
        length += 1
    return length


def _below(file: Path, folder: Path) -> tuple[str, ...]:
    return file.relative_to(folder).parts if file.is_relative_to(folder) else ()


def _files_below(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Return the files by name, without case, in the folders and their subfolders."""
    found: dict[str, dict[Path, None]] = {}
    walked: set[str] = set()
    count = 0
    for folder in folders:
        for place, inner, names in os.walk(folder):
            inner[:] = [n for n in inner if not n.startswith(".") and n not in _PASSED_OVER]
            if place in walked:
                continue
            walked.add(place)
            count += len(names) + len(inner)
            if count > MOST_FILES:
                return {}
            for name in names:
                if not name.startswith("._"):
                    found.setdefault(_folded(name), {})[Path(place) / name] = None
    return {name: list(files) for name, files in found.items()}
