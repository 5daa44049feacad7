"""Adding to the logs in PostgreSQL: a batch of drafts, one transaction, one commit.

One batch of this node is under way at a time; what comes meanwhile is the next. The rows of its logs are locked
before anything is numbered, so that of all nodes one at a time adds to a log.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

import asyncpg
import msgspec
import structlog

from hubbub.domain import chain
from hubbub.domain.errors import Overloaded, StorageAway, StorageFull, Unavailable
from hubbub.domain.events import Draft
from hubbub.domain.ids import LogId, inbox_log
from hubbub.storage.base import Outcome
from hubbub.storage.postgres.batch import Batch, Place, Used
from hubbub.storage.postgres.database import (
    CONFLICTS,
    DRIVER,
    PATIENCE_SECONDS,
    AnotherStore,
    Connection,
    Database,
    leave,
)
from hubbub.storage.postgres.logs import COLUMNS, event_of
from hubbub.storage.postgres.marks import Marks

Done = Callable[[Sequence[Outcome]], None]

MAX_BATCH = 5_000
"""Drafts that are written together, but for an append that has more: what one transaction holds up is bounded."""

MAX_TRIES = 4
"""How often a batch is written that runs into the transactions of other nodes."""

REMEMBERED_LOGS = 32_768
"""Logs whose last event was seen to be tied; of others it is looked at before they are added to."""

_SALTS_AT_ONCE = 256

_log = structlog.get_logger("hubbub.storage")

# The numbers never change, so whoever waits for a lock and gets a newer row still goes in their order.
_LOCK = """
    SELECT name, number, head, link, floor, floor_link, (SELECT epoch FROM store)
    FROM logs WHERE name = ANY($1::text[]) ORDER BY number FOR NO KEY UPDATE OF logs
"""
_TIED = """
    SELECT number, seq, digest, events.link
    FROM unnest($1::bigint[]) AS asked JOIN logs ON number = asked
    CROSS JOIN LATERAL (
        SELECT seq, digest, link FROM events WHERE log = number AND seq >= head - 1 AND seq > floor
        ORDER BY seq LIMIT 3
    ) AS events
"""
_USED = """
    SELECT asked.log, asked.sender, asked.key, seq, receipt, id, sent_at_ms, digest
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS asked (log, sender, key)
    CROSS JOIN LATERAL (
        SELECT seq, receipt, id, sent_at_ms, digest FROM keys
        WHERE keys.log = asked.log AND keys.sender = asked.sender AND keys.key = asked.key LIMIT 1
    ) AS used
"""
_STORED = f"""
    SELECT events.log, {", ".join("events." + column for column in COLUMNS.split(", "))}
    FROM unnest($1::bigint[], $2::bigint[]) AS asked (log, seq)
    JOIN events ON events.log = asked.log AND events.seq = asked.seq
"""  # noqa: S608
_ADD = """
    WITH added AS (
        INSERT INTO events
            (log, seq, id, sent, sender, recipient, text, key, sent_at_ms, salt, digest, link)
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::bytea[], $11::bytea[], $12::bytea[])
    ), claimed AS (
        INSERT INTO keys (log, sender, key, seq, receipt)
        SELECT * FROM unnest($13::bigint[], $14::text[], $15::text[], $16::bigint[], $17::bigint[])
    )
    UPDATE logs SET head = grown.head, link = grown.link, oldest_ms = coalesce(grown.oldest_ms, logs.oldest_ms)
    FROM unnest($18::bigint[], $19::bigint[], $20::bytea[], $21::bigint[]) AS grown (number, head, link, oldest_ms)
    WHERE logs.number = grown.number
