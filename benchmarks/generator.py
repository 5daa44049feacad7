"""`load.c` at work: built, given a script, connected, and ordered one load after the other."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from hubbub.bench import machine
from script import Script

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "benchmarks" / ".build"

STOP_SECONDS = 10.0


class GeneratorFailed(Exception):
    """It could not be built, or ended before it was done."""


def built(name: str) -> Path:
    """A program of `benchmarks/reference`, made by the Makefile when it is not there or out of date."""
    for tool in ("make", "cc"):
        if shutil.which(tool) is None:
            raise GeneratorFailed(f"the reference is written in C: {tool} is needed to build it")
    program = BUILT / name
    made = subprocess.run(["make", "--quiet", "-C", str(ROOT), str(program.relative_to(ROOT))])  # noqa: S607
    if made.returncode:
        raise GeneratorFailed(f"{program.name} could not be built")
    return program


class Generator:
    """Clients that are connected for as long as this is open. Use as a context manager.

    Always true: between `__enter__` and the end, the process was started by this and is stopped by it.
    """

    def __init__(self, script: Script, *, cores: frozenset[int] = frozenset()) -> None:
        self._script = script
        self._cores = cores
        self.connected: dict[str, Any] = {}
        """How many clients, how many were refused, and how long it took."""

    def __enter__(self) -> "Generator":
        program = built("load")
        with tempfile.NamedTemporaryFile(prefix="hubbub-load-") as file:
            file.writelines(self._script.lines())
            file.flush()
            with machine.on(self._cores):
                self._process = subprocess.Popen(
                    [program, file.name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            try:
                self.connected = self._event("connected")
            except BaseException:
                self._stop()
                raise
        return self

    def load(
        self,
        per_second: float,
        *,
        seconds: float,
        warm_up_seconds: float = 2.0,
        settle_seconds: float = 10.0,
        at_bounds: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Post at a rate and check what comes: what was measured.

        `at_bounds` is called when the measured part begins and when it ends.
        """
        assert self._process.stdin is not None
        print(per_second, warm_up_seconds, seconds, settle_seconds, file=self._process.stdin, flush=True)
        self._event("measuring")
        at_bounds()
        self._event("measured")
        at_bounds()
        return self._event("loaded")

    def _event(self, name: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise GeneratorFailed(f"the generator ended with {self._process.wait()} before it was {name}")
        event: dict[str, Any] = json.loads(line)
        if event.pop("event") != name:
            raise GeneratorFailed(f"the generator said {line.strip()} when it was to be {name}")
        return event

    def _stop(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()  # the end of its orders
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()
