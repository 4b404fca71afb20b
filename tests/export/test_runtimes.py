"""Files that no runtime of an export opens."""

from __future__ import annotations

import pytest

from posebridge.errors import InputError
from posebridge.export.runtimes import open_exported, read_notes


@pytest.mark.parametrize(
    ("name", "words"), [("x.pt", "TorchScript is deprecated"), ("x.txt", "is not an exported file")]
)
def test_files_of_other_formats_are_refused(name, words, tmp_path):
    (tmp_path / name).write_bytes(b"x")
    for read in (open_exported, read_notes):
        with pytest.raises(InputError, match=words):
            read(tmp_path / name)
