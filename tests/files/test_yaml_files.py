"""YAML is read as plain data, within bounds, and everything else is one sentence."""

from __future__ import annotations

import time

import pytest

from posebridge.errors import InputError
from posebridge.files.bounds import short_repr, too_deep
from posebridge.files.json_files import parse_json
from posebridge.files.yaml_files import parse_yaml, read_yaml, read_yaml_mapping

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)
)


def test_plain_data_is_read():
    text = "a: [1, 2.5, true, null, x]\nb: {c: d}\n"
    assert parse_yaml(text, "f.yaml") == {"a": [1, 2.5, True, None, "x"], "b": {"c": "d"}}


def test_text_only_keeps_yaml_booleans_as_text():
    assert parse_yaml("[off, no, 1, null]", "f", text_only=True) == ["off", "no", "1", None]


def test_an_alias_stands_for_its_value():
    assert parse_yaml("a: &x {b: 1}\nc: *x\nd: {<<: *x, e: 2}\n", "f") == {
        "a": {"b": 1},
        "c": {"b": 1},
        "d": {"b": 1, "e": 2},
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "more than 500000 values"),
        ("[" * 5000, "nested more than 64 levels"),
        ("a: " + "[" * 65 + "]" * 65, "nested more than 64 levels"),
        ("- " * 3000 + "a", "nested more than 64 levels"),
        ("a: &a [*a]", r"alias '\*a' contains itself"),
        ("a: !!python/object/apply:os.system [true]", "not valid YAML"),
        ("a: 1\na: 2\n", "the key 'a' is there twice"),
        ("? [a, b]\n: 1\n", "a key is a list"),
        ("a: 2024-13-45", "not valid YAML"),
        ("a: [", "not valid YAML"),
        ("a: !!bool maybe", "does not fit its tag"),
        ("a: !!int ''", "does not fit its tag"),
        ("a: !!timestamp noon", "does not fit its tag"),
        ("a: !!map [1]", "does not fit its tag"),
        ("a: " + ":".join(["1"] * 200_000), "a number of 399999 characters"),
        ("a: " + ":".join(["1"] * 2000) + ".5", "a number of 4001 characters"),
        ("a: 0x" + "f" * 5000, "a number of 5002 characters"),
        (b"\xff\xfe\x00", "not a text file"),
        ("x" * (8 * 2**20 + 1), "larger than 8 MB"),
    ],
)
def test_unsafe_or_unbounded_yaml_is_refused_at_once(text, message):
    start = time.process_time()
    with pytest.raises(InputError, match=f"^f.yaml.*{message}"):
        parse_yaml(text, "f.yaml")
    assert time.process_time() - start < 5


def test_the_file_is_named(tmp_path):
    file = tmp_path / "plan.yaml"
    with pytest.raises(InputError, match=r"plan\.yaml can't be read: No such file"):
        read_yaml(file, "plan")
    file.write_text("- a\n")
    with pytest.raises(InputError, match=r"plan\.yaml is not a plan: it holds a list"):
        read_yaml_mapping(file, "plan")
    file.write_bytes("\ufeffa: ä\n".encode())
    assert read_yaml_mapping(file, "plan") == {"a": "ä"}


def test_json_is_bounded_too():
    assert parse_json('\ufeff{"a": [1]}'.encode(), "f.json", "COCO") == {"a": [1]}
    for depth in (70, 900, 100_000):
        with pytest.raises(InputError, match="nested too deeply to be a COCO file"):
            parse_json("[" * depth + "]" * depth, "f.json", "COCO")


def test_depth_counts_containers():
    assert not too_deep([[1]], 2)
    assert too_deep([[1]], 1)
    assert not too_deep(3, 1)


def test_a_long_value_is_cut_in_a_message():
    assert len(short_repr({"a" * 500: list(range(1000))})) < 120
    assert short_repr(10**5000) == "a int"
