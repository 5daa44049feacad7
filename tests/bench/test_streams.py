"""Streams over HTTP as a client cuts them: by the server's own chunks, or by any others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.events import RUN, Clock, message
from hubbub.bench.connections import Client, Listening
from hubbub.bench.hearing import Hearing
from hubbub.bench.ledger import Ledger
from hubbub.bench.places import Faults, Places
from hubbub.bench.seats import Seat
from hubbub.bench.streams import BadChunk, NdjsonClient, SseClient, chunks
from hubbub.domain.ids import LogId
from hubbub.protocol.frames import encode
from hubbub.protocol.framing import Entry, NdjsonFraming, SseFraming, chunk, sse_opening

FRAMINGS = {SseClient: SseFraming("epoch"), NdjsonClient: NdjsonFraming()}
HEAD = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
LOG = LogId("room/room")


class Shared:
    def __init__(self):
        self.hearing = Hearing(RUN, Clock())
        self.ledger = Ledger(RUN, 0, 80, Clock())


def listening(kind: type[Listening], shared: Shared):
    seat = Seat(number=0, user="user-00001", token="hb_", source=None, rooms=("room",))
    return kind(shared, Client(seat, Places({"room": 0})), "localhost")


def written(kind, *seqs):
    return FRAMINGS[kind].join(LOG, [Entry(seq, "message", encode(message(seq))) for seq in seqs])


both = pytest.mark.parametrize("kind", [SseClient, NdjsonClient])


@both
async def test_a_chunk_is_parsed_once_for_all_who_are_written_it(kind):
    shared = Shared()
    clients = [listening(kind, shared) for _ in range(5)]
    for client in clients:
        for data in (HEAD, written(kind, 1, 2), written(kind, 3)):
            client.data_received(data)
    assert [client.client.places.last for client in clients] == [{"room": 3}] * 5
    assert (shared.hearing.parsed, shared.hearing.faults) == (3, Faults())


@both
@given(data=st.data())
async def test_wherever_the_bytes_are_parted_the_same_is_heard(kind, data):
    whole = HEAD + written(kind, 1) + written(kind, 2, 3) + written(kind, 4)
    at = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    client = listening(kind, shared := Shared())
    for begin, end in zip([0, *at], [*at, len(whole)], strict=True):
        client.data_received(whole[begin:end])
    assert (client.client.places.last, shared.hearing.faults) == ({"room": 4}, Faults())


@both
async def test_chunks_may_be_cut_anew_by_somebody_between(kind):
    (body,), _ = chunks(written(kind, 1, 2, 3))
    client = listening(kind, shared := Shared())
    client.data_received(HEAD)
    for begin in range(0, len(body), 37):
        client.data_received(chunk(body[begin : begin + 37]))
    assert (client.client.places.last, shared.hearing.faults) == ({"room": 3}, Faults())


async def test_what_an_event_stream_says_beside_events_is_no_event():
    client = listening(SseClient, shared := Shared())
    client.data_received(HEAD + sse_opening("epoch:0", 2000))
    client.data_received(chunk(b": still here\n\n"))
    assert (client.ready.done(), shared.hearing.parsed) == (True, 0)


async def test_a_refusal_is_told_in_the_servers_words():
    client = listening(SseClient, Shared())
    client.connection_made(Transport())
    client.data_received(b"HTTP/1.1 404 Not Found\r\n\r\nno such room")
    assert "404" in str(client.ready.exception())
    assert "no such room" in str(client.ready.exception())


def test_what_is_no_chunk_is_told():
    with pytest.raises(BadChunk):
        chunks(b"hello\r\n")


class Transport:
    def write(self, data):
        pass

    def abort(self):
        pass
