"""One process: started, stopped, killed, frozen, and gone when who started it is."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from hubbub.cluster import leash
from hubbub.cluster.errors import ClusterFailed
from hubbub.cluster.guard import Guard

KILL_SECONDS = 10.0
"""How long it may take to be gone once it was killed."""

_POLL_SECONDS = 0.005

_LAST_WORDS_BYTES = 2000
"""Of its log, what is told of one that ended by itself."""


class Process:
    """One that was started here, and the file its words go to.

    Always true: from `start` to `end`, `pid` is a process which this started and nobody has waited for. It is
    in a session of its own, so that a Ctrl-C in the terminal reaches nobody but who started it.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: asyncio.subprocess.Process | None = None
        self._guard: Guard | None = None
        """While it is frozen: it would not notice our end."""

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def stdout(self) -> asyncio.StreamReader:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout

    async def start(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        directory: Path,
        last_signal: signal.Signals = signal.SIGKILL,
        tells: bool = False,
        files: Sequence[int] = (),
        user: str | None = None,
    ) -> None:
        """`command`: the program by its whole path; `last_signal`: what it gets when we are gone; `tells`:
        its `stdout` is wanted; `files`: open ones that it gets too; `user`: as whom it runs, None: as we do.
        """
        assert not self.is_running, f"{self.name} runs already"
        with _opened(self.log) as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                # Alone, and without what is installed: in no time.
                *("-I", "-S", leash.__file__),
                *(str(int(last_signal)), str(os.getpid()), user or "-", *command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if tells else log,
                stderr=log,
                cwd=directory,
                env=dict(environment),
                pass_fds=tuple(files),
                start_new_session=True,
            )

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return await self._process.wait()

    async def end(self, how: signal.Signals, within_seconds: float = KILL_SECONDS) -> int | None:
        """Have it end, by force if it takes too long; its exit code, None if it never ran."""
        process = self._process
        if process is None:
            return None
        if process.returncode is None:
            process.send_signal(how)
            self.thaw()
            try:
                async with asyncio.timeout(within_seconds):
                    await process.wait()
            except TimeoutError:
                await self.kill()
        return await process.wait()

    async def kill(self) -> None:
        """As a power cut would, without a word, with all it has started."""
        if self._process is None or self._process.returncode is not None:
            return
        # Nobody is started any more once it does nothing, so that these are all.
        self._signal([self.pid], signal.SIGSTOP)
        below = descendants(self.pid)
        self._signal([self.pid, *below], signal.SIGKILL)
        self._unguard()
        await self._process.wait()
        await self._gone(below)

    async def _gone(self, pids: Iterable[int]) -> None:
        """They are nobody's children that we could wait for."""
        async with asyncio.timeout(KILL_SECONDS):
            for pid in pids:
                while _is_alive(pid):  # noqa: ASYNC110 - the system tells nobody else
                    await asyncio.sleep(_POLL_SECONDS)

    def freeze(self) -> None:
        """It does nothing from now on, nor does what it has started, and it holds on to all it has."""
        self._signal([self.pid], signal.SIGSTOP)
        frozen = [self.pid, *descendants(self.pid)]
        self._signal(frozen, signal.SIGSTOP)
        self._guard = self._guard or Guard('kill -9 "$@"', *map(str, frozen))

    def thaw(self) -> None:
        self._signal([*descendants(self.pid), self.pid], signal.SIGCONT)
        self._unguard()

    def _unguard(self) -> None:
        if self._guard is not None:
            self._guard.dismiss()
            self._guard = None

    @staticmethod
    def _signal(pids: Iterable[int], what: signal.Signals) -> None:
        for pid in pids:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                continue

    def failed(self, what: str) -> ClusterFailed:
        """The error for one that did not do as it should, with its last words."""
        try:
            said = self.log.read_bytes()[-_LAST_WORDS_BYTES:].decode("utf-8", "replace").strip()
        except OSError:
            said = ""
        return ClusterFailed(f"{self.name} {what}; in {self.log}:\n{said}")


def _opened(log: Path) -> BinaryIO:
    """To be written on; for us alone, since it tells who came from where."""
    return open(log, "ab", opener=partial(os.open, mode=0o600))


def descendants(pid: int) -> list[int]:
    """What a process has started, and what that has; none where /proc does not tell."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return [each for child in children for each in (child, *descendants(child))]


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"
