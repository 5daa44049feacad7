"""Posting to a store of any kind, which may tell what became of it only later."""

import asyncio
from collections.abc import Sequence

from hubbub.domain.events import Draft, Event, Posted
from hubbub.domain.ids import LogId
from hubbub.storage.base import Outcome, Store
from support.deadline import deadline

from .drafting import draft


async def append(store: Store, *drafts: Draft) -> Sequence[Outcome]:
    told: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
    store.append(drafts, told.set_result)
    async with deadline():
        outcomes = await told
    assert len(outcomes) == len(drafts)
    return outcomes


async def post(store: Store, *drafts: Draft) -> list[Posted]:
    """Append what has to succeed."""
    outcomes = await append(store, *drafts)
    assert all(isinstance(outcome, Posted) for outcome in outcomes), outcomes
    return [outcome for outcome in outcomes if isinstance(outcome, Posted)]


async def say(store: Store, place: LogId, *texts: str) -> list[Event]:
    return [posted.receipt for posted in await post(store, *(draft(place, text) for text in texts))]
