"""Every promise is broken once in the bytes a server writes, and the generator notices: that and no other."""

import json
from itertools import count

import pytest
from msgspec.structs import replace

from bench.found import PATIENCE_SECONDS, RUN, found, seat
from bench.liar import Lie, lying
from cli.commands import hubbub
from hubbub.bench.report import BROKEN
from hubbub.bench.verdict import Verdict

POSTS = 20
READERS = 3
AT = 5
"""The event with which the server goes wrong."""

FIRST = 0
"""The reader that is lied to, where not all are."""


async def verdict_on(lie, transport="ws", *, settle_seconds=PATIENCE_SECONDS):
    """What is found of a server that lies so, when so many posts were posted to room a."""
    readers = [*(seat(number) for number in range(READERS)), seat(READERS, "b")]
    async with lying(lie) as liar:
        return await found(
            [liar.port],
            readers,
            seat(100),
            posts=POSTS,
            transport=transport,
            settle_seconds=settle_seconds,
        )


# -- lies -------------------------------------------------------------------


def tells(change, *, to=FIRST):
    """One reader, or with `to` None every one, is told something else than the event `AT`."""

    def told(reader, message):
        return change(message) if message.seq == AT and to in (None, reader) else [message]

    return Lie(tells=told)


def held_back():
    """The event `AT` comes to one reader after the one that follows it."""
    held = []

    def told(reader, message):
        if reader != FIRST or message.seq not in (AT, AT + 1):
            return [message]
        held.append(message)
        return held[::-1] if message.seq == AT + 1 else []

    return Lie(tells=told)


def stores(change):
    """The post number `AT` is put in the logs in another way."""
    numbers = count(1)
    return Lie(stores=lambda message: change(message) if next(numbers) == AT else [message])


def acknowledges(answer, **more):
    numbers = count(1)
    return Lie(acknowledges=lambda seq: answer if next(numbers) == AT else seq, **more)


def turned_away():
    numbers = count(1)
    return acknowledges(None, stores=lambda message: [] if next(numbers) == AT else [message])


def swallowed_by_all_of_them(reader, message):
    return [] if message.seq == POSTS else [message]


EACH = READERS * POSTS
LIES = {
    "loss for one": (lambda: tells(lambda message: []), {"missing": 1}),
    "loss for all": (lambda: tells(lambda message: [], to=None), {"missing": READERS, "misplaced": 1}),
    "the last one lost": (lambda: Lie(tells=swallowed_by_all_of_them), {"missing": READERS, "misplaced": 1}),
    "a repeat": (lambda: tells(lambda message: [message, message]), {"twice": 1}),
    "a wrong order": (lambda: held_back(), {"out_of_order": 1}),
    "a text that was changed": (
        lambda: tells(lambda message: [replace(message, text=message.text[:-1] + "?")], to=None),
        {"foreign": 1},
    ),
    "an event of another run": (
        lambda: tells(lambda message: [replace(message, key="run2.0.1")], to=None),
        {"foreign": 1, "misplaced": 1},
    ),
    "an event nobody has posted": (
        lambda: tells(lambda message: [message, replace(message, seq=AT + 1, key=f"{RUN}.0.999")], to=None),
        # It takes the number of one that comes then as well.
        {"foreign": 2, "twice": READERS, "contradicting": 1, "misplaced": 1},
    ),
    "an event of a room that was not asked for": (
        lambda: tells(lambda message: [message, replace(message, room="c", seq=1)]),
        {"foreign": 2},
    ),
    "a post stored in another room": (
        lambda: stores(lambda message: [replace(message, room="b")]),
        {"foreign": 1, "misplaced": 1},
    ),
    "a post told in another room too": (
        lambda: stores(lambda message: [message, replace(message, room="b")]),
        {"foreign": 1},
    ),
    "an acknowledgement with another's number": (lambda: acknowledges(AT + 1), {"misplaced": 1}),
    "an acknowledgement of what is not there": (
        lambda: acknowledges(POSTS + 1),
        {"missing": READERS, "misplaced": 1},
    ),
    "a post stored twice under one key": (
        lambda: stores(lambda message: [message, message]),
        {"stored_twice": 1},
    ),
    "a post that was turned away and told": (lambda: acknowledges(None), {"refused_and_told": 1}),
}


