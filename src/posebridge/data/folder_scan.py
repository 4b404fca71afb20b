"""Which files of a folder or a glob are images or videos, and how many are left out by reason."""

from __future__ import annotations

import glob
import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from posebridge.data.image_files import HEIC_ENDINGS, IMAGE_ENDINGS, heic_is_read
from posebridge.data.videos.video import is_video

THUMBNAIL_FOLDERS = ("@eadir", "__macosx", "#recycle", "$recycle.bin", "lost+found")
"""Folders of a NAS, an archive or a system, in lower case, which hold no photographs themselves."""

OTHER_IMAGES = (
    *(".gif", ".jp2", ".j2k", ".jpx", ".jxl", ".jxr", ".svg", ".psd", ".xcf", ".tga", ".exr"),
    *(".hdr", ".ppm", ".pgm", ".pnm", ".ico", ".eps", ".dcm", ".fits", ".mpo", ".apng"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".srw", ".pef", ".raw"),
)
"""Endings of images that are not read from a folder."""

_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"II*\0", b"MM\0*", b"BM")


_ONE = {
    "dead links": "dead link",
    "files": "file",
    "folders": "folder",
    "hidden files": "hidden file",
    "hidden folders": "hidden folder",
    "images": "image",
    "links to folders that are": "link to a folder that is",
    "names that end": "name that ends",
    "pipes or devices": "pipe or device",
}


@dataclass
class Scanned:
    """The images and videos of a folder or a glob.

    Attributes:
        files: images and videos, sorted.
        left_out: a reason -> the number of files or folders that are left out for it.
    """

    files: list[Path] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def counts(self) -> str:
        """Return the counts by reason in one line; empty if nothing is left out."""
        return ", ".join(
            f"{count:,} {reason if count > 1 else _one(reason)}"
            for reason, count in self.left_out.most_common()
        )


def scan_folder(folder: Path) -> Scanned:
    """Return the images and videos of a folder and its subfolders.

    Links to folders are followed; a folder that is reached twice counts once, by its own name where
    it is below ``folder``.
    """
    found = Scanned()
    root = os.path.realpath(folder)
    seen = {root}
    links: list[Path] = []
    _walk(folder, found, seen, links)
    while links:
        link = links.pop(0)
        target = os.path.realpath(link)
        if target in seen or Path(root).is_relative_to(target):
            found.left_out["links to folders that are read already"] += 1
            continue
        seen.add(target)
        _walk(link, found, seen, links)
    found.files.sort()
    return found


def scan_glob(pattern: str) -> Scanned:
    """Return the images and videos that a glob pattern matches."""
    found = Scanned()
    fixed = Path(pattern)
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    own_dots = any(part.startswith(".") for part in Path(pattern).parts)
    for match in sorted(map(Path, glob.glob(pattern, recursive=True))):
        if match == fixed:  # ** matches its own folder
            continue
        below = match.relative_to(fixed) if match.is_relative_to(fixed) else match
        reason = next(filter(None, map(_left_out_folder, below.parts[:-1])), None)
        if match.is_dir():
            if "**" not in pattern:
                found.left_out[_left_out_folder(match.name) or "folders (name them to search)"] += 1
        elif reason is not None and not own_dots:
            found.left_out[reason] += 1
        else:
            _add(match, found, own_dots)
    return found


def is_readable_image(path: Path) -> bool:
    """Return whether a file has the ending of an image and is not a shadow file (``._a.jpg``)."""
    return path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")


def _walk(folder: Path, found: Scanned, seen: set[str], links: list[Path]) -> None:
    def closed(_: OSError) -> None:
        found.left_out["folders that can't be opened"] += 1

    for place, folders, names in os.walk(folder, onerror=closed):
        kept = []
        for name in sorted(folders):
            path = Path(place) / name
            reason = _left_out_folder(name)
            if reason is not None:
                found.left_out[reason] += 1
            elif path.is_symlink():
                links.append(path)
            elif (real := os.path.realpath(path)) in seen:
                found.left_out["links to folders that are read already"] += 1
            else:
                seen.add(real)
                kept.append(name)
        folders[:] = kept
        for name in sorted(names):
            _add(Path(place) / name, found)


def _left_out_folder(name: str) -> str | None:
    if name.lower() in THUMBNAIL_FOLDERS:
        return f"folders {name}"
    return "hidden folders" if name.startswith(".") and name not in (".", "..") else None


def _add(path: Path, found: Scanned, hidden_too: bool = False) -> None:
    """Add one file, or count the reason to leave it out."""
    ending = path.suffix.lower()
    looks = ending in IMAGE_ENDINGS or is_video(path)
    try:
        mode = os.stat(path).st_mode
    except OSError:
        if path.is_symlink():
            found.left_out["dead links"] += 1
        elif looks:
            found.left_out["files that can't be opened"] += 1
        return
    if path.name.startswith("._") or (path.name.startswith(".") and not hidden_too):
        if looks:
            found.left_out["hidden files"] += 1
    elif not stat.S_ISREG(mode):
        found.left_out["pipes or devices"] += 1
    elif ending in HEIC_ENDINGS and not heic_is_read():
        found.left_out["HEIC (pip install 'posebridge[heic]' reads them)"] += 1
    elif looks:
        found.files.append(path)
    elif ending in OTHER_IMAGES:
        found.left_out[f"{ending} (store them as JPEG or PNG)"] += 1
    elif ending.strip() in IMAGE_ENDINGS:
        found.left_out["names that end in a space"] += 1
    elif not ending and _starts_as_image(path):
        found.left_out["images without an ending"] += 1


def _starts_as_image(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError:
        return False
    return start.startswith(_STARTS) or (start[:4] == b"RIFF" and start[8:12] == b"WEBP")


def endings_in_words() -> Iterator[str]:
    """Yield the endings of images that can be read on this installation."""
    yield from (e for e in IMAGE_ENDINGS if e not in HEIC_ENDINGS or heic_is_read())


def _one(reason: str) -> str:
    """Return a reason for a single file or folder."""
    many = next((many for many in _ONE if reason.startswith(many)), "")
    return _ONE.get(many, "") + reason.removeprefix(many)
