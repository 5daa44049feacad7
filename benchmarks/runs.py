"""`hubbub bench` as anybody would run it: a command, and the JSON it writes."""

import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

MOST_SECONDS = 400.0
"""A run that takes longer than this has gone wrong."""

DONE, BROKEN = 0, 1


class RunFailed(Exception):
    """It ended without figures; the text is what it said."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    command: str
    told: dict[str, Any]
    """What it wrote: see `hubbub.bench.report`."""

    @property
    def loads(self) -> list[dict[str, Any]]:
        loads: list[dict[str, Any]] = self.told["loads"]
        return loads

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return bool(self.told["verdict"]["kept"])

    @property
    def generator_was_busy(self) -> bool:
        """Whether the generator may be what was measured."""
        return any(max(load["generator_cpu"]) > 0.9 for load in self.loads)


def command(words: Sequence[object]) -> str:
    return shlex.join(["hubbub", "bench", *map(str, words)])


def bench(*words: object) -> Run:
    """Raises RunFailed. A broken promise is told in the figures."""
    with tempfile.TemporaryDirectory(prefix="hubbub-run-") as out:
        ended = subprocess.run(
            [sys.executable, "-m", "hubbub", "bench", *map(str, words), "--out", out],
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
        )
        written = list(Path(out).glob("*.json"))
        if ended.returncode not in (DONE, BROKEN) or not written:
            raise RunFailed(ended.stderr.strip() or ended.stdout.strip())
        return Run(command=command(words), told=msgspec.json.decode(written[0].read_bytes()))
