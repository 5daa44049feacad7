"""Adding to the logs in PostgreSQL: what is posted while a batch is being written is the next batch.

A batch that could not be written is written again where it is known that nothing of it is stored.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import asyncpg
import msgspec
import structlog

from hubbub.domain import chain
from hubbub.domain.errors import StorageAway, StorageFull, Unavailable
from hubbub.domain.events import Draft
from hubbub.storage.base import Outcome
from hubbub.storage.postgres.attempt import Attempt, Seen
from hubbub.storage.postgres.batch import Batch
from hubbub.storage.postgres.database import PATIENCE_SECONDS, Connection, Database, leave
from hubbub.storage.postgres.failures import DRIVER, is_conflict, is_loss, meaning
from hubbub.storage.postgres.marks import Marks

Done = Callable[[Sequence[Outcome]], None]

MAX_BATCH = 5_000
"""Drafts that are written together, unless one append has more: what a transaction holds up is bounded."""

MAX_CONFLICTS = 4
"""How often a batch is written that runs into the transactions of other nodes."""

_SALTS_AT_ONCE = 256

_log = structlog.get_logger("hubbub.storage")


class _Call(msgspec.Struct, frozen=True, gc=False):
    drafts: Sequence[Draft]
    done: Done


class Appending(Marks):
    """The writing half of the logs.

    Always true:
      * one batch is under way while there is anything to write, and the calls are answered in their order;
      * a batch whose commit went unanswered is not written again before it is known not to be there.
    """

    def __init__(
        self,
        database: Database,
        *,
        epoch: str,
        randomness: Callable[[int], bytes],
        monotonic: Callable[[], float],
        writer: Connection,
        on_batch: Callable[[int], None],
    ) -> None:
        """`writer`: the connection that writes. `on_batch` is told of each batch how many posts it has."""
        super().__init__(database)
        self._epoch = epoch
        self._randomness = randomness
        self._monotonic = monotonic
        self._on_batch = on_batch
        self._salts: list[bytes] = []
        self._seen = Seen()
        self._calls: deque[_Call] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._own: Connection | None = writer

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
                self._on_batch(size)
                at = 0
                for call in calls:
                    upto = at + len(call.drafts)
                    _tell(call.done, outcomes[at:upto])
                    at = upto
        finally:
            self._writing = None

    # -- one batch, however long it takes -----------------------------------

    async def _outcomes(self, drafts: Sequence[Draft]) -> Sequence[Outcome]:
        """What became of them; the same Unavailable for all where that is not known, or nothing did."""
        if not drafts:
            return []
        try:
            batch = await self._written(drafts)
        except Unavailable as refusal:
            return [refusal] * len(drafts)
        except Exception as error:
            # Also a seq that should have been free: someone else writes to the logs, nothing can be trusted.
            return [self._db.give_up(error)] * len(drafts)
        for damage in batch.damages:
            self._db.damaged(damage)
        return batch.outcomes

    async def _written(self, drafts: Sequence[Draft]) -> Batch:
        """Written, and again where that is known to be right."""
        doubt: Batch | None = None
        conflicts = 0
        give_up_at: float | None = None
        while True:
            attempt = Attempt(drafts, epoch=self._epoch, seen=self._seen, salt=self._salt)
            connection = await self._connection()
            try:
                return await attempt.write(connection, doubt)
            except DRIVER as error:
                is_lost = is_loss(error) or connection.is_closed()
                self._drop(connection)
                if is_lost:
                    if attempt.is_committing:
                        doubt = attempt.batch
                    self._db.lost(error)
                    give_up_at = give_up_at or self._monotonic() + PATIENCE_SECONDS
                    if self._monotonic() >= give_up_at:
                        raise StorageAway() from error
                elif is_conflict(error):
                    conflicts += 1
                    if conflicts == MAX_CONFLICTS:
                        raise (meaning(error) if doubt is None else StorageAway()) from error
                elif isinstance(error, asyncpg.DiskFullError):
                    raise StorageFull() from error
                else:
                    raise
            except BaseException:
                self._drop(connection)  # it holds locks that others wait for
                raise

    async def _connection(self) -> Connection:
        """The one that writes, which nothing else waits for. Raises StorageAway, StorageFailed."""
        self._db.check()
        if self._own is None or self._own.is_closed():
            self._own = await self._db.connect()
        return self._own

    def _drop(self, connection: Connection) -> None:
        """After an error: what it is in the middle of is undone by the server."""
        connection.terminate()
        self._own = None

    def _salt(self) -> bytes:
        if not self._salts:
            pool = self._randomness(chain.SALT_BYTES * _SALTS_AT_ONCE)
            self._salts = [pool[at : at + chain.SALT_BYTES] for at in range(0, len(pool), chain.SALT_BYTES)]
        return self._salts.pop()


def _tell(done: Done, outcomes: Sequence[Outcome]) -> None:
    try:
        done(outcomes)
    except Exception:
        _log.exception("what became of posts was not taken")  # others still have to be told of theirs
