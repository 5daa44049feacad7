"""Where servers are ill-treated."""

import shutil
import tempfile
from pathlib import Path

import pytest

_MEMORY = Path("/dev/shm")


@pytest.fixture
def quick_path(tmp_path):
    """A directory in memory where there is one: a process that dies leaves the same behind there, and a sync
    costs nothing."""
    if not _MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="hubbub-faults-", dir=_MEMORY) as directory:
        yield Path(directory)


@pytest.fixture
def quick_data(seeded_store, quick_path):
    """A data directory with people in it, there."""
    return Path(shutil.copytree(seeded_store, quick_path / "data"))
