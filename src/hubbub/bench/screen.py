"""What a person sees while it runs: one line of what happens now, on standard error, at a terminal only."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from hubbub.bench.orders import Progress

_SHORTEST_SECONDS = 0.2


class Screen:
    """Use as a context manager."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._shown = console.is_terminal
        self._step = ""
        self._begun = time.monotonic()
        self._before = (self._begun, Progress())
        self._said_at = self._begun

    def __enter__(self) -> Self:
        if self._shown:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            self._live.stop()

    def step(self, name: str) -> None:
        """Something else begins."""
        self._step = name
        self._begun = time.monotonic()
        self._show("")

    def progress(self, progress: Progress) -> None:
        now = time.monotonic()
        then, before = self._before
        passed = now - then
        if passed < _SHORTEST_SECONDS:
            return
        self._before = now, progress
        shed = f"{(progress.shed - before.shed) / passed:,.0f} shed/s · " if progress.shed else ""
        self._show(
            f"{progress.connected:,} connected · "
            f"{(progress.sent - before.sent) / passed:,.0f} posts/s · "
            f"{(progress.acknowledged - before.acknowledged) / passed:,.0f} acknowledged/s · {shed}"
            f"{(progress.delivered - before.delivered) / passed:,.0f} deliveries/s · "
            f"generator {(progress.cpu_seconds - before.cpu_seconds) / passed:.0%} of a core"
        )

    def say(self, what: str) -> None:
        """How far the step is, if it was not told just now."""
        now = time.monotonic()
        if now - self._said_at >= _SHORTEST_SECONDS:
            self._said_at = now
            self._show(what)

    def _show(self, what: str) -> None:
        if self._shown:
            seconds = time.monotonic() - self._begun
            line = Text.assemble((f"{self._step} ", "bold"), (f"{seconds:.0f} s  ", "dim"), what)
            self._live.update(line, refresh=True)
