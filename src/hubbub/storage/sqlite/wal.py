"""Whether the write-ahead log ends where a crash tore it, or where something damaged it.

SQLite reads the log up to the first frame that does not fit its checksums, takes that for the end, and says
nothing: what was acknowledged behind a damaged frame would be gone without a word. Here the frames that it
did not take are looked at once more, when a store is opened:

  * one that differs in a single bit from one that fits is put right, where its 64 bits of checksum say which
    bit it is (for three in four they do): what is completed so was written by us, acknowledged or not;
  * where several commits lie whole behind a frame that does not fit, that frame had been synced: no crash
    leaves that. The store is not opened then, and nothing is changed;
  * everything else is taken for what a crash may leave of the last commit, which was not acknowledged.

Where commits are not synced one by one, a crash may leave holes: `expect_holes` says so beforehand, on disk.

The format is SQLite's (https://www.sqlite.org/fileformat2.html, section 4). What is stored is not known here.
"""

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol, TypeVar

import apsw
import msgspec
import structlog

from hubbub.storage.errors import StoreUnusable
from hubbub.storage.sqlite.directory import sync

_log = structlog.get_logger("hubbub.storage")

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_LITTLE, _BIG = 0x377F0682, 0x377F0683
"""The first four bytes of a log: in which order it takes words for its checksums."""
_VERSION = 3_007_000

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
        where = (
            f"frame {self.frame} of {self.frames}" if self.frame else f"the head, before {self.frames} frames"
        )
        return (
            f"The write-ahead log is damaged ({where}, {self.commits} commits behind it). SQLite would go on"
            " without what follows, some of which was acknowledged. Nothing was changed. Restore a backup; or"
            " go on with what lies before it, by `hubbub restore --replace --from` and `--data` of this"
            " directory: all that was there is put aside."
        )


# -- what storage calls -------------------------------------------------------


class Connected(Protocol):
    """A database that was opened, so that SQLite has read the log."""

    connection: apsw.Connection

    def close(self) -> None: ...


Opened = TypeVar("Opened", bound=Connected)


def opened_whole(file: Path, connect: Callable[[], Opened]) -> Opened:
    """`connect`, with the log put right before anything is written. Raises StoreUnusable for what cannot be.

    To be called by who has the directory's lock.
    """
    mended: list[int] = []
    while True:
        database = connect()
        try:
            damage = look(file, _taken(database.connection))
        except BaseException:
            _leave(database)
            raise
        if damage is None:
            return database
        _leave(database)
        if damage.bit is None or damage.bit in mended:
            raise StoreUnusable(str(damage))
        _turn(_log_of(file), damage.bit)
        mended.append(damage.bit)
        _log.error("a turned bit of the write-ahead log was put right; is the disk failing?", bit=damage.bit)


def check_beside(file: Path, connection: apsw.Connection) -> None:
    """Raises StoreUnusable for a damaged log: for a command, which leaves it to the server to mend."""
    # A server may be amid a commit: what it left half a moment ago is whole now, and damage is not.
    damage = look(file, _taken(connection))
    if damage is not None and look(file, _taken(connection)) == damage:
        raise StoreUnusable("The write-ahead log is damaged; start the server, which tells more.")


def expect_holes(file: Path) -> None:
    """Write down, durably, that from now on commits may follow one another without a sync between them."""
    mark = _mark_of(file)
    if not mark.exists():
        os.close(os.open(mark, os.O_CREAT | os.O_RDWR, 0o600))
        sync(file.parent)


def expect_none(file: Path, connection: apsw.Connection) -> None:
    """Take that back, if nothing is left of the log in which they may be."""
    mark = _mark_of(file)
    if mark.exists():
        frames, moved = connection.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_NOOP)
        if frames == moved:
            mark.unlink()
            sync(file.parent)


