"""Writing a batch of drafts in one transaction.

The rows of its logs are locked before anything is numbered, so that of all nodes one at a time adds to a log.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence

from hubbub.domain.events import Draft
from hubbub.domain.ids import LogId, inbox_log
from hubbub.storage.postgres.batch import Batch, Place, Used
from hubbub.storage.postgres.database import AnotherStore, Connection, commit
from hubbub.storage.postgres.logs import event_of, stored_at
from hubbub.storage.postgres.marking import EPOCH

# The numbers never change, so whoever waits for a lock and gets a newer row still goes in their order.
_LOCK = f"""
    SELECT name, number, head, link, floor, floor_link, ({EPOCH})
    FROM logs WHERE name = ANY($1::text[]) ORDER BY number FOR NO KEY UPDATE OF logs
"""  # noqa: S608
_TIED = """
    SELECT number, seq, digest, link
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS place (number, head, floor)
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
_ADD = """
    WITH added AS (
        INSERT INTO events
            (log, seq, id, sent, sender, recipient, text, key, sent_at_ms, salt, digest, link)
        SELECT * FROM unnest(
            $1::bigint[], $2::bigint[], $3::text[], $4::boolean[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::bigint[], $10::bytea[], $11::bytea[], $12::bytea[])
    ), claimed AS (
        INSERT INTO keys (log, sender, key, seq, receipt)
        SELECT * FROM unnest($13::bigint[], $14::text[], $15::text[], $16::bigint[], $17::bigint[])
    )
    UPDATE logs
    SET head = grown.head, link = grown.link, oldest_ms = coalesce(grown.oldest_ms, logs.oldest_ms)
    FROM unnest($18::bigint[], $19::bigint[], $20::bytea[], $21::bigint[])
        AS grown (number, head, link, oldest_ms)
    WHERE logs.number = grown.number
"""
_THERE = "SELECT true FROM events WHERE log = $1 AND seq = $2 AND digest = $3"

REMEMBERED_LOGS = 32_768
"""Logs of which a node knows what it saw when it last added to them; some 200 bytes each."""


class Seen:
    """How far logs went when this node last saw them, and their last event was tied to the one before."""

    def __init__(self) -> None:
        self._heads: OrderedDict[LogId, int] = OrderedDict()

    def head(self, log: LogId) -> int | None:
        """None for a log that has to be looked at before anything is added to it."""
        return self._heads.get(log)

    def note(self, log: LogId, head: int) -> None:
        self._heads[log] = head
        self._heads.move_to_end(log)
        if len(self._heads) > REMEMBERED_LOGS:
            self._heads.popitem(last=False)


class Attempt:
    """One try to write a batch.

    Always true: until `is_committing` nothing of it is stored; from then on only the answer tells, or a look
    at what is stored (`doubt`).
    """

    def __init__(self, drafts: Sequence[Draft], *, epoch: str, seen: Seen, salt: Callable[[], bytes]) -> None:
        self.batch = Batch(drafts)
        self.is_committing = False
        self._epoch = epoch
        self._seen = seen
        self._salt = salt

    async def write(self, connection: Connection, doubt: Batch | None) -> Batch:
        """Store it, unless an earlier try, of which that is in `doubt`, turns out to be; the one that is.

        Raises what the driver raises, and AnotherStore; the connection is then amid a transaction.
        """
        batch = self.batch
        await connection.execute("BEGIN")
        await self._lock(connection)
        if doubt is not None and await _is_there(connection, doubt):
            await connection.execute("ROLLBACK")
            return doubt
        await self._look_up_keys(connection)
        batch.settle(self._salt)
        if not batch.events:
            await connection.execute("ROLLBACK")
            return batch
        await connection.execute(_ADD, *_columns(batch))
        self.is_committing = True
        await commit(connection)
        for place in batch.places.values():
            if place.grown:
                self._seen.note(place.name, place.head)
        return batch

    async def _lock(self, connection: Connection) -> None:
        """Have all the logs of the batch for this transaction alone, as they are now."""
        places = self.batch.places
        rows = await connection.fetch(_LOCK, self.batch.logs())
        for name, number, head, link, floor, floor_link, epoch in rows:
            if epoch != self._epoch:
                raise AnotherStore("The database holds another store than before.")
            places[name] = Place(
                name=name, number=number, head=head, link=link, floor=floor, floor_link=floor_link
            )
        new: list[Place] = []
        for log, place in places.items():
            head = self._seen.head(log)
            if head is None:
                new.append(place)
            elif place.head < head:
                raise AnotherStore(f"{log} ends at {place.head}, and did at {head}: the database lost posts.")
        if new:
            await self._look(connection, new)

    async def _look(self, connection: Connection, new: Sequence[Place]) -> None:
        """See that the logs end as they should, of which this node has not seen it yet."""
        asked = [(place.number, place.head, place.floor) for place in new]
        last: dict[int, list[tuple[int, bytes, bytes]]] = {place.number: [] for place in new}
        for number, seq, digest, link in await connection.fetch(_TIED, *zip(*asked, strict=True)):
            last[number].append((seq, digest, link))
        for place in new:
            place.look(last[place.number])
            if place.damage is None:
                self._seen.note(place.name, place.head)

    async def _look_up_keys(self, connection: Connection) -> None:
        """A statement after the one that locked, for it sees what was committed while that waited."""
        asked = self.batch.asked()
        if not asked:
            return
        used = self.batch.used
        rows = await connection.fetch(_USED, *zip(*asked, strict=True))
        for log, sender, key, seq, receipt, id, sent_at_ms, digest in rows:
            used[log, sender, key] = Used(
                seq=seq, receipt=receipt, id=id, sent_at_ms=sent_at_ms, digest=digest
            )
        if used:
            await _look_up_events(connection, self.batch)


async def _is_there(connection: Connection, batch: Batch) -> bool:
    """Whether the batch, whose commit went unanswered, is stored. Nobody is still writing it, for that would
    hold the locks; and the salt of an event is its own, so its digest is nobody else's."""
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
    rows = await stored_at(connection.fetch, [(log, seq) for log, seq, *_ in wanted])
    found = {(row[0], row[1]): event_of(names[row[0]], row, 1) for row in rows}
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
