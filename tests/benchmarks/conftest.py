"""The programs in C are built where there is a compiler; elsewhere what needs them is skipped, aloud."""

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


@pytest.fixture(scope="session")
def programs():
    """Where the built programs are."""
    from generator import BUILT, built

    for tool in ("make", "cc"):
        if shutil.which(tool) is None:
            pytest.skip(f"the reference is written in C, and there is no {tool} to build it")
    for name in ("fanout", "load"):
        built(name)
    return BUILT
