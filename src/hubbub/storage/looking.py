"""Going through a store's keys, its direct messages and its people, whichever backend the rows are selected
from: what a check reads of each in the same steps.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec

from hubbub.domain.ids import UserId, inbox_log, owner_of
from hubbub.storage import strays
from hubbub.storage.auditing import Checked, KeyFacts, Pair
from hubbub.storage.strays import onward

BATCH = 250
"""Events, or whatever it is, in one look: a millisecond or two of the loop's time."""

FIRST = -(1 << 63)
"""Before every number there can be."""

Row = tuple[Any, ...]


class Statements(msgspec.Struct, frozen=True, kw_only=True):
    """A backend's. What is listed begins after a key that is given, in its order, and has a limit."""

    keys: str
    """By log, sender and key; the columns of `strays.key_facts`."""
    log: str
    """The number, and more, of a log by its name."""
    name: str
    """The name of a log by its number."""
    next_peer: str
    """The number of an inbox, and the next whom it has direct messages with."""
    next_inbox: str
    """The same of the next inbox that has any."""
    has_peer: str
    """A row if the inbox of that number has any with them."""
    users: str
    rooms: str
    sessions: str
    """By their first column; the columns of `strays.users`, `rooms` and `sessions`."""
    marks: str
    """By log and place; the columns of `strays.marks`, as `_marks` makes them of its rows."""


class Looking(ABC):
    """A part of an Auditing."""

    _sql: Statements

    @abstractmethod
    async def _rows(self, sql: str, *given: object) -> list[Row]:
        """Raises StorageFailed; Damaged for a text that is none."""

    def _marks(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows

    async def keys(self) -> AsyncIterator[Sequence[KeyFacts]]:
        last: Row = (FIRST, "", "")
        while rows := await self._rows(self._sql.keys, *last, BATCH):
            last = onward(last, rows[-1][:3])
            yield [strays.key_facts(row) for row in rows]

    async def pairs(self) -> AsyncIterator[Sequence[Pair]]:
        found: list[Pair] = []
        tried = 0
        async for pair in self._peers():
            tried += 1
            if pair is not None:
                found.append(pair)
            if tried % (BATCH // 5) == 0:  # each takes some five look-ups
                yield found
                found = []
        yield found

    async def _peers(self) -> AsyncIterator[Pair | None]:
        """For each inbox and each person it has direct messages with, the two of them, unless they come up
        from the other inbox too."""
        sql = self._sql
        rows = await self._rows(sql.next_inbox, FIRST)
        before: Row = (FIRST, "")
        while rows:
            number, peer = before = onward(before, rows[0])
            log = await self._rows(sql.name, number)
            owner = owner_of(log[0][0]) if log else None
            if owner is None or owner == peer or (peer > owner and await self._has(peer, owner)):
                yield None
            else:
                yield Pair(one=owner, other=peer)
            rows = await self._rows(sql.next_peer, number, peer) or await self._rows(sql.next_inbox, number)

    async def _has(self, user: UserId, peer: UserId) -> bool:
        """Whether the inbox of `user` has anything with `peer`."""
        facts = await self._rows(self._sql.log, inbox_log(user))
        return bool(facts) and bool(await self._rows(self._sql.has_peer, facts[0][0], peer))

    async def people(self) -> AsyncIterator[Checked]:
        sql = self._sql
        for statement, checked in (
            (sql.users, strays.users),
            (sql.rooms, strays.rooms),
            (sql.sessions, strays.sessions),
        ):
            last = ""
            while rows := await self._rows(statement, last, BATCH):
                last = onward(last, rows[-1][0])
                yield checked(rows)
        mark: Row = (FIRST, "")
        while rows := await self._rows(sql.marks, *mark, BATCH):
            mark = onward(mark, rows[-1][:2])
            yield strays.marks(self._marks(rows))
