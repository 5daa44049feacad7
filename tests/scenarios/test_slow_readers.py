"""A reader who cannot keep up loses nothing and costs nobody."""

from support.deadline import deadline
from support.lounge import lounge

TEXT = "x" * 16_000


async def _until_behind(hall, speaker):
    """Speak until the blocked reader's socket is full, and a good while longer; how much was said."""
    said = 0
    async with await speaker.client.socket() as socket, deadline(60):
        while not hall.server.context.hub.behind:
            await socket.post(f"{said} {TEXT}", room=hall.room.id)
            said += 1
        for _ in range(200):
            await socket.post(f"{said} {TEXT}", room=hall.room.id)
            said += 1
    return said


def _transport(connection):
    return getattr(connection, "transport", None) or connection._connection.transport


async def test_a_slow_reader_gets_everything_once_it_reads_again(hall):
    ada, bob = await hall.people("ada", "bob")
    road = await hall.road()
    slow = await hall.person("cyd", url=road.url)
    await bob.listens()
    await slow.listens()

    road.block()
    said = await _until_behind(hall, ada)
    heard = await bob.gets(said)
    assert [event.seq for event in heard] == list(range(1, said + 1))
    assert hall.server.context.hub.behind == 1

    road.free()
    heard = await slow.gets(said)
    assert [event.seq for event in heard] == list(range(1, said + 1))
    assert [event.text.partition(" ")[0] for event in heard] == [str(n) for n in range(said)]
    assert slow.ear.connections == 1

    await ada.says("welcome back")
    await slow.hears("welcome back")
    assert hall.server.context.hub.behind == 0


async def test_what_waits_in_the_server_for_a_slow_reader_is_bounded(hall):
    (ada,) = await hall.people("ada")
    road = await hall.road()
    slow = await hall.person("bob", url=road.url)
    await slow.listens()
    road.block()
    await _until_behind(hall, ada)
    settings = hall.server.context.settings
    waiting = [
        _transport(connection).get_write_buffer_size()
        for wheel in hall.server.context.connections._wheels.values()
        for connection in wheel.all()
    ]
    assert len(waiting) == 1
    assert 0 < waiting[0] <= 2 * settings.write_buffer_bytes + 4 * len(TEXT)


async def test_the_operator_says_how_much_may_wait(data):
    settings = {"write_buffer_bytes": 100_000}
    async with lounge(data, "ws", settings=settings) as place:
        bob, cyd = await place.people("bob", "cyd")
        await bob.listens()
        cyd.transport = "sse"
        await cyd.listens()
        limits = {
            _transport(connection).get_write_buffer_limits()[1]
            for wheel in place.server.context.connections._wheels.values()
            for connection in wheel.all()
        }
        assert limits == {100_000}


async def test_a_reader_who_leaves_while_behind_leaves_nothing_behind(hall):
    (ada,) = await hall.people("ada")
    road = await hall.road()
    slow = await hall.person("bob", url=road.url)
    await slow.listens()
    road.block()
    said = await _until_behind(hall, ada)
    cursors = slow.ear.cursors()
    road.cut()
    async with deadline():
        while hall.server.context.hub.behind:  # the server notices with its next turns
            await ada.client.room_by_id(hall.room.id)
    assert sum(hall.server.context.connections.by_transport.values()) == 0

    road.free()
    await slow.close()
    slow = await hall.person("bob")
    await slow.listens(after=cursors)
    assert [event.seq for event in await slow.gets(said)] == list(range(1, said + 1))
