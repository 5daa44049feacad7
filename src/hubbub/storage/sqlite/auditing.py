"""Looking a SQLite store through, beside the server that has it or on its own.

A connection of its own, which only reads: what it meets breaks nobody else's, and its pages push none out of
the server's cache. No statement reads more than a batch, so the write-ahead log can be moved meanwhile; only
`structure` holds on to it for as long as it takes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import apsw

from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, UserId, inbox_log
from hubbub.storage.auditing import Entry, Exchange, LogFacts, Pair, Part, Stray
from hubbub.storage.base import StoreInfo
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.looking import BATCH, FIRST, Looking, Row, Statements
from hubbub.storage.sqlite.database import BUSY_SECONDS
from hubbub.storage.sqlite.logs import COLUMNS, read_event
from hubbub.storage.sqlite.places import head_of, last_position, position, seq_at
from hubbub.storage.sqlite.schema import pending, steps
from hubbub.storage.strays import onward

CACHE_KIB = 4 * 1024

_STRUCTURE_LINES = 100

_LOGS = f"""
    SELECT number, logs.name, floor, {last_position("number")}, rooms.id, users.name FROM logs
    LEFT JOIN rooms ON rooms.log = number AND logs.name = 'room/' || rooms.id
    LEFT JOIN users ON users.name = substr(logs.name, 7) AND logs.name = 'inbox/' || users.name
    WHERE number > ? ORDER BY number LIMIT ?
"""  # noqa: S608
_LOG = "SELECT number, floor, link, oldest_ms FROM logs WHERE name = ?"
_EVENT = "SELECT " + ", ".join(f"e.{name}" for name in COLUMNS.split(", "))
_ENTRY = _EVENT + ", e.link, k.seq "
_ENTRIES = """
    FROM events AS e
    LEFT JOIN keys AS k ON e.sent = 0 AND k.log = ?1 AND k.sender = e.sender AND k.key = e.key
    WHERE e.position > ?2 AND e.position <= ?3 ORDER BY e.position LIMIT ?4
"""
_KEYS = """
    SELECT k.log, k.sender, k.key, k.seq, k.receipt,
           k.id IS NOT NULL AND k.sent_at_ms IS NOT NULL AND length(k.digest) IN (16, 36),
           l.name, l.floor, e.id, e.sent, e.sender, e.key, own.floor, c.id, c.sent, c.sender, c.key
    FROM keys AS k
    LEFT JOIN logs AS l ON l.number = k.log
    LEFT JOIN events AS e ON e.position = (k.log << 36 | k.seq)
    LEFT JOIN logs AS own ON k.receipt IS NOT NULL AND own.name = 'inbox/' || k.sender
    LEFT JOIN events AS c ON c.position = (own.number << 36 | k.receipt)
    WHERE (k.log, k.sender, k.key) > (?, ?, ?) ORDER BY k.log, k.sender, k.key LIMIT ?
"""
_CONVERSATION = """
    FROM events AS e INDEXED BY events_between
    WHERE recipient IS NOT NULL AND position >> 36 = ? AND peer = ? AND position >= ? AND position < ?
    ORDER BY position DESC LIMIT ?
"""
_WITH = """
    SELECT 1 FROM events INDEXED BY events_between
    WHERE recipient IS NOT NULL AND position >> 36 = ? AND peer = ? LIMIT 1
"""
_NEXT_PEER = """
    SELECT position >> 36, peer FROM events INDEXED BY events_between
    WHERE recipient IS NOT NULL AND position >> 36 = ? AND peer > ? ORDER BY peer LIMIT 1
"""
_NEXT_INBOX = """
    SELECT position >> 36, peer FROM events INDEXED BY events_between
    WHERE recipient IS NOT NULL AND position >> 36 > ? ORDER BY position >> 36, peer LIMIT 1
"""
_LOG_OF_NEXT = """
    SELECT position, (SELECT name FROM logs WHERE number = position >> 36) FROM events
    WHERE position >= ? ORDER BY position LIMIT 1
"""
_USERS = """
    SELECT name, (SELECT number FROM logs WHERE logs.name = 'inbox/' || users.name) FROM users
    WHERE name > ? ORDER BY name LIMIT ?
"""
_ROOMS = """
    SELECT id, (SELECT logs.name FROM logs WHERE number = log), name, folded FROM rooms
    WHERE id > ? ORDER BY id LIMIT ?
