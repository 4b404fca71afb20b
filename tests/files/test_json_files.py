"""JSON written piece by piece has the bytes of JSON written at once."""

from __future__ import annotations

import math
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posebridge.errors import InputError
from posebridge.files.json_files import parse_json, write_json, write_json_lists

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_streamed_json_has_identical_bytes(content):
    pieces = {k: iter(v) if isinstance(v, list) else v for k, v in content.items()}
    with TemporaryDirectory() as folder:
        whole, piecewise = Path(folder, "whole.json"), Path(folder, "piecewise.json")
        write_json(whole, content)
        write_json_lists(piecewise, pieces)
        assert whole.read_bytes() == piecewise.read_bytes()


def test_unwritable_place_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/a\.json can't be written: .*; give another place"):
        write_json(tmp_path / "file" / "a.json", [])
    (tmp_path / "b.json").mkdir()
    with pytest.raises(InputError, match=r"b\.json can't be written"):
        write_json(tmp_path / "b.json", [])
    assert {p.name for p in tmp_path.iterdir()} == {"file", "b.json"}


def test_failed_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "points.json"
    write_json_lists(path, {"points": iter([1.0])})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json_lists(path, {"points": iter([2.0, math.nan])})
    assert [p.name for p in tmp_path.iterdir()] == ["points.json"]
    assert path.read_text() == '{"points": [1.0]}'


def test_a_whole_number_that_no_decimal_number_reaches_is_refused():
    with pytest.raises(InputError, match=r"^a\.json holds a number of too many digits.*400 digits"):
        parse_json('{"x": 1' + "0" * 399 + "}", "a.json", "COCO")
    digits = "1" * 400
    assert parse_json(f'["{digits}", 12, 0.{digits}]', "a", "COCO") == [digits, 12, 1 / 9]
