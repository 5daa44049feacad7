"""Pages of a place's messages, as entries of a timeline."""

from collections.abc import AsyncIterator

from hubbub.chat.state.places import Place, RoomPlace
from hubbub.chat.state.timeline import PAGE_ENTRIES, Entry, entry_of
from hubbub.client import Client, Event

Page = tuple[tuple[Entry, ...], bool]
"""Oldest first, and whether nothing lies beyond."""


async def newest(client: Client, place: Place) -> Page:
    return await older(client, place, None)


async def older(client: Client, place: Place, before: int | None) -> Page:
    """What comes before. Raises the client's errors."""
    if isinstance(place, RoomPlace):
        events, all_there = await _some(client.history(place.id, before=before))
    else:
        events, all_there = await _some(client.conversation(place.name, before=before))
    return tuple(map(entry_of, reversed(events))), all_there


async def newer(client: Client, place: Place, after: int) -> Page:
    if isinstance(place, RoomPlace):
        events, all_there = await _some(client.history(place.id, after=after))
    else:
        events, all_there = await _some(client.conversation(place.name, after=after))
    return tuple(map(entry_of, events)), all_there


async def _some(events: AsyncIterator[Event]) -> tuple[list[Event], bool]:
    some: list[Event] = []
    async for event in events:
        some.append(event)
        if len(some) == PAGE_ENTRIES:
            return some, False
    return some, True
