"""web/build, run as it is run, or loaded to ask a function of it."""

import importlib.machinery
import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PROGRAM = ROOT / "web" / "build"
PAGE = ROOT / "src" / "hubbub" / "web"

UNAVAILABLE = 3


def run(*words: str, seconds: float = 110) -> str:
    """What web/build says. Skips the test where Node or its packages cannot be had."""
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode == UNAVAILABLE:
        pytest.skip(f"NOT TESTED: {' '.join(done.stdout.split())}")
    if done.returncode:
        pytest.fail(
            f"web/build {' '.join(words)} ended with {done.returncode}:\n{done.stdout}", pytrace=False
        )
    return done.stdout


def build() -> Path:
    run()
    return PAGE


def loaded(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of its own, whose places a test may change."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it would lie beside the program
    loader = importlib.machinery.SourceFileLoader("web_build", str(PROGRAM))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
