"""Names of an annotation file and the files that they give."""

from __future__ import annotations

import time
import unicodedata
from pathlib import Path

import pytest

from posebridge.data import image_names
from posebridge.data.image_names import ImageNames
from posebridge.errors import InputError


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("there", "name"),
    [
        ("a.jpg", "a.jpg"),
        ("sub/a.jpg", "sub\\a.jpg"),
        ("sub/a.jpg", "a.jpg"),
        ("a.jpg", "C:\\data\\sub\\a.jpg"),
        ("sub/a.jpg", "/home/someone/data/sub/a.jpg"),
        ("images/a.jpg", "photos/a.jpg"),
        ("a.JPG", "a.jpg"),
        (
            unicodedata.normalize("NFD", "Müller/é.png"),
            unicodedata.normalize("NFC", "Müller/é.png"),
        ),
        (
            unicodedata.normalize("NFC", "Müller/é.png"),
            unicodedata.normalize("NFD", "Müller/é.png"),
        ),
        ("a.jpg", "https://example.org/store/a.jpg"),
    ],
)
def test_name_resolves_to_the_expected_file(tmp_path: Path, there: str, name: str) -> None:
    files(tmp_path, there)
    assert ImageNames([tmp_path]).find(name, "f.json: image 1") == tmp_path / there


def test_longest_common_end_decides_between_files_of_one_name(tmp_path: Path) -> None:
    files(tmp_path, "cam1/1.jpg", "cam2/1.jpg")
    names = ImageNames([tmp_path])
    assert names.find("D:\\set\\cam2\\1.jpg", "f.json") == tmp_path / "cam2/1.jpg"
    with pytest.raises(InputError, match="which does not exist, and 2 files below could be it"):
        names.find("1.jpg", "f.json")


def test_letter_case_decides_only_last(tmp_path: Path) -> None:
    files(tmp_path, "sub/a.jpg", "sub/A.jpg")
    assert ImageNames([tmp_path]).find("A.jpg", "f.json") == tmp_path / "sub/A.jpg"


@pytest.mark.parametrize(
    ("there", "one", "other"),
    [
        (["cam1/1.jpg"], "cam1/1.jpg", "cam2/1.jpg"),
        (["1.jpg"], "cam1/1.jpg", "cam2/1.jpg"),
        (["sub/1.jpg"], "1.jpg", "other/1.jpg"),
        (["a.jpg"], "a.jpg", "A.jpg"),
        (["images/1.jpg"], "images/1.jpg", "1.jpg"),
        # No file twice, but cam2 is away and labels of it would go onto frames of cam1.
        (["cam1/1.jpg", "cam1/2.jpg"], "cam1/1.jpg", "cam2/2.jpg"),
        (["cam3/1.jpg", "cam3/2.jpg"], "cam1/1.jpg", "cam2/2.jpg"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_two_names_never_share_a_file_by_a_fallback(
    tmp_path: Path, there: list[str], one: str, other: str, turned: bool
) -> None:
    files(tmp_path, *there)
    names = ImageNames([tmp_path])
    first, second = (other, one) if turned else (one, other)
    names.find(first, "f.json: image 1")
    with pytest.raises(InputError, match="f.json: image 2") as raised:
        names.find(second, "f.json: image 2")
    assert repr(one) in str(raised.value)
    assert repr(other) in str(raised.value)


def test_upload_prefix_is_cut_unless_ambiguous(tmp_path: Path) -> None:
    files(tmp_path, "a.jpg")
    names = ImageNames([tmp_path], other_names=lambda name: [name.partition("-")[2]])
    assert names.find("11aa22bb-a.jpg", "t.json: task 1") == tmp_path / "a.jpg"
    with pytest.raises(InputError, match="two names, '11aa22bb-a.jpg' and '33cc44dd-a.jpg'"):
        names.find("33cc44dd-a.jpg", "t.json: task 2")


def test_one_image_under_two_spellings_is_one_name(tmp_path: Path) -> None:
    files(tmp_path, "sub/é.jpg")
    names = ImageNames([tmp_path])
    spellings = [
        "sub/é.jpg",
        "sub\\é.jpg",
        unicodedata.normalize("NFD", "sub/é.jpg"),
        "./sub/é.jpg",
    ]
    assert {names.find(spelling, "f.json") for spelling in spellings} == {tmp_path / "sub/é.jpg"}


def test_flattened_folder_is_read(tmp_path: Path) -> None:
    files(tmp_path, "a.jpg", "b.jpg")
    names = ImageNames([tmp_path])
    assert names.find("train/a.jpg", "f.json") == tmp_path / "a.jpg"
    assert names.find("val/b.jpg", "f.json") == tmp_path / "b.jpg"
    assert names.notes == [
        "2 images are not where their names say and are taken from elsewhere, the first, "
        f"'train/a.jpg', from {tmp_path / 'a.jpg'}."
    ]


def test_previews_among_the_images_are_passed_over(tmp_path: Path) -> None:
    files(tmp_path, "sub/a.jpg", "@eaDir/a.jpg", "sub/.thumbs/a.jpg", "__MACOSX/a.jpg")
    assert ImageNames([tmp_path]).find("a.jpg", "f.json") == tmp_path / "sub/a.jpg"


@pytest.mark.parametrize("name", ["gone.jpg", "x" * 5000, "é/gone.jpg", "..", "/"])
def test_missing_image_is_reported(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        InputError, match="f.json: image 1 names the image .*does not exist; put it"
    ):
        ImageNames([tmp_path]).find(name, "f.json: image 1")
    with pytest.raises(InputError, match="has no file name of an image"):
        ImageNames([tmp_path]).find("a\0b", "f.json: image 1")


def test_many_moved_images_are_found(tmp_path: Path) -> None:
    listed = [f"cam/{n}.jpg" for n in range(3000)]
    files(tmp_path, *[f"deep/er/{name}" for name in listed])
    names = ImageNames([tmp_path])
    assert [names.find(n, "f.json") for n in listed] == [tmp_path / "deep/er" / n for n in listed]


def test_nothing_is_looked_for_below_a_folder_of_too_many_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, "sub/a.jpg", "sub/b.jpg", "sub/c.jpg")
    monkeypatch.setattr(image_names, "MOST_FILES", 2)
    with pytest.raises(InputError, match="which does not exist; put it there"):
        ImageNames([tmp_path]).find("a.jpg", "f.json: image 1")


def test_many_files_of_one_name_are_resolved_by_folder_quickly(
    tmp_path: Path,
) -> None:
    count = 1500
    wanted = [f"s{number}/cam/rgb.jpg" for number in range(count)]
    files(tmp_path, *(f"data/{name}" for name in wanted))
    names = ImageNames([tmp_path])
    start = time.process_time()
    for name in wanted:
        assert names.find(name, "f.json") == tmp_path / "data" / name
    names.claim_all(wanted, "f.json")
    with pytest.raises(InputError, match=f"{count} files below could be it"):
        names.find("elsewhere/rgb.jpg", "f.json")
    # Each name compared with each file takes about five times as long.
    assert time.process_time() - start < 1.5


def test_folders_that_differ_in_case_are_distinguished(tmp_path: Path) -> None:
    files(tmp_path, *(f"data/{n}/a.jpg" for n in range(20)), "data/S/a.jpg", "data/s/a.jpg")
    assert ImageNames([tmp_path]).find("S/a.jpg", "f.json") == tmp_path / "data/S/a.jpg"