def _leave(database: Connected) -> None:
    """Close it with the log as it is."""
    database.connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    database.close()


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
        """Raises FileNotFoundError, struct.error for one that is shorter than a head."""
        self._handle = os.open(path, os.O_RDONLY)
        try:
            self._take(os.pread(self._handle, _HEADER_BYTES, 0))
        except BaseException:
            self.close()
            raise

    def _take(self, head: bytes) -> None:
        self.head = head
        magic, version, page_bytes = struct.unpack(">3I", head[:12])
        self.page_bytes: int = page_bytes
        self.salts = head[16:24]
        self.sum: Sum = struct.unpack(">2I", head[24:])
        self._order = ">" if magic == _BIG else "<"
        self.head_fits = (
            magic in (_LITTLE, _BIG) and version == _VERSION and self.added((0, 0), head[:24]) == self.sum
        )

    @property
    def frame_bytes(self) -> int:
        return _FRAME_HEADER_BYTES + self.page_bytes

    @property
    def count(self) -> int:
        """How many whole frames there are, of this log and of those before it."""
        size: int = os.fstat(self._handle).st_size
        return max(0, size - _HEADER_BYTES) // self.frame_bytes

    def turned_head_fits(self, bit: int) -> bool:
        """Whether the head would, and the first frame behind it, if that bit were turned."""
        head, page_bytes = self.head, self.page_bytes
        turned = bytearray(head)
        turned[bit // 8] ^= 1 << bit % 8
        self._take(bytes(turned))
        try:
            return self.head_fits and self.page_bytes == page_bytes and self.fits(1)
        finally:
            self._take(head)
            self.page_bytes = page_bytes

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

    def turned_bits(self, frame: int) -> list[int]:
        """The bits of a frame, counted in the file, of which it would fit if that one were turned."""
        content = self.frame(frame)
        start = self.at(frame) * 8
        summed = content[:8] + content[_FRAME_HEADER_BYTES:]
        found = self.added(self.sum_of(frame - 1), summed)
        stored: Sum = struct.unpack(">2I", content[16:24])
        salts = int.from_bytes(content[8:16]) ^ int.from_bytes(self.salts)
        if salts:
            single = salts.bit_count() == 1 and found == stored
            return [start + 64 + _from_start(salts, 8)] if single else []
        wrong = (found[0] << 32 | found[1]) ^ (stored[0] << 32 | stored[1])
        if wrong.bit_count() == 1 and (frame == self.count or not self.fits(frame + 1)):
            return [start + 128 + _from_start(wrong, 8)]  # what follows is built upon another sum, too
        missing = (stored[0] - found[0] & _MASK, stored[1] - found[1] & _MASK)
        return [start + bit + (0 if bit < 64 else 128) for bit in self._turned_in(summed, missing)]

    def _turned_in(self, content: bytes, missing: Sum) -> Iterator[int]:
        """The bits of `content` of which each, if it were turned, would make its checksum grow by `missing`.

        A word adds to the checksum what it is times a number of its place: (1, 1) or (0, 1) for the last
        two, and for those before them what the sum makes of that in each further round. These are numbers
        modulo 2**32, so the upper bits of many words add the same.
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
                        yield (at * 4 + byte) * 8 + bit % 8
            (a, b), (c, d) = weights
            weights = ((a + b & _MASK, a + 2 * b & _MASK), (c + d & _MASK, c + 2 * d & _MASK))


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
    bits = log.turned_bits(first)
    bit = bits[0] if len(bits) == 1 else None
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
    with file.open("rb") as database:
        frames, commits = _unmoved(log, database)
    if not frames:
        return None
    bits = [bit for bit in range(_HEADER_BYTES * 8) if log.turned_head_fits(bit)]
    return Damage(frame=0, frames=frames, commits=commits, bit=bits[0] if len(bits) == 1 else None)


def _unmoved(log: _Log, database: BinaryIO) -> tuple[int, int]:
    """How many frames and commits there are of the log that the first frame is of, if some page is in them,
    as of the last commit, that is not in the database; else none."""
    log.page_bytes = _page_bytes(database.read(18)[16:])
    newest: dict[int, bytes] = {}
    pages: dict[int, bytes] = {}
    size = commits = frames = 0
    salts = log.frame(1)[8:16]
    while len(content := log.frame(frames + 1)) == log.frame_bytes:
        number, after_commit = struct.unpack(">2I", content[:8])
        if number == 0 or content[8:16] != salts:
            break
        frames += 1
        pages[number] = content[_FRAME_HEADER_BYTES:]
        if after_commit:
            size = after_commit
            commits += 1
            newest |= pages
            pages.clear()
    for number, content in newest.items():
        database.seek((number - 1) * log.page_bytes)
        if number <= size and content != database.read(log.page_bytes):
            return frames, commits
    return 0, 0


def _page_bytes(stored: bytes) -> int:
    """As a database says it: 1 stands for what two bytes cannot hold. An empty one is as we make it."""
    number = int.from_bytes(stored) or 4096
    return 65536 if number == 1 else number
