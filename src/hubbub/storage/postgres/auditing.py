"""Looking a PostgreSQL store through, beside the nodes that use it.

A connection of its own, which only reads. No statement reads more than a batch, so that no snapshot is held
for long and what nodes replace can be cleared away meanwhile; only `structure` takes as long as it takes.

What PostgreSQL has that SQLite has not is written down twice, and so compared: where a log ends, and what its
next event is to be tied to.
"""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Self

import asyncpg

from hubbub.domain.errors import Damaged, StorageFailed
from hubbub.domain.events import Event
from hubbub.domain.ids import LogId, UserId, inbox_log
from hubbub.storage.auditing import Entry, Exchange, LogFacts, Pair, Part, Stray
from hubbub.storage.base import StoreInfo
from hubbub.storage.errors import StoreUnusable
from hubbub.storage.looking import BATCH, FIRST, Looking, Row, Statements
from hubbub.storage.postgres.database import Connection, leave
from hubbub.storage.postgres.failures import DRIVER
from hubbub.storage.postgres.opening import durability_of, shown, version_of
from hubbub.storage.postgres.visiting import form_read, refusing, visit
from hubbub.storage.strays import onward

NAME = "hubbub verify"
"""As what the database shows it."""

_LOOKING_UP = {
    "enable_hashjoin": "off",  # every statement is a few look-ups, whatever is believed of the tables' sizes
    "enable_mergejoin": "off",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
}

_END = (1 << 63) - 1

_PEER = "(CASE WHEN sent THEN recipient ELSE sender END)"  # as the index events_between has it
_LOGS = """
    SELECT number, l.name, floor, head, r.id, u.name FROM logs AS l
    LEFT JOIN rooms AS r ON r.log = number AND l.name = 'room/' || r.id
    LEFT JOIN users AS u ON u.name = substr(l.name, 7) AND l.name = 'inbox/' || u.name
    WHERE number > $1 ORDER BY number LIMIT $2
"""
_LOG = "SELECT number, floor, floor_link, oldest_ms FROM logs WHERE name = $1"
_EVENT = """
    SELECT e.seq, e.id, e.sent, e.sender, e.recipient, e.text, e.key, e.sent_at_ms, e.salt, e.digest, e.link
"""
_ENTRY = _EVENT + ", k.seq"
_ENTRIES = """
    FROM events AS e
    LEFT JOIN keys AS k ON NOT e.sent AND k.log = $1 AND k.sender = e.sender AND k.key = e.key
    WHERE e.log = $1 AND e.seq > $2 AND e.seq <= $3 ORDER BY e.seq LIMIT $4
"""
_KEYS = """
    SELECT k.log, k.sender, k.key, k.seq, k.receipt,
           k.id IS NOT NULL AND k.sent_at_ms IS NOT NULL AND coalesce(length(k.digest), 0) IN (16, 36),
           l.name, l.floor, e.id, e.sent, e.sender, e.key, own.floor, c.id, c.sent, c.sender, c.key
    FROM keys AS k
    LEFT JOIN logs AS l ON l.number = k.log
    LEFT JOIN events AS e ON e.log = k.log AND e.seq = k.seq
    LEFT JOIN logs AS own ON k.receipt IS NOT NULL AND own.name = 'inbox/' || k.sender
    LEFT JOIN events AS c ON c.log = own.number AND c.seq = k.receipt
    WHERE (k.log, k.sender, k.key) > ($1, $2, $3) ORDER BY k.log, k.sender, k.key LIMIT $4
"""
_CONVERSATION = f"""
    FROM events AS e
    WHERE recipient IS NOT NULL AND log = $1 AND {_PEER} = $2 AND seq >= $3 AND seq < $4
    ORDER BY seq DESC LIMIT $5
"""
_WITH = f"SELECT 1 FROM events WHERE recipient IS NOT NULL AND log = $1 AND {_PEER} = $2 LIMIT 1"  # noqa: S608
_NEXT_PEER = f"""
    SELECT log, {_PEER} FROM events
    WHERE recipient IS NOT NULL AND log = $1 AND {_PEER} > $2 ORDER BY log, {_PEER} LIMIT 1
"""  # noqa: S608
_NEXT_INBOX = f"""
    SELECT log, {_PEER} FROM events WHERE recipient IS NOT NULL AND log > $1 ORDER BY log, {_PEER} LIMIT 1
"""  # noqa: S608
_LOG_OF_NEXT = """
    SELECT log, seq, (SELECT name FROM logs WHERE number = log) FROM events
    WHERE log > $1 ORDER BY log, seq LIMIT 1
"""
_ENDS = """
    SELECT number, l.name, l.head, coalesce(last.seq, floor), l.link, coalesce(last.link, floor_link)
    FROM logs AS l
    LEFT JOIN LATERAL (
        SELECT seq, link FROM events WHERE log = number ORDER BY seq DESC LIMIT 1
    ) AS last ON true
    WHERE number > $1 ORDER BY number LIMIT $2
"""
_USERS = """
    SELECT name, (SELECT number FROM logs WHERE logs.name = 'inbox/' || users.name) FROM users
    WHERE name > $1 ORDER BY name LIMIT $2
"""
_ROOMS = """
    SELECT id, (SELECT logs.name FROM logs WHERE number = log), name, folded FROM rooms
    WHERE id > $1 ORDER BY id LIMIT $2
"""
_SESSIONS = """
    SELECT id, (SELECT name FROM users WHERE name = s."user"), s."user" FROM sessions AS s
    WHERE id > $1 ORDER BY id LIMIT $2
"""
_MARKS = """
    SELECT log, place, seq, own.name, users.name, own.head, there.number, there.head
    FROM marks
    LEFT JOIN logs AS own ON own.number = log
    LEFT JOIN users ON users.name = substr(own.name, 7) AND own.name = 'inbox/' || users.name
    LEFT JOIN logs AS there ON there.name = place
    WHERE (log, place) > ($1, $2) ORDER BY log, place LIMIT $3
"""