"""
_MARKS = f"""
    SELECT log, place, seq, own.name, users.name, own.floor, {last_position("own.number")},
           there.number, there.floor, {last_position("there.number")}
    FROM marks
    LEFT JOIN logs AS own ON own.number = log
    LEFT JOIN users ON users.name = substr(own.name, {len(inbox_log(UserId(""))) + 1})
                   AND own.name = 'inbox/' || users.name
    LEFT JOIN logs AS there ON there.name = place
    WHERE (log, place) > (?, ?) ORDER BY log, place LIMIT ?
"""  # noqa: S608
_SESSIONS = """
    SELECT id, (SELECT name FROM users WHERE name = user), user FROM sessions
    WHERE id > ? ORDER BY id LIMIT ?
"""

_STATEMENTS = Statements(
    keys=_KEYS,
    log=_LOG,
    name="SELECT name FROM logs WHERE number = ?",
    next_peer=_NEXT_PEER,
    next_inbox=_NEXT_INBOX,
    has_peer=_WITH,
    users=_USERS,
    rooms=_ROOMS,
    sessions=_SESSIONS,
    marks=_MARKS,
)


class SqliteAudit(Looking):
    """An Auditing, of the database in one file."""

    _sql = _STATEMENTS

    def __init__(self, file: Path) -> None:
        """Raises StoreUnusable for what is none of our databases, or not of the form that this code reads."""
        self._file = file
        self._connection = connect(file)
        try:
            self.form, self.info = self._identify()
        except BaseException:
            self._connection.close()
            raise

    def _identify(self) -> tuple[int, StoreInfo]:
        known = steps()
        try:
            is_old = pending(self._connection, known)
            form = int(self._connection.pragma("user_version"))
            if is_old:
                raise StoreUnusable(
                    f"The database has form {form}, and this hubbub reads form {len(known)}: it brings a "
                    "database up when it serves from it, or restores it."
                )
            ((epoch,),) = self._connection.execute("SELECT epoch FROM store").fetchall() or [("",)]
        except StoreUnusable as refusal:
            raise StoreUnusable(f"{self._file}: {refusal}") from refusal
        except (apsw.Error, UnicodeDecodeError) as error:
            raise StoreUnusable(f"{self._file}: the database cannot be read ({error}).") from error
        mode = str(self._connection.pragma("journal_mode"))
        info = StoreInfo(
            backend="sqlite", version=apsw.sqlite_lib_version(), epoch=str(epoch), durability=mode.upper()
        )
        return form, info

    async def close(self) -> None:
        self._connection.close()

    async def structure(self) -> Sequence[str]:
        # SQLite lets go of the interpreter while it works, so a thread of its own holds up nobody.
        connection = connect(self._file)
        work = asyncio.ensure_future(asyncio.to_thread(_structure, connection))
        try:
            return await asyncio.shield(work)
        finally:
            if not work.done():
                connection.interrupt()
                await asyncio.wait([work])
            connection.close()

    async def logs(self) -> AsyncIterator[Sequence[LogFacts]]:
        number = FIRST
        while rows := self._read(_LOGS, (number, BATCH)):
            number = onward(number, rows[-1][0])
            yield [
                LogFacts(
                    name=name,
                    floor=floor,
                    head=head_of(last, floor),
                    owned=room is not None or user is not None,
                )
                for _, name, floor, last, room, user in rows
            ]

    async def entries(self, log: LogId, upto: int) -> AsyncIterator[Part]:
        at = -1
        while True:
            part, at = self._part(log, at, upto)
            if part is None:
                return
            yield part
            if at >= upto:
                return

    def _part(self, log: LogId, after: int, upto: int) -> tuple[Part | None, int]:
        """What follows on a seq, and how far that reaches. None once the log is gone."""
        with self._snapshot():
            facts = self._read(_LOG, (log,))
            if not facts:
                return None, upto
            number, floor, link, oldest_ms = facts[0]
            start = position(number, 0) + after
            rows = self._events(
                _ENTRY,
                _ENTRIES,
                (number, start, position(number, upto), BATCH),
                lambda at: (number, at - 1, at, 1),
            )
        entries = [_entry(log, row) for row in rows]
        at = onward(after, seq_at(rows[-1][0])) if len(rows) == BATCH else upto
        return Part(floor=floor, link=link, oldest_ms=oldest_ms, entries=entries), at

    async def exchange(self, pair: Pair, before: tuple[int, int] | None, limit: int) -> Exchange:
        ends = before or (None, None)
        with self._snapshot():
            one = self._conversation(pair.one, pair.other, ends[0], limit)
            other = self._conversation(pair.other, pair.one, ends[1], limit)
        return Exchange(floors=(one[0], other[0]), one=one[1], other=other[1])

    def _conversation(
        self, owner: UserId, peer: UserId, before: int | None, limit: int
    ) -> tuple[int, list[tuple[int, Event | None]]]:
        """The floor of an inbox, and what it holds of one conversation, newest first."""
        log = inbox_log(owner)
        facts = self._read(_LOG, (log,))
        if not facts:
            return 0, []
        number, floor, _, _ = facts[0]
        end = position(number + 1, 0) if before is None else position(number, before)
        rows = self._events(
            _EVENT + " ",
            _CONVERSATION,
            (number, peer, position(number, 0), end, limit),
            lambda at: (number, peer, at, at + 1, 1),
        )
        return floor, [(seq_at(row[0]), read_event(log, row) if len(row) > 1 else None) for row in rows]

    async def strays(self) -> AsyncIterator[Sequence[Stray]]:
        found: list[Stray] = []
        at, tried = 1 - (1 << 63), 0
        while rows := self._read(_LOG_OF_NEXT, (at,)):
            first, log = rows[0]
            number = onward(at - 1, first) >> 36
            if log is None:
                text = f"Events lie under log number {number}, which does not exist."
                found.append(Stray(text=text, seq=seq_at(first)))
            if number + 1 >= 1 << 27:
                break
            at = position(number + 1, 0)
            tried += 1
            if tried % BATCH == 0:
                yield found
                found = []
        yield found

    # -- reading ------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[None]:
        """What is read within was so at one moment."""
        self._read("BEGIN", ())
        try:
            yield
        finally:
            if self._connection.in_transaction:
                self._read("COMMIT", ())

    async def _rows(self, sql: str, *given: object) -> list[Row]:
        return self._read(sql, given)

    def _marks(self, rows: Sequence[Row]) -> Sequence[Row]:
        return [_with_heads(row) for row in rows]

    def _read(self, sql: str, bindings: Row) -> list[Row]:
        """Raises StorageFailed, or Damaged for a text that is none."""
        try:
            return self._connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise StorageFailed(f"SQLite cannot go on: {error}") from error
        except UnicodeDecodeError as error:
            raise Damaged("A text is none any more.") from error

    def _events(self, select: str, source: str, bindings: Row, alone: Callable[[int], Row]) -> list[Row]:
        """Rows of events that begin with their positions. One that cannot be read is its position alone.

        `alone` gives the bindings that ask for the one at a position.
        """
        try:
            return self._read(select + source, bindings)
        except Damaged:
            positions = self._read("SELECT e.position " + source, bindings)
        rows: list[Row] = []
        for (at,) in positions:
            try:
                rows += self._read(select + source, alone(at))
            except Damaged:
                rows.append((at,))
        return rows


def connect(file: Path) -> apsw.Connection:
    """To a database that a server may have. It never moves the write-ahead log. Raises StoreUnusable."""
    try:
        connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise StoreUnusable(f"{file}: the database cannot be opened ({error}).") from error
    connection.set_busy_timeout(int(BUSY_SECONDS * 1000))
    connection.wal_autocheckpoint(0)
    connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    return connection


def _structure(connection: apsw.Connection) -> list[str]:
    try:
        connection.pragma("query_only", 1)
        connection.pragma("cache_size", -CACHE_KIB)
        found = connection.execute(f"PRAGMA integrity_check({_STRUCTURE_LINES})").fetchall()
        return [str(line) for (line,) in found if line != "ok"]
    except apsw.InterruptError:
        return []
    except (apsw.Error, UnicodeDecodeError) as error:
        return [f"SQLite cannot check the database: {error}"]


def _entry(log: LogId, row: Row) -> Entry:
    if len(row) == 1:
        return Entry(seq=seq_at(row[0]), event=None, salt=None, digest=None, link=None, key_seq=None)
    *_, salt, digest, link, key_seq = row
    return Entry(
        seq=seq_at(row[0]),
        event=read_event(log, row[:-2]),
        salt=salt,
        digest=digest,
        link=link,
        key_seq=key_seq,
    )


def _with_heads(row: Row) -> Row:
    """A mark's row, with where the two logs end for what that is found from."""
    number, place, seq, own, user, own_floor, own_last, there, floor, last = row
    if user is None or there is None:
        return number, place, seq, own, user, None, there, None
    return number, place, seq, own, user, head_of(own_last, own_floor), there, head_of(last, floor)
