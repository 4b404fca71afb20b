"""Overlay files: one for each image, for any names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from posebridge.data.crops import decode_image
from posebridge.report.overlays import overlay_files, write_picture


def test_images_do_not_share_an_overlay_file():
    names = ["a/b.png", "a__b.png", "A__B.png", "a.xyz", "a.xyz.png", "../a.png", "a.png"]
    files = overlay_files(Path("drawn"), names)
    assert list(files) == names
    assert len({file.name.casefold() for file in files.values()}) == len(names)
    assert all(file.parent == Path("drawn") for file in files.values())


def test_names_of_any_bytes_and_length_are_written(tmp_path):
    names = [
        os.fsdecode(b"caf\xe9/caf\xe9.jpg"),
        "a\nb'\".png",
        " b .jpg ",
        "/".join(["é" * 90] * 5),
    ]
    names += [names[-1] + "x.jpg", names[-1] + "y.jpg", "a.\udce9"]
    picture = np.full((8, 8, 3), 200, np.uint8)
    for file in overlay_files(tmp_path, names).values():
        write_picture(str(file), picture)
        assert decode_image(file).shape == (8, 8, 3)
    assert len(list(tmp_path.iterdir())) == len(names)
