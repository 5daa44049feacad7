"""Small things at the edge: paths, addresses, and what reaches the log."""

import pytest

from hubbub.api.address import client_address, networks
from hubbub.domain.ids import SessionId, UserId, room_log
from hubbub.hub.log import CHUNK_BYTES
from hubbub.logs import redacted
from hubbub.protocol import framing
from hubbub.protocol.cursor import parse_cursors
from hubbub.service.tickets import Tickets
from support.seeded import token_of


@pytest.mark.parametrize("path", ["/rooms%0A", "/subscribe%0A", "/inbox/messages%0A", "/docs%0A", "/%0A"])
async def test_a_path_with_a_line_break_behind_it_is_another_path(target, path):
    """It was taken for the path without, and the break was put in the Link field: an exception."""
    for name in ("Lounge", "Attic"):
        await target.room(name)
    answer = await target.other.asks("GET", path + "?limit=1&after=0&inbox=", token_of("ada"))
    assert (answer.status, answer.code) == (404, "no-such-page")


@pytest.mark.parametrize("rooms", [1, 100])
def test_a_ticket_is_blotted_out_whatever_it_is_called(rooms):
    logs = [room_log(f"room{number:08}") for number in range(rooms)]
    ticket, _ = Tickets(b"k" * 32, lambda: 1).issue(SessionId("s" * 20), UserId("a"), logs)
    for said in (f"?%74icket={ticket}", f"?after=e:0&Ticket={ticket}&x", f"{ticket}", f"({ticket})"):
        assert ticket.partition(".")[0] not in redacted(said)
        assert ticket.partition(".")[2] not in redacted(said)


def test_names_of_things_are_no_tickets():
    for said in ("hubbub.api.transport", "a" * 64, "127.0.0.1", f"{'a' * 40}.{'b' * 64}"):
        assert redacted(said) == said


def test_an_address_is_known_by_one_name():
    """What a proxy passes on of it: neither a zone nor another way to write it makes another client of it."""
    trusted = networks(("10.0.0.0/8",))
    for written, known in (
        ("192.0.2.1%a", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:0db8::0001%\x1b[31m", "2001:db8::1"),
    ):
        assert client_address("10.0.0.1", {"x-forwarded-for": written}, trusted) == known


def test_the_cursor_over_many_logs_is_not_said_anew_for_each_event(monkeypatch):
    """850 rooms on each of 300 streams made every post cost 150 ms; one address may hold more."""
    said = []
    really = framing.format_place
    monkeypatch.setattr(framing, "format_place", lambda log, seq: said.append(log) or really(log, seq))
    rooms = [room_log(f"room{number}") for number in range(850)]
    stream = framing.SseOverManyFraming("e", dict.fromkeys(rooms, 0))
    said.clear()
    for seq in range(1, 4):
        stream.join(rooms[7], [framing.Entry(seq, "message", b"{}")])
    assert said == [rooms[7]] * 3
    assert parse_cursors(stream.cursor, "e", UserId("a")) == {**dict.fromkeys(rooms, 0), rooms[7]: 3}


async def test_what_one_catching_up_costs_counts_the_cursor_over_its_logs(target):
    """64 KB of short messages, each with a cursor of 17 KB, were 6 MB for a reader who takes none of it."""
    room = await target.room()
    for _ in range(600):
        await target.post(room, "x")
    rooms = [room_log(room), *(room_log(f"room{number:08}") for number in range(850))]
    chunks: list[int] = []

    class Slow:
        framing = framing.SseOverManyFraming("e", dict.fromkeys(rooms, 0))
        paused = False

        def __init__(self) -> None:
            self.subscriptions = ()

        def write(self, data: bytes) -> None:
            chunks.append(len(data))
            self.paused = True

    slow = Slow()
    hub = target.context.hub
    hub.start(await hub.open(slow, rooms[0], 0))
    sub = slow.subscriptions[0]
    while not sub.live:
        await target.until(lambda: slow.paused)
        before = len(chunks)
        slow.paused = False
        hub.resume(slow)
        await target.until(lambda before=before: sub.live or len(chunks) > before)
    assert max(chunks) < 2 * CHUNK_BYTES
    assert sub.position == 600
    hub.leave(slow)
