"""Whether the write-ahead log ends where a crash tore it, or where something damaged it.

SQLite reads the log up to the first frame that does not fit its checksums, takes that for the end, and says
nothing: what was acknowledged behind a damaged frame would be gone without a word. Here the frames that it
did not take are looked at once more, when a store is opened:

  * one that differs in a single bit from one that fits is put right: 64 bits of checksum say what it was, and
    what is completed so was written by us, acknowledged or not;
  * where several commits lie whole behind a frame that does not fit, they were synced, and so was that frame:
    no crash leaves that. The store is not opened, and nothing is changed;
  * everything else is what a crash may leave of the last commit, which was not acknowledged.

Where commits are not synced one by one, a crash may leave holes: `expect_holes` says so beforehand, on disk.

The format is SQLite's (https://www.sqlite.org/fileformat2.html, section 4). Nothing here knows what is stored.
"""

import os
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import apsw
import msgspec
import structlog

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite.database import Database

_log = structlog.get_logger("hubbub.storage")

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_LITTLE, _BIG = 0x377F0682, 0x377F0683
"""The first four bytes of a log: in which order it takes words for its checksums."""

_MASK = 0xFFFFFFFF

Sum = tuple[int, int]


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a log."""

    frame: int
    """The first that does not fit, counted from 1; 0 is the head of the log."""
    frames: int
    """How many there are, up to the last of this log."""
    commits: int
    """How many commits lie behind it, whole."""
    bit: int | None = None
    """Which bit of the file is turned, when that is all."""

    def __str__(self) -> str:
        where = f"frame {self.frame} of {self.frames}" if self.frame else f"the head, before {self.frames} frames"
        return (
            f"The write-ahead log is damaged ({where}, {self.commits} commits behind it). SQLite would go on"
            " without what follows, some of which was acknowledged. Nothing was changed. Keep a copy of the"
            " directory; then restore a backup, or cut the log there with `hubbub cut-log`."
        )


# -- what storage calls -------------------------------------------------------


def opened_whole(file: Path, connect: Callable[[], Database]) -> Database:
    """`connect`, with the log put right before anything is written. Raises StoreUnusable for what cannot be.

    To be called by who has the directory's lock.
    """
    mended: list[int] = []
    while True:
        database = connect()
        damage = None
        try:
            damage = look(file, _taken(database.connection))
        finally:
            if damage is not None:
                leave(database)
        if damage is None:
            return database
        if damage.bit is None or damage.bit in mended:
            raise StoreUnusable(str(damage))
        _turn(_log_of(file), damage.bit)
        mended.append(damage.bit)
        _log.error("a turned bit in the write-ahead log was put right; the disk may be failing", bit=damage.bit)


def check_beside(file: Path, database: Database) -> None:
    """Raises StoreUnusable for a damaged log: for a command, which leaves it to the server to mend."""
    # A server may be amid a commit: what it left half a moment ago is whole now, and damage is not.
    damage = look(file, _taken(database.connection))
    if damage is not None and look(file, _taken(database.connection)) == damage:
        leave(database)
        raise StoreUnusable("The write-ahead log is damaged; start the server, which tells more." )


def leave(database: Database) -> None:
    """Close it with the log as it is."""
    database.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    database.close()


def expect_holes(file: Path, expected: bool) -> None:
    """Write down, durably, whether commits may now follow one another without a sync between them."""
    mark = _mark_of(file)
    if expected:
        os.close(os.open(mark, os.O_CREAT | os.O_RDWR, 0o600))
    else:
        mark.unlink(missing_ok=True)
    handle = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _taken(connection: apsw.Connection) -> int:
    """How many frames SQLite takes for the log, having read it."""
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()
    frames, _ = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
    return max(0, frames)


def _log_of(file: Path) -> Path:
    return file.with_name(file.name + "-wal")


def _mark_of(file: Path) -> Path:
    return file.with_name(file.name + "-holes")


def _turn(path: Path, bit: int) -> None:
    with path.open("r+b") as log:
        log.seek(bit // 8)
        (byte,) = log.read(1)
        log.seek(bit // 8)
        log.write(bytes([byte ^ 1 << bit % 8]))
        log.flush()
        os.fsync(log.fileno())


# -- looking ------------------------------------------------------------------


def look(file: Path, taken: int) -> Damage | None:
    """What is wrong with the log of the database `file`, of which SQLite takes the first `taken` frames."""
    try:
        log = _Log(_log_of(file))
    except (FileNotFoundError, struct.error):
        return None
    try:
        if not log.head_fits:
            return _damaged_head(log, file)
        return _damaged_frame(log, taken, holes=_mark_of(file).exists())
    finally:
        log.close()


class _Log:
    """A log as it lies in its file."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_RDONLY)
        try:
            self.head = os.pread(self._handle, _HEADER_BYTES, 0)
            magic, _, self.page_bytes, _ = struct.unpack(">4I", self.head[:16])
            self.salts = self.head[16:24]
            self.sum: Sum = struct.unpack(">2I", self.head[24:])
        except BaseException:
            self.close()
            raise
        self._order = ">" if magic == _BIG else "<"
        self.head_fits = magic in (_LITTLE, _BIG) and self.added((0, 0), self.head[:24]) == self.sum
        self.frame_bytes = _FRAME_HEADER_BYTES + self.page_bytes
        size = os.fstat(self._handle).st_size
        self.count = max(0, size - _HEADER_BYTES) // self.frame_bytes

    def close(self) -> None:
        os.close(self._handle)

    def at(self, frame: int) -> int:
        """Where a frame begins, counted from 1."""
        return _HEADER_BYTES + (frame - 1) * self.frame_bytes

    def frame(self, frame: int, size: int | None = None) -> bytes:
        return os.pread(self._handle, self.frame_bytes if size is None else size, self.at(frame))

    def sum_of(self, frame: int) -> Sum:
        """The checksum that is written in a frame, or in the head before the first."""
        return self.sum if frame == 0 else struct.unpack(">2I", self.frame(frame, _FRAME_HEADER_BYTES)[16:])

    def added(self, to: Sum, content: bytes) -> Sum:
        one, other = to
        words = iter(struct.unpack(f"{self._order}{len(content) // 4}I", content))
        for first, second in zip(words, words, strict=True):
            one = one + first + other & _MASK
            other = other + second + one & _MASK
        return one, other

    def fits(self, frame: int) -> bool:
        """Whether a frame belongs to this log, and follows the one before it."""
        content = self.frame(frame)
        if content[8:16] != self.salts:
            return False
        found = self.added(self.sum_of(frame - 1), content[:8] + content[_FRAME_HEADER_BYTES:])
        return found == struct.unpack(">2I", content[16:24])

    def turned_bit(self, frame: int) -> int | None:
        """The one bit of a frame, counted in the file, without whose turning it would fit."""
        content = self.frame(frame)
        salts = int.from_bytes(content[8:16]) ^ int.from_bytes(self.salts)
        summed = content[:8] + content[_FRAME_HEADER_BYTES:]
        found = self.added(self.sum_of(frame - 1), summed)
        stored: Sum = struct.unpack(">2I", content[16:24])
        start = self.at(frame) * 8
        if found == stored:
            return start + 64 + _from_start(salts, 8) if salts.bit_count() == 1 else None
        if salts:
            return None
        wrong = (found[0] << 32 | found[1]) ^ (stored[0] << 32 | stored[1])
        if wrong.bit_count() == 1:
            return start + 128 + _from_start(wrong, 8)
        bit = self._turned_in(summed, (stored[0] - found[0] & _MASK, stored[1] - found[1] & _MASK))
        if bit is None:
            return None
        return start + bit + (0 if bit < 64 else 128)

    def _turned_in(self, content: bytes, missing: Sum) -> int | None:
        """The bit of `content` that would have to be turned for its checksum to grow by `missing`.

        A word adds to the checksum what it is times a number of its place: (1, 1) or (0, 1) for the last
        two, and for those before them what the sum makes of that in each further round.
        """
        words = struct.unpack(f"{self._order}{len(content) // 4}I", content)
        little = self._order == "<"
        weights: tuple[Sum, Sum] = ((1, 1), (0, 1))
        for pair in range(len(words) - 2, -1, -2):
            for at, (one, other) in zip((pair, pair + 1), weights, strict=True):
                for bit in range(32):
                    change = -(1 << bit) if words[at] >> bit & 1 else 1 << bit
                    if change * one & _MASK == missing[0] and change * other & _MASK == missing[1]:
                        byte = bit // 8 if little else 3 - bit // 8
                        return (at * 4 + byte) * 8 + bit % 8
            (a, b), (c, d) = weights
            weights = ((a + b & _MASK, a + 2 * b & _MASK), (c + d & _MASK, c + 2 * d & _MASK))
        return None