"""
_THERE = "SELECT true FROM events WHERE log = $1 AND seq = $2 AND digest = $3"


class _Attempt:
    """One try to write a batch. Once `committing`, what became of it is known only by the answer."""

    __slots__ = ("batch", "committing")

    def __init__(self, drafts: Sequence[Draft]) -> None:
        self.batch = Batch(drafts)
        self.committing = False


class _Call(msgspec.Struct, frozen=True, gc=False):
    drafts: Sequence[Draft]
    done: Done


class Appending(Marks):
    """The writing half of the logs.

    Always true:
      * one batch is under way while there is anything to write, and `done` is called in the order of the calls;
      * a batch whose commit went unanswered is not written again before it is known not to be there.
    """

    def __init__(
        self,
        database: Database,
        *,
        epoch: str,
        randomness: Callable[[int], bytes],
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(database)
        self._epoch = epoch
        self._randomness = randomness
        self._monotonic = monotonic
        self._salts: list[bytes] = []
        self._tied: OrderedDict[LogId, None] = OrderedDict()
        self._calls: deque[_Call] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._own: Connection | None = None

    def append(self, drafts: Sequence[Draft], done: Done) -> None:
        """See Store.append. `done` is called in a later turn of the loop."""
        self._calls.append(_Call(drafts, done))
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write_calls())

    async def finish_appending(self) -> None:
        """Wait until all that was posted is told, and let go of the connection."""
        while self._writing is not None:
            await asyncio.wait([self._writing])
        if self._own is not None:
            await leave(self._own)
            self._own = None

    async def _write_calls(self) -> None:
        try:
            while self._calls:
                calls = [self._calls.popleft()]
                size = len(calls[0].drafts)
                while self._calls and size + len(self._calls[0].drafts) <= MAX_BATCH:
                    calls.append(self._calls.popleft())
                    size += len(calls[-1].drafts)
                drafts = calls[0].drafts
                if len(calls) > 1:
                    drafts = [draft for call in calls for draft in call.drafts]
                outcomes = await self._outcomes(drafts)
                at = 0
                for call in calls:
                    upto = at + len(call.drafts)
                    _tell(call.done, outcomes[at:upto])
                    at = upto
        finally:
            self._writing = None

    # -- one batch, however long it takes -----------------------------------

    async def _outcomes(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        """Write it, and again where that is known to be right. The same Unavailable for all when it is not."""
        try:
            batch = await self._persist(drafts)
        except Unavailable as refusal:
            return [refusal] * len(drafts)
        except Exception as error:
            # Also a seq that should have been free: someone else writes to the logs, and nothing can be trusted.
            return [self._db.give_up(error)] * len(drafts)
        for damage in batch.damages:
            self._db.damaged(damage)
        return batch.outcomes

    async def _persist(self, drafts: Sequence[Draft]) -> Batch:
        if not drafts:
            return Batch(drafts)
        doubt: Batch | None = None
        tries = 0
        give_up_at: float | None = None
        while True:
            attempt = _Attempt(drafts)
            connection = await self._connection()
            try:
                return await self._write_batch(connection, attempt, doubt)
            except DRIVER as error:
                self._drop(connection)
                if isinstance(error, asyncpg.DiskFullError):
                    raise StorageFull() from error
                if self._db.is_loss(error, connection):
                    if attempt.committing:
                        doubt = attempt.batch
                    self._db.lost(error)
                    now = self._monotonic()
                    give_up_at = give_up_at or now + PATIENCE_SECONDS
                    if now >= give_up_at:
                        raise StorageAway() from error
                elif isinstance(error, CONFLICTS):
                    tries += 1
                    if tries == MAX_TRIES:
                        refusal = Overloaded if doubt is None else StorageAway
                        raise refusal("The logs were held by others for too long.") from error
                else:
                    raise

    async def _connection(self) -> Connection:
        """The one that writes, which nothing else waits for. Raises StorageAway, StorageFailed."""
        self._db.check()
        if not self._db.up:
            await self._db.reachable()
        if self._own is None or self._own.is_closed():
            self._own = await self._db.connect()
        return self._own

    def _drop(self, connection: Connection) -> None:
        """After an error: what it is in the middle of is undone by the server."""
        connection.terminate()
        self._own = None

    # -- one try ------------------------------------------------------------

    async def _write_batch(self, connection: Connection, attempt: _Attempt, doubt: Batch | None) -> Batch:
        """Raises what the driver raises."""
        batch = attempt.batch
        await connection.execute("BEGIN")
        await self._lock(connection, batch)
        if doubt is not None and await _is_there(connection, doubt):
            await connection.execute("ROLLBACK")
            return doubt
        await self._look_up_keys(connection, batch)
        batch.settle(self._salt)
        if not batch.events:
            await connection.execute("ROLLBACK")
            return batch
        await connection.execute(_ADD, *_columns(batch))
        attempt.committing = True
        await connection.execute("COMMIT")
        return batch

    async def _lock(self, connection: Connection, batch: Batch) -> None:
        """Have all the logs of the batch for this transaction alone, as they are now."""
        for name, number, head, link, floor, floor_link, epoch in await connection.fetch(_LOCK, batch.logs()):
            if epoch != self._epoch:
                raise AnotherStore("The database holds another store than when this server was started.")
            batch.places[name] = Place(
                name=name, number=number, head=head, link=link, floor=floor, floor_link=floor_link
            )
        new = {place.number: place for log, place in batch.places.items() if not self._is_tied(log)}
        if not new:
            return
        last: dict[int, list[tuple[int, bytes, bytes]]] = {number: [] for number in new}
        for number, seq, digest, link in await connection.fetch(_TIED, list(new)):
            last[number].append((seq, digest, link))
        for number, place in new.items():
            place.look(last[number])
            if place.damage is None:
                self._tied[place.name] = None
                if len(self._tied) > REMEMBERED_LOGS:
                    self._tied.popitem(last=False)

    def _is_tied(self, log: LogId) -> bool:
        if log not in self._tied:
            return False
        self._tied.move_to_end(log)
        return True

    async def _look_up_keys(self, connection: Connection, batch: Batch) -> None:
        """A statement after the one that locked, for it sees what was committed while that waited."""
        asked = batch.asked()
        if not asked:
            return
        logs, senders, keys = zip(*asked, strict=True)
        for log, sender, key, seq, receipt, id, sent_at_ms, digest in await connection.fetch(
            _USED, logs, senders, keys
        ):
            batch.used[log, sender, key] = Used(
                seq=seq, receipt=receipt, id=id, sent_at_ms=sent_at_ms, digest=digest
            )
        if batch.used:
            await _look_up_events(connection, batch)

    def _salt(self) -> bytes:
        if not self._salts:
            pool = self._randomness(chain.SALT_BYTES * _SALTS_AT_ONCE)
            self._salts = [pool[at : at + chain.SALT_BYTES] for at in range(0, len(pool), chain.SALT_BYTES)]
        return self._salts.pop()


async def _is_there(connection: Connection, batch: Batch) -> bool:
    """Whether the batch, whose commit went unanswered, is stored: with the locks held nobody is writing it any
    more, and the salt of an event is its own, so its digest is nobody else's."""
    number, event, _, digest, _ = batch.events[0]
    return await connection.fetchval(_THERE, number, event.seq, digest) is not None


