"""A copy of the source that can have a bug planted in it, and the tests run on it."""

import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import cache_from_source
from pathlib import Path

from planted.bug import Bug

ROOT = Path(__file__).parent.parent.parent

# What no test on the list needs and what would be most of the time.
_WITHOUT = ("schemathesis", "xdist", "benchmark", "hypothesispytest", "cacheprovider")

PASSED, FAILED = 0, 1
"""pytest's exit codes; with any other the tests were not what decided."""


class Copy:
    """Always true, but within `planted`: it is the source as it is, compiled."""

    def __init__(self, directory: Path) -> None:
        self._source = directory / "src"
        shutil.copytree(ROOT / "src", self._source, ignore=shutil.ignore_patterns("__pycache__"))
        for file in self._source.rglob("*.py"):
            _compile(file)

    @contextmanager
    def planted(self, bug: Bug) -> Iterator[None]:
        """Raises AssertionError unless what it replaces stands there once, and SyntaxError for what is no
        Python."""
        file = self._source / "hubbub" / bug.file
        text = file.read_text()
        found = text.count(bug.old)
        assert found == 1, f"what {bug.name!r} replaces stands {found} times in {bug.file}"
        file.write_text(text.replace(bug.old, bug.new))
        try:
            _compile(file)
            yield
        finally:
            file.write_text(text)
            _compile(file)

    def run(self, tests: Sequence[str], *flags: str, patience_seconds: float = 20) -> tuple[int, str]:
        """The exit code, and what was said. What does not come is waited for so long."""
        command = [sys.executable, "-B", "-m", "pytest", "-q", "--no-header", "-o", "addopts=", *flags]
        for plugin in _WITHOUT:
            command += ["-p", f"no:{plugin}"]
        kept = {name: value for name, value in os.environ.items() if not name.startswith("HUBBUB_")}
        ours = {
            "PYTHONPATH": str(self._source),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TEST_DEADLINE_SECONDS": str(patience_seconds),
            "HYPOTHESIS_STORAGE_DIRECTORY": str(self._source.parent / "hypothesis"),
        }
        done = subprocess.run(
            [*command, *tests],
            cwd=ROOT,
            env=kept | ours,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


def _compile(file: Path) -> None:
    """So that what is run is what stands there, however quickly one text follows the other."""
    py_compile.compile(
        str(file),
        cfile=cache_from_source(str(file)),
        doraise=True,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )
