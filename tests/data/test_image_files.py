"""Images of every format are upright, of 8 bits, and as large as their header claims."""

from __future__ import annotations

import io
import os
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from posebridge.data import image_files
from posebridge.data.crops import CropConfig, cut, get_region, read_crop
from posebridge.data.image_files import (
    UnreadableImage,
    check_header,
    decode_image,
    decode_shared,
    decode_with_range,
    upright_size,
)
from posebridge.data.pixel_range import own_range
from posebridge.data.samples import UnlabeledSamples
from posebridge.errors import InputError

ENDINGS = ("jpg", "png", "webp", "tif", "avif")


def _saved(path: Path, image: Image.Image, **options) -> Path:
    if path.suffix == ".heic":
        pytest.importorskip("pillow_heif").register_heif_opener()
    image.save(path, **options)
    return path


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_format_is_turned_by_its_orientation(tmp_path, ending, orientation):
    """A red corner shows where each of the eight orientations puts it."""
    stored = np.zeros((32, 64, 3), np.uint8)
    stored[:16, :16, 0] = 255
    exif = Image.Exif()
    exif[274] = orientation
    path = _saved(tmp_path / f"a.{ending}", Image.fromarray(stored), exif=exif, quality=95)
    image = decode_image(path)
    assert upright_size(path) == image.shape[1::-1]
    assert image.shape[:2] == ((32, 64) if orientation < 5 else (64, 32))
    corner = {
        **{1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0)},
        **{5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)},
    }[orientation]
    rows, columns = (slice(2, 12) if c == 0 else slice(-12, -2) for c in corner)
    assert image[rows, columns, 0].min() > 150
    assert (image[..., 0] > 128).mean() == pytest.approx(1 / 8, abs=0.05)


def test_heic_is_read_and_its_exif_tag_turns_nothing(tmp_path):
    """HEIC is turned by a property of the image, which its library applies."""
    exif = Image.Exif()
    exif[274] = 6
    path = _saved(tmp_path / "a.heic", Image.new("RGB", (64, 32), "red"), exif=exif)
    image = decode_image(path)
    assert image[..., 0].min() > 200 and image[..., 1:].max() < 50
    assert upright_size(path) == image.shape[1::-1]


def test_an_orientation_in_xmp_alone_turns_neither_the_image_nor_its_size(tmp_path):
    text = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-'
        b'syntax-ns#"><rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" '
        b'tiff:Orientation="6"/></rdf:RDF></x:xmpmeta>'
    )
    for name in ("a.jpg", "a.webp", "a.avif"):
        Image.new("RGB", (20, 10)).save(tmp_path / name, xmp=text)
        assert upright_size(tmp_path / name) == decode_image(tmp_path / name).shape[1::-1]


