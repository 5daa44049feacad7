"""What is said within a turn goes out together, before what is written after it, and nothing stays behind."""

from collections.abc import Callable

from hubbub.api.framed import FramedConnection
from hubbub.api.outbox import Outbox
from hubbub.protocol.framing import text_frame


class Turns:
    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def soon(self, call: Callable[[], None]) -> None:
        self.waiting.append(call)

    def next(self) -> None:
        waiting, self.waiting = self.waiting, []
        for call in waiting:
            call()


class Transport:
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        self.writes.append(data)

    def is_closing(self) -> bool:
        return self.closing


turns = Turns()


class Speaking(FramedConnection):
    __slots__ = ()
    max_frame_bytes = 1000
    outbox = Outbox(turns.soon)

    def take_text(self, text: bytes) -> None:
        raise AssertionError("nothing comes here")

    def is_full(self) -> bool:
        return False

    def leave(self) -> None:
        pass


def connected() -> tuple[Speaking, list[bytes]]:
    connection, transport = Speaking(), Transport()
    connection.connection_made(transport)  # type: ignore[arg-type]
    return connection, transport.writes


def test_all_that_is_said_in_a_turn_is_one_write():
    connection, writes = connected()
    connection.say(b"one")
    connection.say(b"two")
    assert writes == []
    turns.next()
    assert writes == [text_frame(b"one") + text_frame(b"two")]


def test_what_was_said_goes_out_before_what_is_written_after_it_and_with_it():
    connection, writes = connected()
    connection.say(b"a reply")
    connection.write(text_frame(b"an event"))
    assert writes == [text_frame(b"a reply") + text_frame(b"an event")]
    turns.next()
    assert len([each for each in writes if each]) == 1


def test_what_is_said_again_after_that_is_not_forgotten():
    connection, writes = connected()
    connection.say(b"one")
    connection.write(b"event")
    connection.say(b"two")
    turns.next()
    turns.next()
    assert b"".join(writes) == text_frame(b"one") + b"event" + text_frame(b"two")


def test_everyone_is_served_and_each_once():
    speakers = [connected() for _ in range(3)]
    for number, (connection, _) in enumerate(speakers):
        connection.say(b"%d" % number)
    Speaking.outbox.send()
    turns.next()
    assert [writes for _, writes in speakers] == [[text_frame(b"%d" % number)] for number in range(3)]


def test_a_connection_that_is_gone_is_written_nothing():
    connection, writes = connected()
    connection.say(b"too late")
    connection.connection_lost(None)
    turns.next()
    assert writes == []
    other, others = connected()
    other.say(b"closing")
    other.transport.closing = True  # type: ignore[attr-defined]
    turns.next()
    assert others == []
