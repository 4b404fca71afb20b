"""Every miniature, written once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.datasets.miniatures import write_all


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data root with every dataset in miniature; tests leave it as it was."""
    return write_all(tmp_path_factory.mktemp("data"))