async def _look_up_events(connection: Connection, batch: Batch) -> None:
    """Read what used keys have stored: to be compared with what is posted now, and to answer with."""
    names = {place.number: log for log, place in batch.places.items()}
    wanted: list[tuple[int, int, Used, bool]] = []
    for (log, sender, _), used in batch.used.items():
        if used.id is None:
            wanted.append((log, used.seq, used, False))
        own = batch.places.get(inbox_log(sender))
        if used.receipt is not None and own is not None:
            wanted.append((own.number, used.receipt, used, True))
    if not wanted:
        return
    logs, seqs, *_ = zip(*wanted, strict=True)
    found = {
        (row[0], row[1]): event_of(names[row[0]], row, 1)
        for row in await connection.fetch(_STORED, logs, seqs)
    }
    for log, seq, used, is_copy in wanted:
        if is_copy:
            used.copy = found.get((log, seq))
        else:
            used.event = found.get((log, seq))


def _columns(batch: Batch) -> list[Sequence[object]]:
    """What is to be written, as arrays for _ADD."""
    events = [
        (
            log,
            event.seq,
            event.id,
            event.kind == "sent",
            event.sender,
            event.to,
            event.text,
            event.key,
            event.sent_at_ms,
            salt,
            digest,
            link,
        )
        for log, event, salt, digest, link in batch.events
    ]
    places = [
        (place.number, place.head, place.link, place.oldest_ms)
        for place in batch.places.values()
        if place.grown
    ]
    columns: list[Sequence[object]] = list(zip(*events, strict=True))
    columns += zip(*batch.keys, strict=True) if batch.keys else [()] * 5
    columns += zip(*places, strict=True)
    return columns


def _tell(done: Done, outcomes: Sequence[Outcome]) -> None:
    try:
        done(outcomes)
    except Exception:
        _log.exception("what became of posts was not taken")  # others still have to be told of theirs
