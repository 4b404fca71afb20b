"""What a journal keeps when its process is killed, and which results it belongs to."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from posebridge.errors import InputError
from posebridge.inference.resume_cache import Batch, Journal

IDENTITY = {"model": "a", "settings": {"every": 2}}
BATCHES = (
    Batch(0, 3, {"points": np.arange(6, dtype=np.float32).reshape(3, 2), "rows": np.arange(3)}),
    Batch(3, 4, {}, ("x.jpg: truncated",)),
    Batch(4, 9, {"points": np.full((2, 2), np.pi, np.float32), "rows": np.array([4, 8])}),
)


def written(file, batches=BATCHES, identity=IDENTITY) -> None:
    journal = Journal(file, identity)
    for batch in batches:
        journal.append(batch)
    journal.close()


def assert_same(found, expected) -> None:
    assert [(b.first, b.end, list(b.notes)) for b in found] == [
        (b.first, b.end, list(b.notes)) for b in expected
    ]
    for one, other in zip(found, expected, strict=True):
        assert one.arrays.keys() == other.arrays.keys()
        for name, values in one.arrays.items():
            np.testing.assert_array_equal(values, other.arrays[name], strict=True)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fraction=st.floats(0, 1), damage=st.booleans())
def test_truncated_file_keeps_its_complete_batches(tmp_path, fraction, damage):
    file = tmp_path / "a.partial"
    file.unlink(missing_ok=True)
    ends = []
    journal = Journal(file, IDENTITY)
    assert not file.exists()
    for batch in BATCHES:
        journal.append(batch)
        ends.append(file.stat().st_size)
    journal.close()
    content = file.read_bytes()
    cut = round(fraction * len(content))
    file.write_bytes(content[:cut] + (b"\0" * 40 if damage else b""))

    again = Journal(file, IDENTITY)
    whole = sum(end <= cut for end in ends)
    assert_same(again.kept, BATCHES[:whole])
    assert again.done == (0, 3, 4, 9)[whole]
    for batch in BATCHES[whole:]:
        again.append(batch)
    again.close()
    # Behind a whole file, what is damaged stays until another batch comes.
    assert file.read_bytes()[: len(content)] == content
    assert whole == 3 or len(file.read_bytes()) == len(content)


def test_flipped_bit_ends_the_batches(tmp_path):
    file = tmp_path / "a.partial"
    written(file)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert_same(Journal(file, IDENTITY).kept, BATCHES[:2])
    written(file, (*BATCHES[:2], BATCHES[1]), {"other": 1})
    assert_same(Journal(file, {"other": 1}).kept, BATCHES[:2])  # a batch that does not follow


def test_another_identity_says_what_differs_and_replaces_at_the_first_batch(tmp_path):
    file = tmp_path / "a.partial"
    written(file)
    content = file.read_bytes()
    other = Journal(file, {"model": "b", "settings": {"every": 2}, "more": 1})
    assert other.kept == [] and other.other == ("model", "more")
    assert file.read_bytes() == content
    other.append(BATCHES[0])
    assert len(file.read_bytes()) < len(content)
    other.remove()
    assert not file.exists()
    written(file)
    assert Journal(file, IDENTITY, fresh=True).kept == []
    file.write_text("no journal\n")
    assert Journal(file, IDENTITY).other == ("form",)
    file.write_text(json.dumps([1]))
    assert Journal(file, IDENTITY).other == ("form",)


def test_a_disk_that_takes_nothing_is_a_sentence(tmp_path):
    journal = Journal(tmp_path / "file" / "a.partial", IDENTITY)
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="can't be written"):
        journal.append(BATCHES[0])


@pytest.mark.parametrize("claimed", [-1, 10**15, 10**30, True, None])
def test_a_line_that_claims_other_bytes_than_there_are_ends_what_is_kept(tmp_path, claimed):
    file = tmp_path / "a.partial"
    written(file, BATCHES[:1])
    with file.open("ab") as stream:
        line = {"first": 3, "end": 4, "notes": [], "bytes": claimed, "crc32": 0}
        stream.write(json.dumps(line).encode() + b"\n")
    assert_same(Journal(file, IDENTITY).kept, BATCHES[:1])