@pytest.mark.parametrize(
    ("bits", "words"),
    [(10, "10 bits stored in 16"), (12, "12 bits stored in 16"), (14, "14 bits"), (16, "16 bits")],
)
@pytest.mark.parametrize("ending", ["png", "tif"])
def test_values_of_more_than_8_bits_are_scaled_by_the_range_used(tmp_path, bits, words, ending):
    ramp = np.linspace(0, 2**bits - 1, 48).astype(np.uint16).reshape(6, 8)
    color = np.stack([ramp, ramp // 2, ramp // 4], axis=2)
    cv2.imwrite(str(tmp_path / f"color.{ending}"), color[..., ::-1])
    image, stored = decode_with_range(tmp_path / f"color.{ending}")
    assert str(stored).startswith(words)
    assert np.array_equal(image, (color >> (bits - 8)).astype(np.uint8))
    Image.fromarray(ramp).save(tmp_path / f"gray.{ending}")
    gray = decode_image(tmp_path / f"gray.{ending}")
    assert np.array_equal(gray, np.repeat((ramp >> (bits - 8))[..., None], 3, 2).astype(np.uint8))


def test_a_dark_frame_is_scaled_as_the_other_frames_of_its_folder(tmp_path):
    """Its own largest value would give 8 bits, sixteen times as bright as the other frames."""
    for number in range(12):
        frame = np.full((4, 4), 200 if number == 5 else 3000, np.uint16)
        Image.fromarray(frame).save(tmp_path / f"{number:02d}.png")
    assert decode_image(tmp_path / "05.png").max() == 200 >> 4
    assert decode_image(tmp_path / "06.png").max() == 3000 >> 4


def test_mixed_kinds_in_a_folder_keep_their_own_range(tmp_path):
    Image.fromarray(np.full((4, 4), 60000, np.uint16)).save(tmp_path / "sixteen.png")
    Image.fromarray(np.full((4, 4), 3900, np.uint16)).save(tmp_path / "twelve.png")
    assert decode_image(tmp_path / "sixteen.png").max() == 60000 >> 8
    assert decode_image(tmp_path / "twelve.png").max() == 3900 >> 4


def test_floats_are_fractions_of_1_or_of_255(tmp_path):
    for name, top in (("one", 1.0), ("bytes", 255.0)):
        values = np.linspace(0, top, 12, dtype=np.float32).reshape(3, 4)
        Image.fromarray(values).save(tmp_path / f"{name}.tif")
        expected = np.rint(np.linspace(0, 255, 12)).reshape(3, 4)
        assert np.array_equal(decode_image(tmp_path / f"{name}.tif")[..., 0], expected)
        assert upright_size(tmp_path / f"{name}.tif") == (4, 3)
    color = np.full((3, 4, 3), (0.25, 0.5, 1.0), np.float32)
    cv2.imwrite(str(tmp_path / "color.tif"), color[..., ::-1])
    assert decode_image(tmp_path / "color.tif")[0, 0].tolist() == [64, 128, 255]
    assert upright_size(tmp_path / "color.tif") == (4, 3)
    check_header(tmp_path / "color.tif")


def test_floats_without_a_range_are_refused(tmp_path):
    Image.fromarray(np.full((3, 4), 1e9, np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableImage, match=r"a\.tif: pixel values up to 1e\+09, beyond 16 bits"):
        decode_image(tmp_path / "a.tif")
    assert str(own_range(np.array([[np.nan, 0.5]]))) == "floats from 0 to 1"


def test_other_pixel_kinds_are_read(tmp_path):
    gradient = Image.linear_gradient("L").resize((16, 16))
    for mode, name in (
        *(("CMYK", "a.tif"), ("1", "b.png"), ("P", "c.png"), ("LA", "d.png"), ("RGBA", "e.png")),
        *(("CMYK", "f.jpg"), ("L", "g.jpg"), ("LAB", "h.tif")),
    ):
        image = gradient if mode != "LAB" else gradient.convert("RGB")
        (image.convert(mode) if mode != "LAB" else image).save(tmp_path / name)
        assert decode_image(tmp_path / name).shape == (16, 16, 3)


def test_the_first_frame_of_an_animation_is_taken(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for name in ("a.webp", "a.png", "a.gif", "a.avif"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert decode_image(tmp_path / name)[4, 4, 0] > 200


def test_damage_is_reported_and_a_pipe_never_hangs(tmp_path):
    content = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(content, "JPEG")
    (tmp_path / "cut.jpg").write_bytes(content.getvalue()[:100])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "page.jpg").write_text("<html>")
    (tmp_path / "cut.heic").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (tmp_path / "cut.avif").write_bytes(b"\0\0\0\x18ftypavif\0\0\0\0mif1avif")
    os.mkfifo(tmp_path / "pipe.jpg")
    for path in (*tmp_path.iterdir(), tmp_path / "missing.jpg", tmp_path):
        with pytest.raises(UnreadableImage, match=path.name):
            decode_image(path)
    for name in ("empty.jpg", "page.jpg", "pipe.jpg", "missing.jpg", "cut.avif"):
        with pytest.raises(InputError, match=name):
            upright_size(tmp_path / name)


def test_decompression_bomb_is_refused(tmp_path):
    """60,000 x 60,000 pixels in some bytes."""
    content = io.BytesIO()
    Image.new("1", (8, 8)).save(content, "PNG")
    header = b"IHDR" + (60_000).to_bytes(4, "big") * 2 + content.getvalue()[24:29]
    checked = header + zlib.crc32(header).to_bytes(4, "big")
    (tmp_path / "a.png").write_bytes(content.getvalue()[:12] + checked + content.getvalue()[33:])
    with pytest.raises(UnreadableImage, match="more pixels than an ordinary image"):
        decode_image(tmp_path / "a.png")
    with pytest.raises(InputError, match="more pixels than an ordinary image"):
        upright_size(tmp_path / "a.png")


def test_heic_without_its_library_names_the_remedy(tmp_path, monkeypatch):
    path = _saved(tmp_path / "a.heic", Image.new("RGB", (8, 8)))
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(UnreadableImage, match=r"pip install 'posebridge\[heic\]'"):
        decode_image(path)
    with pytest.raises(InputError, match=r"posebridge\[heic\]"):
        upright_size(path)


def test_an_image_is_decoded_once_for_its_subjects_with_the_same_crops(tmp_path, monkeypatch):
    Image.effect_noise((64, 48), 90).save(tmp_path / "a.png")
    Image.effect_noise((64, 48), 60).save(tmp_path / "b.png")
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.integers(0, 30, (40, 2)), rng.integers(4, 40, (40, 2))], axis=1)
    boxes[0] = 0
    files = [tmp_path / "ab.png"[i % 2 : i % 2 + 1] for i in range(40)]
    files = [file.with_suffix(".png") for file in files]
    samples = UnlabeledSamples.from_lists("x", files, boxes, np.zeros(40), np.arange(40))
    expected = []
    for row in range(40):
        image = decode_image(files[row])
        region = get_region(samples.boxes[row], 64, 48, 1.25)
        expected.append(cut(image, region, 32))
    monkeypatch.setattr(image_files, "_decoded", image_files._Decoded())
    calls = []
    real = image_files.decode_image
    monkeypatch.setattr(image_files, "decode_image", lambda path: calls.append(path) or real(path))
    for row in range(40):
        crop = read_crop(samples, row, CropConfig(32, 1.25))[0]
        assert np.array_equal(crop, expected[row])
        crop[:] = 0  # a crop is the caller's own
    assert len(calls) == 2


def test_decoded_images_are_kept_within_bounds(monkeypatch):
    monkeypatch.setattr(image_files, "CACHED_BYTES", 100)
    kept = image_files._Decoded()
    keys = [(str(n), 0, 0, 0) for n in range(5)]
    for key in (*keys, keys[4]):  # 30 bytes each; one of them twice
        kept.put(key, np.zeros((10, 1, 3), np.uint8))
    assert [kept.get(key) is not None for key in keys] == [False, False, True, True, True]
    kept.put(keys[0], np.zeros((100, 1, 3), np.uint8))
    assert [kept.get(key) is not None for key in keys] == [True, False, False, False, False]


def test_a_changed_file_is_decoded_again(tmp_path):
    Image.new("L", (8, 8), 10).save(tmp_path / "a.png")
    assert decode_shared(tmp_path / "a.png").max() == 10
    (tmp_path / "a.png").unlink()
    Image.new("L", (9, 8), 20).save(tmp_path / "a.png")
    assert decode_shared(tmp_path / "a.png").max() == 20