@pytest.mark.parametrize("transport", ["ws", "sse", "ndjson"])
async def test_a_server_that_keeps_its_promises_is_told_so(transport):
    assert await verdict_on(Lie(), transport) == Verdict(
        posted=POSTS, acknowledged=POSTS, expected_deliveries=EACH
    )


IN_VAIN = ("the last one lost", "an acknowledgement of what is not there")
"""What readers are left to wait for never comes."""


@pytest.mark.parametrize("name", LIES)
async def test_a_broken_promise_is_noticed_in_the_bytes(name):
    lie, broken = LIES[name]
    verdict = await verdict_on(lie(), settle_seconds=1.0 if name in IN_VAIN else PATIENCE_SECONDS)
    assert {name: count for name in BROKEN if (count := getattr(verdict, name))} == broken


async def test_two_readers_who_are_told_different_things_are_noticed():
    other = {"text": f"{RUN}.0.3 1 ", "key": f"{RUN}.0.3"}
    verdict = await verdict_on(tells(lambda message: [replace(message, **other)]))
    assert verdict.contradicting == 1  # what else is found depends on who was told first


@pytest.mark.parametrize("transport", ["sse", "ndjson"])
@pytest.mark.parametrize("lie", ["loss for one", "a repeat", "a wrong order", "an event of another run"])
async def test_streams_are_held_to_the_same(lie, transport):
    lie, broken = LIES[lie]
    verdict = await verdict_on(lie(), transport)
    assert {name: count for name in BROKEN if (count := getattr(verdict, name))} == broken


async def test_a_post_that_is_turned_away_and_not_told_is_no_broken_promise():
    verdict = await verdict_on(turned_away())
    assert (verdict.shed, verdict.acknowledged, verdict.broken) == (1, POSTS - 1, 0)
    assert verdict.expected_deliveries == EACH - READERS


def sheds_every_second():
    posted, stored = count(), count()
    return Lie(
        acknowledges=lambda seq: seq if next(posted) % 2 else None,
        stores=lambda message: [message] if next(stored) % 2 else [],
    )


async def test_a_server_that_sheds_is_told_what_it_took_and_what_it_shed(tmp_path):
    seed, out = tmp_path / "seed.json", tmp_path / "out"
    seed.write_text(json.dumps({"users": [{"name": "ada", "token": "t"}], "rooms": [{"id": "a"}]}))
    load = ("--clients", "2", "--rooms", "1", "--rate", "40", "--seconds", "0.5", "--warm-up", "0")
    async with lying(sheds_every_second()) as liar:
        url = f"http://127.0.0.1:{liar.port}"
        ended = await hubbub("bench", "overload", "--url", url, "--seed", seed, *load, "--out", out)
    assert ended.code == 0, ended.err + ended.out
    result = json.loads((out / "overload-ws.json").read_text("utf-8"))
    assert (result["verdict"]["acknowledged"], result["verdict"]["shed"]) == (10, 10)
    assert result["verdict"]["expected_deliveries"] == 20
    assert result["facts"]["share_of_posts_shed"] == 0.5
    (load,) = result["loads"]
    assert (load["acknowledgement_ms"]["count"], load["shed_ms"]["count"]) == (10, 10)
    assert "shed/s" in ended.out
    assert "10 posts were shed" in ended.out


async def test_the_command_ends_with_1_when_a_promise_was_broken(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text(json.dumps({"users": [{"name": "ada", "token": "t"}], "rooms": [{"id": "a"}]}))
    load = ("--clients", "2", "--rooms", "1", "--rate", "40", "--seconds", "0.5", "--warm-up", "0")
    async with lying(LIES["a repeat"][0]()) as liar:
        url = f"http://127.0.0.1:{liar.port}"
        ended = await hubbub("bench", "--url", url, "--seed", seed, *load, cwd=tmp_path)
    assert ended.code == 1
    assert "1 twice" in ended.out
