"""A reader of the documents: types in what a page shows, and looks at what is printed.

Beside a shell the reader has a server, started as the page says. What varies from run to run stands as `…` in
the page's answers, and matches anything within a line.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from docs.pages import Block

DEADLINE_SECONDS = 90.0


class Printed:
    """All lines a process has printed so far, collected while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._lines: list[str] = []
        self._more = threading.Condition()
        self._over = False
        threading.Thread(target=self._collect, args=(process.stdout,), daemon=True).start()

    def _collect(self, lines: Iterator[str]) -> None:
        for line in lines:
            with self._more:
                self._lines.append(line.rstrip("\n"))
                self._more.notify_all()
        with self._more:
            self._over = True
            self._more.notify_all()

    def __str__(self) -> str:
        with self._more:
            return "\n".join(self._lines)

    def __len__(self) -> int:
        with self._more:
            return len(self._lines)

    def wait_for(self, pattern: str, what: str, *, begin: int = 0) -> re.Match[str]:
        """The first line from the line `begin` on that matches whole."""
        until = time.monotonic() + DEADLINE_SECONDS
        with self._more:
            while True:
                for line in self._lines[begin:]:
                    if found := re.fullmatch(pattern, line):
                        return found
                left = until - time.monotonic()
                assert left > 0, f"{what} did not come; printed was:\n" + "\n".join(self._lines)
                assert not self._over, f"{what} never came; printed was:\n" + "\n".join(self._lines)
                self._more.wait(left)


@contextmanager
def process(command: list[str], directory: Path) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own, so that what it kills is its own."""
    with subprocess.Popen(
        command,
        cwd=directory,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            # Where sessions are kept: not among those of whoever runs the tests.
            "XDG_CONFIG_HOME": str(directory / "config"),
            "XDG_STATE_HOME": str(directory / "state"),
        },
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            running.terminate()
            running.wait(DEADLINE_SECONDS)


class Reader:
    """Use as a context manager; everything it started ends with it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._data = directory / "hubbub-data"
        self._complaints = directory / "complaints"
        self._begin = 0
        self._blocks = 0

    def __enter__(self) -> Self:
        (self._directory / ".venv").symlink_to(sys.prefix)
        self._open = ExitStack()
        try:
            self._start()
        except BaseException:
            self._open.close()
            raise
        return self

    def _start(self) -> None:
        serve = [sys.executable, "-m", "hubbub", "serve", "--data", str(self._data)]
        free = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
        server = Printed(self._open.enter_context(process(serve + free, self._directory)))
        self._host = server.wait_for(r"hubbub listens on http://(\S+)", "the server's address")[1]
        self._admin = server.wait_for(r"metrics .* http://(\S+)/metrics", "the operators' address")[1]
        self._shell = self._open.enter_context(process(["bash", "--norc"], self._directory))
        self._open.callback(self._say, "kill $(jobs -p); exit")
        self._printed = Printed(self._shell)
        # With jobs, as whoever sits at a terminal has them.
        self._say("exec 2>complaints; set -m; set -o pipefail; trap 'echo \"FAILED: $BASH_COMMAND\"' ERR")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def _say(self, text: str) -> None:
        assert self._shell.stdin is not None
        self._shell.stdin.write(text + "\n")
        self._shell.stdin.flush()

    # -- what a page shows --------------------------------------------------

    def follow(self, block: Block) -> None:
        """Do what `block` shows; hold what was printed since the last commands to what it says was."""
        if block.said == "answer":
            for line in block.text.splitlines():
                pattern = ".*".join(re.escape(part) for part in self._here(line).split("…"))
                self._look(pattern, f"line {block.line}: {line}")
        elif block.kind == "sh":
            self._begin = len(self._printed)
            self._blocks += 1
            # What was printed last may have no end of line: then this stands behind it.
            self._say(f"{self._here(block.text)}echo done {self._blocks}")
            self._look(f".*done {self._blocks}", f"line {block.line}: the end of these commands")
            assert "FAILED: " not in str(self._printed), self._all()
        elif block.kind == "python":
            name = re.match(r"# (\w+\.py)\n", block.text)
            assert name, f"line {block.line}: a Python block names its file in its first line"
            (self._directory / name[1]).write_text(self._here(block.text), "utf-8")

    def _look(self, pattern: str, what: str) -> None:
        try:
            self._printed.wait_for(pattern, what, begin=self._begin)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self._all()}") from None

    def _all(self) -> str:
        return f"{self._printed}\n-- complaints --\n{self._complaints.read_text('utf-8')}"

    def _here(self, text: str) -> str:
        """What is to be typed here for `text`."""
        named = {
            "localhost:8080": self._host,
            "localhost:9464": self._admin,
            "/var/lib/hubbub": str(self._data),
            "/opt/hubbub/.venv": sys.prefix,
        }
        return re.sub("|".join(named), lambda found: named[found[0]], text)
