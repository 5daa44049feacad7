"""Small files that are their owner's alone, and always whole: the one before, or the one after.

Knows nothing of what is in them.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hubbub.terminal.errors import InUse, Spoiled


def read(path: Path) -> bytes | None:
    """What `path` holds; None when there is no such file. Raises Spoiled when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Spoiled(f"cannot read {path}: {error.strerror or error}") from error


def write(path: Path, content: bytes, *, lasting: bool = True) -> None:
    """Put `content` in the place of what was there. Raises Spoiled.

    The file gets mode 0600, and the directory, which has to be hubbub's own, 0700.

    `lasting`: when this returns it outlives the machine's fall, too, not only that of this process.
    """
    # Beside it and of this process: whoever is killed in between leaves the file before as it was.
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        make_directory(path.parent)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(handle, 0o600)
            _write_all(handle, content)
            if lasting:
                os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(beside, path)
        if lasting:
            _sync(path.parent)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise Spoiled(f"cannot write {path}: {error.strerror or error}") from error


def make_directory(directory: Path) -> None:
    """Make it and what is missing above it, each its owner's alone, and the last in any case."""
    if not directory.exists():
        for each in reversed([directory, *directory.parents]):
            if not each.exists():
                each.mkdir(mode=0o700, exist_ok=True)
    if directory.stat().st_mode & 0o077:
        directory.chmod(0o700)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Be the only process that holds `path`. Raises InUse when another does and `wait` is off; Spoiled."""
    try:
        make_directory(path.parent)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise Spoiled(f"cannot open {path}: {error.strerror or error}") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another process holds {path}") from None
        yield
    finally:
        os.close(handle)


def _write_all(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
