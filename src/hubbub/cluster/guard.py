"""A small process beside us, for what has to be done when we end before we could do it ourselves."""

import subprocess


class Guard:
    """Runs a script of the shell, with its words as `$@`, when we end, however that is; unless it was
    dismissed."""

    def __init__(self, script: str, *words: str) -> None:
        self._process = subprocess.Popen(  # noqa: S603
            ["/bin/sh", "-c", f"read -r _ || {script}", "guard", *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def dismiss(self) -> None:
        self._process.communicate(b"\n")