_INDEXES = """
    SELECT i.indexrelid::regclass::text, i.indexrelid, indisvalid, amname = 'btree' FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_am AS a ON a.oid = c.relam
    WHERE nspname = 'hubbub' ORDER BY 1
"""
_AMCHECK = """
    SELECT nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
    WHERE extname = 'amcheck'
"""

_STATEMENTS = Statements(
    keys=_KEYS,
    log=_LOG,
    name="SELECT name FROM logs WHERE number = $1",
    next_peer=_NEXT_PEER,
    next_inbox=_NEXT_INBOX,
    has_peer=_WITH,
    users=_USERS,
    rooms=_ROOMS,
    sessions=_SESSIONS,
    marks=_MARKS,
)


class PostgresAudit(Looking):
    """An Auditing, of the store in a database. `open` makes one."""

    _sql = _STATEMENTS

    def __init__(self, url: str, connection: Connection, form: int, info: StoreInfo) -> None:
        self._url = url
        self._connection = connection
        self.form = form
        self.info = info

    @classmethod
    async def open(cls, url: str) -> Self:
        """Raises StoreUnusable for what is none of our databases, or not of a form that this code reads."""
        connection = await visit(url, NAME, _LOOKING_UP)
        try:
            with refusing(url):
                form = await form_read(connection)
                epoch = await connection.fetchval("SELECT epoch FROM store")
                durability = await durability_of(connection, {})
        except BaseException:
            await leave(connection)
            raise
        version = version_of(connection)
        info = StoreInfo(backend="postgresql", version=version, epoch=str(epoch or ""), durability=durability)
        return cls(url, connection, form, info)

    async def close(self) -> None:
        await leave(self._connection)

    async def structure(self) -> Sequence[str]:
        """What `amcheck` finds, where an administrator has put that extension into the database."""
        connection = await visit(self._url, NAME)
        try:
            return [line async for line in _structure(connection)]
        except asyncpg.PostgresError as error:
            return [f"PostgreSQL cannot check the database: {error}"]
        finally:
            await leave(connection)

    async def logs(self) -> AsyncIterator[Sequence[LogFacts]]:
        number = FIRST
        while rows := await self._rows(_LOGS, number, BATCH):
            number = onward(number, rows[-1][0])
            yield [
                LogFacts(name=name, floor=floor, head=head, owned=room is not None or user is not None)
                for _, name, floor, head, room, user in rows
            ]

    async def entries(self, log: LogId, upto: int) -> AsyncIterator[Part]:
        at = FIRST
        while True:
            part, at = await self._part(log, at, upto)
            if part is None:
                return
            yield part
            if at >= upto:
                return

    async def _part(self, log: LogId, after: int, upto: int) -> tuple[Part | None, int]:
        """What follows on a seq, and how far that reaches. None once the log is gone."""
        async with self._snapshot():
            facts = await self._rows(_LOG, log)
            if not facts:
                return None, upto
            number, floor, link, oldest_ms = facts[0]
            rows = await self._events(_ENTRY, _ENTRIES, number, after, upto, BATCH)
        entries = [_entry(log, row) for row in rows]
        at = onward(after, rows[-1][0]) if len(rows) == BATCH else upto
        return Part(floor=floor, link=link, oldest_ms=oldest_ms, entries=entries), at

    async def exchange(self, pair: Pair, before: tuple[int, int] | None, limit: int) -> Exchange:
        ends = before or (_END, _END)
        async with self._snapshot():
            one = await self._conversation(pair.one, pair.other, ends[0], limit)
            other = await self._conversation(pair.other, pair.one, ends[1], limit)
        return Exchange(floors=(one[0], other[0]), one=one[1], other=other[1])

    async def _conversation(
        self, owner: UserId, peer: UserId, before: int, limit: int
    ) -> tuple[int, list[tuple[int, Event | None]]]:
        """The floor of an inbox, and what it holds of one conversation, newest first."""
        log = inbox_log(owner)
        facts = await self._rows(_LOG, log)
        if not facts:
            return 0, []
        number, floor, _, _ = facts[0]
        rows = await self._events(_EVENT, _CONVERSATION, number, peer, FIRST, before, limit)
        return floor, [(row[0], _event(log, row) if len(row) > 1 else None) for row in rows]

    async def strays(self) -> AsyncIterator[Sequence[Stray]]:
        number = FIRST
        while rows := await self._rows(_ENDS, number, BATCH):
            number = onward(number, rows[-1][0])
            yield [*_wrong_ends(rows)]
        found: list[Stray] = []
        number, tried = FIRST, 0
        while rows := await self._rows(_LOG_OF_NEXT, number):
            log, seq, name = rows[0]
            number = onward(number, log)
            if name is None:
                text = f"Events lie under log number {log}, which does not exist."
                found.append(Stray(text=text, seq=seq))
            tried += 1
            if tried % BATCH == 0:
                yield found
                found = []
        yield found

    # -- reading ------------------------------------------------------------

    @asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[None]:
        """What is read within was so at one moment."""
        with _meaning(self._url, self._connection):
            async with self._connection.transaction(isolation="repeatable_read", readonly=True):
                yield

    async def _rows(self, sql: str, *given: object) -> list[Row]:
        """Raises StorageFailed; Damaged for a text that is none; StoreUnusable once the database is gone."""
        with _meaning(self._url, self._connection):
            return [tuple(row) for row in await self._connection.fetch(sql, *given)]

    async def _events(self, select: str, source: str, *given: object) -> list[Row]:
        """Rows of events that begin with their seqs. One that cannot be read is its seq alone."""
        try:
            return await self._rows(select + source, *given)
        except Damaged:
            seqs = [row[0] for row in await self._rows("SELECT e.seq " + source, *given)]
        rows: list[Row] = []
        for seq in seqs:
            *before, _, _, _ = given
            try:
                rows += await self._rows(select + source, *before, *_alone(source, seq))
            except Damaged:
                rows.append((seq,))
        return rows


