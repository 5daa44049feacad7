"""What every bus promises."""

from hubbub.bus.alone import NoBus
from hubbub.bus.base import MAX_MESSAGE_BYTES

from .conftest import until


async def test_what_is_sent_after_someone_listens_is_heard(join):
    (one, _), (_, ears) = await join(), (await join())
    other, ears = await join()
    await other.listen("log.1")

    one.send("log.1", b"hello")
    one.send("log.1", b"again")

    await until(lambda: ears.heard == [("log.1", b"hello"), ("log.1", b"again")])


async def test_a_node_does_not_hear_itself(join):
    (one, own), (other, ears) = await join(), await join()
    for bus in (one, other):
        await bus.listen("log.1")

    one.send("log.1", b"hello")
    await until(lambda: ears.heard)
    other.send("log.1", b"and you?")
    await until(lambda: own.heard)

    assert own.heard == [("log.1", b"and you?")]


async def test_what_nobody_listens_to_any_more_is_not_heard(join):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")
    await other.listen("log.2")
    other.unlisten("log.1")
    await other.listen("log.3")  # when this is confirmed, the server has taken all that was before

    one.send("log.1", b"unheard")
    one.send("log.2", b"heard")

    await until(lambda: ears.heard)
    assert ears.heard == [("log.2", b"heard")]


async def test_who_listens_again_hears_again(join):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")
    other.unlisten("log.1")
    await other.listen("log.1")

    one.send("log.1", b"hello")

    await until(lambda: ears.heard == [("log.1", b"hello")])


async def test_the_longest_message_is_carried(join):
    (one, _), (other, ears) = await join(), await join()
    await other.listen("log.1")

    one.send("log.1", bytes(MAX_MESSAGE_BYTES))

    await until(lambda: ears.heard)
    assert len(ears.heard[0][1]) == MAX_MESSAGE_BYTES


async def test_clusters_that_share_a_server_do_not_hear_each_other(join):
    (one, _), (other, ears), (friend, heard) = await join(), await join(prefix="games"), await join()
    await other.listen("log.1")
    await friend.listen("log.1")

    one.send("log.1", b"hello")

    await until(lambda: heard.heard)
    assert ears.heard == []


async def test_without_a_bus_there_is_nobody_to_hear(join):
    bus = NoBus()
    await bus.listen("log.1")
    bus.send("log.1", b"hello")
    bus.unlisten("log.1")
    await bus.close()

    assert not bus.up