def _from_start(wrong: int, size: int) -> int:
    """The place of the only bit of a big-endian number of that many bytes, counted as in a file."""
    bit = wrong.bit_length() - 1
    return (size - 1 - bit // 8) * 8 + bit % 8


def _damaged_frame(log: _Log, taken: int, *, holes: bool) -> Damage | None:
    own, commits = [], 0
    for frame in range(taken + 1, log.count + 1):
        header = log.frame(frame, _FRAME_HEADER_BYTES)
        if _differ_little(header[8:16], log.salts):
            own.append(frame)
            commits += header[4:8] != b"\0\0\0\0"
    if not own:
        return None
    first = next((frame for frame in range(taken + 1, own[-1] + 1) if not log.fits(frame)), None)
    if first is None:
        return None  # written, and not committed
    bit = log.turned_bit(first)
    if bit is None and (holes or commits < 2):
        return None
    whole = max(_commits_in_a_row(log, first + 1, own[-1]), default=0)
    if bit is None and whole < 2:
        return None
    return Damage(frame=first, frames=own[-1], commits=whole, bit=bit)


def _differ_little(one: bytes, other: bytes) -> bool:
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count() <= 1


def _commits_in_a_row(log: _Log, first: int, last: int) -> Iterator[int]:
    """How many commits there are in each run of frames that follow one another."""
    commits = 0
    for frame in range(first, last + 1):
        if not log.fits(frame):
            yield commits
            commits = 0
        elif log.frame(frame, 8)[4:] != b"\0\0\0\0":
            commits += 1
    yield commits


def _damaged_head(log: _Log, file: Path) -> Damage | None:
    """A log with a damaged head is as good as none to SQLite.

    A crash amid the writing of a head leaves only frames behind it whose pages were moved to the database
    before. So it is damage only if the frames hold something that the database does not.
    """
    bit = next((bit for bit in range(_HEADER_BYTES * 8) if _head_would_fit(log.head, bit)), None)
    if bit is not None:
        return Damage(frame=0, frames=log.count, commits=0, bit=bit)
    with suppress(OSError), file.open("rb") as database:
        page_bytes = int.from_bytes(database.read(18)[16:18]) or 65536
        return _unmoved(_log_of(file), database.fileno(), 65536 if page_bytes == 1 else page_bytes)
    return None


def _head_would_fit(head: bytes, bit: int) -> bool:
    turned = bytearray(head)
    turned[bit // 8] ^= 1 << bit % 8
    magic = int.from_bytes(turned[:4])
    if magic not in (_LITTLE, _BIG):
        return False
    one = other = 0
    words = iter(struct.unpack((">" if magic == _BIG else "<") + "6I", turned[:24]))
    for first, second in zip(words, words, strict=True):
        one = one + first + other & _MASK
        other = other + second + one & _MASK
    return (one, other) == struct.unpack(">2I", turned[24:])


def _unmoved(path: Path, database: int, page_bytes: int) -> Damage | None:
    """Whether the frames of the log hold a page, as of their last commit, that the database does not."""
    frame_bytes = _FRAME_HEADER_BYTES + page_bytes
    newest: dict[int, bytes] = {}
    pages: dict[int, bytes] = {}
    size = commits = count = 0
    salts = None
    with path.open("rb") as log:
        log.seek(_HEADER_BYTES)
        while len(frame := log.read(frame_bytes)) == frame_bytes:
            number, after_commit = struct.unpack(">2I", frame[:8])
            if number == 0 or frame[8:16] != (salts := salts or frame[8:16]):
                break
            count += 1
            pages[number] = frame[_FRAME_HEADER_BYTES:]
            if after_commit:
                size = after_commit
                commits += 1
                newest |= pages
                pages.clear()
    differ = any(
        content != os.pread(database, page_bytes, (number - 1) * page_bytes)
        for number, content in newest.items()
        if number <= size
    )
    return Damage(frame=0, frames=count, commits=commits) if differ else None
