"""A file with a checksum at its end: whatever bit flips, it is not read."""

from __future__ import annotations

import pytest

from posebridge.errors import InputError
from posebridge.files.digested import append_digest, require_digest


def test_every_flipped_bit_and_every_cut_is_found(tmp_path):
    file = tmp_path / "state"
    file.write_bytes(b"weights")
    append_digest(file)
    require_digest(file, "train again")
    whole = file.read_bytes()
    damaged = [whole[:length] for length in range(len(whole))]
    for place in range(len(whole)):
        damaged += [
            whole[:place] + bytes([whole[place] ^ 1 << b]) + whole[place + 1 :] for b in (0, 7)
        ]
    for content in [*damaged, whole + b"x", b""]:
        file.write_bytes(content)
        with pytest.raises(InputError, match=r"state is damaged .*; train again\.$"):
            require_digest(file, "train again")