def _alone(source: str, seq: int) -> tuple[int, int, int]:
    """The bounds that leave one event: of entries the lower is excluded, and of a conversation the upper."""
    return (seq - 1, seq, 1) if source is _ENTRIES else (seq, seq + 1, 1)


@contextmanager
def _meaning(url: str, connection: Connection) -> Iterator[None]:
    """What the driver's errors mean to a check."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise Damaged("A text is none any more.") from error
    except DRIVER as error:
        if connection.is_closed():
            raise StoreUnusable(f"{shown(url)}: the database is gone ({error}).") from error
        raise StorageFailed(f"PostgreSQL cannot go on: {error}") from error


async def _structure(connection: Connection) -> AsyncIterator[str]:
    schema = await connection.fetchval(_AMCHECK)
    for name, oid, is_valid, is_btree in await connection.fetch(_INDEXES):
        if not is_valid:
            yield f"The index {name} is not valid."
        elif schema is not None and is_btree:
            try:
                await connection.execute(f'SELECT "{schema}".bt_index_check({oid}, true)')
            except asyncpg.InsufficientPrivilegeError:
                return
            except asyncpg.PostgresError as error:
                yield f"{name}: {error}"


def _event(log: LogId, row: Row) -> Event:
    """What a row says, true or not."""
    seq, id, sent, sender, recipient, text, key, sent_at_ms = row[:8]
    return Event(
        log=log,
        seq=seq,
        id=id,
        kind="sent" if sent else "message",
        sender=sender,
        to=recipient,
        text=text,
        key=key,
        sent_at_ms=sent_at_ms,
    )


def _entry(log: LogId, row: Row) -> Entry:
    if len(row) == 1:
        return Entry(seq=row[0], event=None, salt=None, digest=None, link=None, key_seq=None)
    *_, salt, digest, link, key_seq = row
    return Entry(seq=row[0], event=_event(log, row), salt=salt, digest=digest, link=link, key_seq=key_seq)


def _wrong_ends(rows: Sequence[Row]) -> Iterator[Stray]:
    """Logs that say otherwise of their end than their last event does, unless events are missing there: that
    is noticed by whoever follows them."""
    for _, name, head, last, link, last_link in rows:
        if last > head:
            text = f"There are events up to {last}, and the log says that it ends at {head}."
            yield Stray(text=text, log=name, seq=head + 1)
        elif last == head and link != last_link:
            text = "What the next event is to be tied to is not the last one."
            yield Stray(text=text, log=name, seq=head, kind="unlinked")
