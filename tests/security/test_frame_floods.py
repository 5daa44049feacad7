"""One client who sends frames as fast as it can must not have the loop to itself, nor fill the memory."""

import asyncio
import tracemalloc

from websockets.frames import Frame, Opcode

from hubbub.api.framed import FRAMES_PER_TURN, FramedConnection
from support.deadline import deadline


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.reading = True

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str) -> None:
        return None


class Flooded(FramedConnection):
    __slots__ = ("full", "over", "told")
    max_frame_bytes = 1000

    def __init__(self) -> None:
        super().__init__()
        self.connection_made(Transport())  # type: ignore[arg-type]
        self.told: list[bytes] = []
        self.full = False
        self.over = False

    def take_text(self, text: bytes) -> None:
        self.told.append(bytes(text))

    def is_full(self) -> bool:
        return self.full

    def turn_is_over(self) -> bool:
        return self.over

    def leave(self) -> None:
        pass


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin=fin).serialize(mask=True)


async def test_a_flood_of_pings_leaves_the_loop_to_others_and_is_answered_whole():
    flooded = Flooded()
    pings = [b"%d" % number for number in range(FRAMES_PER_TURN * 5 + 7)]
    flooded.data_received(b"".join(frame(Opcode.PING, ping) for ping in pings))
    answered = flooded.transport.written
    assert len(answered) == FRAMES_PER_TURN
    assert not flooded.transport.reading  # and the kernel holds the rest of the flood back
    turns = 0
    async with deadline():
        while len(answered) < len(pings):
            await asyncio.sleep(0)
            turns += 1
    assert turns >= 5
    assert flooded.transport.reading
    assert answered == [Frame(Opcode.PONG, ping).serialize(mask=False) for ping in pings]


async def test_when_the_turn_is_over_everybody_waits_for_the_next():
    flooded = Flooded()
    flooded.over = True
    flooded.data_received(frame(Opcode.TEXT, b"x") * 3)
    assert flooded.told == []
    assert not flooded.transport.reading
    flooded.over = False
    async with deadline():
        while len(flooded.told) < 3:
            await asyncio.sleep(0)
    assert flooded.transport.reading


async def test_no_kind_of_frame_is_read_without_end_in_one_turn():
    for kind in (frame(Opcode.TEXT, b"x"), frame(Opcode.PONG), frame(Opcode.PING)):
        flooded = Flooded()
        flooded.data_received(kind * 3 * FRAMES_PER_TURN)
        assert len(flooded._held) == len(kind) * 2 * FRAMES_PER_TURN


async def test_who_is_full_while_it_rests_stays_unread_until_it_is_not():
    flooded = Flooded()
    flooded.data_received(frame(Opcode.TEXT, b"x") * 2 * FRAMES_PER_TURN)
    flooded.full = True
    flooded.go_on()  # an answer went out: no reason to end the rest
    assert len(flooded.told) == FRAMES_PER_TURN
    await asyncio.sleep(0)
    assert len(flooded.told) == FRAMES_PER_TURN
    assert not flooded.transport.reading
    flooded.full = False
    flooded.go_on()
    assert len(flooded.told) == 2 * FRAMES_PER_TURN


async def test_fragments_cost_what_is_in_them():
    flooded = Flooded()
    flooded.data_received(frame(Opcode.TEXT, b"x", fin=False))
    some = frame(Opcode.CONT, fin=False) * FRAMES_PER_TURN
    tracemalloc.start()
    try:
        for _ in range(200):
            flooded.data_received(some)
            await asyncio.sleep(0)
        held, _peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 64 * 1024
    flooded.data_received(frame(Opcode.CONT, b"y"))
    assert flooded.told == [b"xy"]
