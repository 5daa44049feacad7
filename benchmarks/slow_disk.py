"""What a slow disk costs those who do not wait for it, and those who do.

    python benchmarks/slow_disk.py --out DIR [--delays 0,50]

The same server under the same posts, with syncs that take so many milliseconds longer than the disk's own:
once as it is, which notices and makes them in a thread; once held to making them in the event loop; and, for
a disk that is swift, once made to take it for slow. Meanwhile somebody asks all the time whether it lives.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import runs
from hubbub.bench import machine

LOAD = ("overload", "--rate", "1000", "--seconds", "8", "--warm-up", "3", "--clients", "100")
"""No overload at all, but the one that asks meanwhile whether the server lives."""

MODES = ("as it is", "in the loop", "in a thread")
LISTENS = "hubbub listens on "
SLOW = "slow"


def serve(mode: str, delay_seconds: float, words: list[str]) -> int:
    """`hubbub …` in this process, on a disk that was made slow."""
    import apsw

    from hubbub import app
    from hubbub.cli import main
    from hubbub.storage.sqlite import SqliteStore, database
    from hubbub.storage.sqlite.syncing import Pace

    class SlowDisk(apsw.VFS):
        def __init__(self) -> None:
            super().__init__(SLOW, "")

        def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
            return SlowFile("", name, flags)

    class SlowFile(apsw.VFSFile):
        def xSync(self, flags: int) -> None:
            time.sleep(delay_seconds)
            super().xSync(flags)

    disk = SlowDisk() if delay_seconds else None
    sync, opened = os.fdatasync, SqliteStore.open

    def slow_sync(handle: int) -> None:
        time.sleep(delay_seconds)
        sync(handle)

    def open_slow(directory: Path, **options: Any) -> SqliteStore:
        if mode == "in the loop":
            options["apart"] = None
        return opened(directory, **options, vfs=disk and SLOW)

    os.fdatasync = slow_sync
    app.SqliteStore.open = staticmethod(open_slow)  # type: ignore[method-assign]
    if mode == "in a thread":
        database.Pace = lambda: Pace(apart=True)  # type: ignore[assignment, misc]
    return main(words)


def measure(mode: str, delay_ms: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="hubbub-disk-") as place:
        data, seed = Path(place, "data"), Path(place, "seed.json")
        _hubbub("seed", "--users", 100, "--rooms", 10, "--data", data, "--out", seed)
        words = ["serve", "--data", str(data), "--listen", "127.0.0.1:0"]
        words += ["--admin-listen", "off", "--limits", "off", "--log-level", "error"]
        server = subprocess.Popen(
            [sys.executable, __file__, "--serve", mode, str(delay_ms), *words],
            stdout=subprocess.PIPE,
            text=True,
            cwd=place,
        )
        try:
            url = _address(server)
            run = runs.bench(*LOAD, "--url", url, "--seed", seed, "--server-pid", server.pid)
        finally:
            server.terminate()
            server.wait()
    (load,) = run.loads
    return {
        "mode": mode,
        "delay_ms": delay_ms,
        "command": run.command,
        "kept": run.kept,
        "acknowledged_ms": load["acknowledgement_ms"],
        "health_ms": load["health_ms"],
    }


def line(told: dict[str, Any]) -> str:
    acknowledged, health = told["acknowledged_ms"], told["health_ms"]
    return (
        f"{told['delay_ms']:3} ms more, {told['mode']:11}  "
        f"acknowledged p50 {acknowledged['p50']:7.2f} p99 {acknowledged['p99']:7.2f} ms  "
        f"health p50 {health['p50']:7.2f} p99 {health['p99']:7.2f} ms"
    )


def _hubbub(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "hubbub", *map(str, words)], check=True, stdout=subprocess.DEVNULL)


def _address(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith(LISTENS):
            return line.removeprefix(LISTENS).strip()
    raise SystemExit("the server ended before it listened")


def main(words: list[str]) -> int:
    if words[:1] == ["--serve"]:
        return serve(words[1], int(words[2]) / 1000, words[3:])
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--delays", default="0,50", help="milliseconds, with commas between")
    asked = parser.parse_args(words)
    told = []
    for delay_ms in map(int, asked.delays.split(",")):
        for mode in MODES if not delay_ms else MODES[:2]:
            told.append(measure(mode, delay_ms))
            print(line(told[-1]), flush=True)
    asked.out.mkdir(parents=True, exist_ok=True)
    whole = {**machine.described(), "command": "benchmarks/slow_disk.py", "runs": told}
    (asked.out / "slow-disk.json").write_text(json.dumps(whole, indent=1) + "\n")
    return 0 if all(each["kept"] for each in told) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
