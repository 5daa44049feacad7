"""What a connection costs that is signed in, subscribed and silent: in objects and bytes of the interpreter.

The kernel's and the event loop's part come on top; `hubbub bench idle` measures all of it.
"""

import gc
import sys
import tracemalloc

import pytest

from performance.crowd import Transport, crowd

CONNECTIONS = 500

MOST_OBJECTS = 10
"""Blocks the interpreter has allocated for each. All three bounds stand a little above what there is."""

MOST_TRACKED = 5
"""Objects for each that the garbage collector has to look at whenever it looks at all."""

MOST_BYTES = 900


@pytest.fixture
async def people(tmp_path):
    async with crowd(tmp_path, 5) as people:  # what only the first costs is there
        yield people


@pytest.fixture
def transports():
    """Made before anything is counted, for they are not the server's."""
    made = [Transport() for _ in range(CONNECTIONS)]
    for each in made:
        each.writes += [b""] * 8
    return made


async def come_in(people, transports):
    """Everybody, and nothing is left over from that but what stays."""
    await people.comes_in(transports)
    people.forget()
    gc.collect()


async def test_an_idle_connection_is_few_objects(people, transports):
    gc.collect()
    blocks, tracked = sys.getallocatedblocks(), len(gc.get_objects())
    await come_in(people, transports)
    assert (sys.getallocatedblocks() - blocks) / CONNECTIONS <= MOST_OBJECTS
    assert (len(gc.get_objects()) - tracked) / CONNECTIONS <= MOST_TRACKED


async def test_an_idle_connection_is_few_bytes(people, transports):
    tracemalloc.start()
    try:
        await come_in(people, transports)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used / CONNECTIONS <= MOST_BYTES


def ours():
    """How many objects of the server's own kinds there are."""
    gc.collect()
    return sum(str(type(each).__module__).startswith("hubbub.") for each in gc.get_objects())


async def test_a_connection_that_ends_leaves_nothing(people, transports):
    before = ours()
    await come_in(people, transports)
    assert ours() - before >= 2 * CONNECTIONS  # each has its connection and its subscription at least
    del people.transports[-CONNECTIONS:]
    for connection in people.connections[-CONNECTIONS:]:
        connection.connection_lost(None)
    del connection, people.connections[-CONNECTIONS:]
    assert ours() == before
