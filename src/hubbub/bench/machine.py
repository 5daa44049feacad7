"""What a figure was measured on, and how much of it a process used: read from /proc where there is one."""

import os
import platform
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec

_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_PACKAGES = ("hubbub", "uvloop", "uvicorn", "websockets", "msgspec", "apsw", "asyncpg", "nats-py")


class Memory(msgspec.Struct, frozen=True):
    """Bytes: what is resident; the share of it when shared pages are split between their users; what nobody
    else uses."""

    rss: int = 0
    pss: int = 0
    uss: int = 0


def cpu_seconds(pid: int) -> float | None:
    """User and system time of all threads so far; None where that cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICKS


def family_cpu_seconds(pid: int) -> float | None:
    """The same of a process and all that descends from it, with those of its own that have ended."""
    spent = _ended_children_cpu_seconds(pid)
    if spent is None:
        return None
    return spent + sum(cpu_seconds(each) or 0.0 for each in family(pid))


def _ended_children_cpu_seconds(pid: int) -> float | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[13]) + int(fields[14])) / _TICKS


def family(pid: int) -> list[int]:
    """The process and what descends from it."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
        parents.setdefault(parent, []).append(int(stat.parent.name))
    found = [pid]
    for each in found:
        found += parents.get(each, [])
    return found


def memory(pid: int) -> Memory | None:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    return Memory(
        rss=kib["Rss"] * 1024,
        pss=kib["Pss"] * 1024,
        uss=(kib["Private_Clean"] + kib["Private_Dirty"]) * 1024,
    )


def resident_bytes(pid: int) -> int | None:
    """The first figure of `memory`, which costs next to nothing to read; None where it cannot be."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:
        return None


def most_connections() -> int:
    """How many one process of clients may hold, by the descriptors it may have, with some left for itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, hard - hard // 5) if hard != resource.RLIM_INFINITY else 1 << 20


def split_cores() -> tuple[frozenset[int], frozenset[int]]:
    """One core for the server and the others for the generator; empty sets where nothing can be pinned."""
    if not hasattr(os, "sched_getaffinity"):
        return frozenset(), frozenset()
    cores = sorted(os.sched_getaffinity(0))
    return (frozenset(cores[:1]), frozenset(cores[1:])) if len(cores) > 1 else (frozenset(), frozenset())


@contextmanager
def on(cores: frozenset[int]) -> Iterator[None]:
    """What is started within runs on these cores, with all its threads."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def described() -> dict[str, Any]:
    """The machine, and the versions of what runs on it."""
    return {
        "machine": {
            "cpu": _cpu_model(),
            "cores": os.cpu_count(),
            "kernel": f"{platform.system()} {platform.release()}",
            "architecture": platform.machine(),
        },
        "versions": {
            "python": platform.python_version(),
            "sqlite": _sqlite_version(),
            **{name: found for name in _PACKAGES if (found := _version(name))},
        },
        "commit": _commit(),
        "command": " ".join(["hubbub", *sys.argv[1:]]),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _sqlite_version() -> str:
    """Of the store's own SQLite, which comes with apsw; its version says which."""
    return ".".join((_version("apsw") or sqlite3.sqlite_version).split(".")[:3])


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor()


def _commit() -> str | None:
    """Of the working copy this runs from; None for an installed package."""
    where = Path(__file__).parent
    git = ["git", "-C", str(where)]
    try:
        at = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True)  # noqa: S603
        changed = subprocess.run([*git, "status", "--porcelain", "."], capture_output=True, text=True)  # noqa: S603
    except OSError:
        return None
    if at.returncode:
        return None
    return at.stdout.strip() + ("+" if changed.stdout.strip() else "")
