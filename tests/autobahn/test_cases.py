"""The cases of the Autobahn test suite, tried on an echo made of hubbub's frames."""

import asyncio

import pytest
from websockets.frames import Close, Opcode

from autobahn.cases import CASES, LARGE_AND_MANY, MORE, Case, Step
from autobahn.echo import PRODUCT_LIMIT_BYTES, Echo, echoing
from conformance.sockets import ACCEPT, UPGRADE, Talk, closing
from conformance.wire import wire
from support.deadline import deadline

TOO_BIG = 1009

NUMBERS = {
    "1.1": 8,
    "1.2": 8,
    "2": 11,
    "3": 7,
    "4.1": 5,
    "4.2": 5,
    "5": 20,
    "6.1": 3,
    "6.2": 4,
    "6.3": 2,
    "6.4": 4,
    "6.5": 5,
    "6.6": 11,
    "6.7": 4,
    "6.8": 2,
    "6.9": 4,
    "6.10": 3,
    "6.11": 5,
    "6.12": 8,
    "6.13": 5,
    "6.14": 10,
    "6.15": 1,
    "6.16": 3,
    "6.17": 5,
    "6.18": 5,
    "6.19": 5,
    "6.20": 7,
    "6.21": 8,
    "6.22": 34,
    "6.23": 7,
    "7.1": 6,
    "7.3": 6,
    "7.5": 1,
    "7.7": 13,
    "7.9": 9,
    "7.13": 2,
    "9.1": 6,
    "9.2": 6,
    "9.3": 9,
    "9.4": 9,
    "9.5": 6,
    "9.6": 6,
    "9.7": 6,
    "9.8": 6,
    "10.1": 1,
}
"""How many cases each section of the suite has, as it counts them itself."""


def test_there_is_a_row_for_every_case_of_the_suite():
    numbers = {f"{section}.{n}" for section, count in NUMBERS.items() for n in range(1, count + 1)}
    assert len(numbers) == 301
    assert set(CASES) == numbers


async def _say(talk: Talk, echo: Echo, packet: bytes) -> None:
    """In a packet of its own: it has been read before anything else is sent."""
    sent = echo.received_bytes + len(packet)
    talk.say(packet)
    async with deadline():
        while echo.received_bytes < sent and not echo.transport.is_closing():
            await asyncio.sleep(0)


async def _play(talk: Talk, echo: Echo, steps: list[Step]) -> None:
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(step, bytes):
            if echo.transport.is_closing():
                continue
            if isinstance(following, bytes):
                await _say(talk, echo, step)
            else:
                talk.say(step)
        else:
            assert await talk.frame() == step


async def _try(case: Case, limit_bytes: int | None = None) -> None:
    too_big = limit_bytes is not None and case.largest > limit_bytes
    steps = list(case.steps())
    if too_big:
        steps = [step for step in steps if isinstance(step, bytes)]
    async with echoing(*([limit_bytes] if limit_bytes else [])) as echoes, wire(echoes.address) as way:
        opening = await way.asks("GET", "/", None, **UPGRADE)
        assert opening.headers["sec-websocket-accept"] == ACCEPT
        talk, (echo,) = Talk(way, opening), echoes.connections
        await _play(talk, echo, steps)
        last = await talk.frame()
        assert last.opcode == Opcode.CLOSE, last
        code = Close.parse(last.payload).code if last.payload else None
        assert code in ((TOO_BIG,) if too_big else case.ends)
        talk.say(closing())
        await way.is_closed()


@pytest.mark.parametrize("number", CASES)
async def test_a_case_of_the_suite(number):
    await _try(CASES[number])


@pytest.mark.parametrize("name", MORE)
async def test_what_the_suite_does_not_ask(name):
    await _try(MORE[name])


@pytest.mark.parametrize("number", [*LARGE_AND_MANY, "1.1.7", "7.1.6"])
async def test_a_message_over_the_limit_of_the_server_ends_with_1009(number):
    await _try(CASES[number], PRODUCT_LIMIT_BYTES)
