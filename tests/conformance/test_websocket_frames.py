"""Frames that say something: what is posted in them arrives, and what is no request is refused.

Frames as such are tried in tests/autobahn, by every case of that suite.
"""

import json

import pytest
from websockets.frames import Opcode

from conformance.sockets import closing, frame, said, talk
from support.seeded import token_of

ADA = token_of("ada")
MAX_FRAME = 64 * 1024
MAX_TEXT = 16_384


@pytest.fixture
async def ada(house):
    async with talk(house.server.address, ADA) as ada:
        yield ada


def _post(house, text, **more) -> str:
    return json.dumps({"type": "post", "ref": 1, "room": house.room, "text": text} | more, ensure_ascii=False)


async def _is_posted(house, ada, text):
    answer = await ada.json()
    assert answer["type"] == "posted", answer
    assert (await house.texts())[-1] == text


# -- framing -------------------------------------------------------------------

SIZES = (1, 30, 60, 125, 126, 127, 128, 1000, 16_000, MAX_TEXT)


async def test_texts_of_every_size_arrive(house, ada, subtests):
    for size in SIZES:
        with subtests.test(size=size):
            ada.say(frame(_post(house, "x" * size)))
            await _is_posted(house, ada, "x" * size)


async def test_texts_in_any_pieces_arrive(house, ada, subtests):
    for size in (1, 125, 1000):
        for piece in (1, 7, 64):
            with subtests.test(size=size, piece=piece):
                whole = frame(_post(house, "y" * size))
                for at in range(0, len(whole), piece):
                    await ada.wire.push(whole[at : at + piece])
                await _is_posted(house, ada, "y" * size)


async def test_a_frame_of_the_largest_size_is_taken(house, ada):
    text = _post(house, "x")
    ada.say(frame(text + " " * (MAX_FRAME - len(text))))
    await _is_posted(house, ada, "x")


TOO_BIG = {
    "one byte too many": frame("x" * (MAX_FRAME + 1)),
    "a gigabyte": b"\x81\xff" + (1 << 30).to_bytes(8) + b"\0\0\0\0",
    "2**63 - 1": b"\x81\xff" + ((1 << 63) - 1).to_bytes(8) + b"\0\0\0\0",
    "fragments that add up": frame("x" * MAX_FRAME, fin=False) + frame("x", Opcode.CONT),
}


async def test_a_frame_too_big_ends_with_1009(house, subtests):
    for name, sent in TOO_BIG.items():
        with subtests.test(name):
            async with talk(house.server.address, ADA) as ada:
                ada.say(sent)
                assert (await ada.closes())[0] == 1009


# -- what no frame may be ---------------------------------------------------


async def test_what_came_before_an_unlawful_frame_is_done_and_what_comes_behind_is_not(house):
    async with talk(house.server.address, ADA) as ada:
        unlawful = frame("{}", mask=False)
        ada.say(frame(_post(house, "before")), unlawful, frame(_post(house, "behind")))
        await ada.wire.rest()
    await house.is_at_rest()
    assert await house.texts() == ["before"]


# -- fragments ------------------------------------------------------------------


async def test_a_fragmented_text_has_its_turn_among_whole_ones(house, ada):
    text = _post(house, "second", ref=2)
    ada.say(
        frame(_post(house, "first")),
        frame(text[:9], fin=False),
        frame(text[9:], Opcode.CONT),
        frame(_post(house, "third", ref=3)),
    )
    assert [(await ada.json())["ref"] for _ in range(3)] == [1, 2, 3]
    assert await house.texts() == ["first", "second", "third"]


async def test_fragments_without_end_are_not_kept(house):
    async with talk(house.server.address, ADA) as ada:
        ada.say(frame("x", fin=False))
        for _ in range(MAX_FRAME // 1000 + 1):
            await ada.wire.push(frame("x" * 1000, Opcode.CONT, fin=False))
        assert (await ada.closes())[0] == 1009


# -- UTF-8 ----------------------------------------------------------------------

SCRIPTS = (
    "κόσμε",
    "\ue000",
    "\ufffd",
    "\U0010ffff",
    "👩‍👩‍👧‍👦",
    "שלום",
    "\u2028\u2029",
    "a\u0301",
    "\x7f",
    '\\"\n',
)


async def test_every_script_arrives_as_it_was_sent(house, ada, subtests):
    for text in SCRIPTS:
        with subtests.test(ascii(text)):
            for sent in (_post(house, text), json.dumps(json.loads(_post(house, text)))):
                ada.say(frame(sent))
                await _is_posted(house, ada, text)


NO_TEXT = {
    "a byte alone": b"\xff",
    "the rest of a character": b"\x80",
    "half a character": b"\xce",
    "a surrogate": b"\xed\xa0\x80",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "too long a form": b"\xc0\xaf",
    "beyond Unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
}


async def test_what_is_not_utf_8_ends_with_1007(house, subtests):
    for name, wrong in NO_TEXT.items():
        for sent in (
            frame(_post(house, "@").encode().replace(b"@", wrong)),
            frame(wrong),
            frame(wrong, fin=False) + frame("", Opcode.CONT),
        ):
            with subtests.test(name):
                async with talk(house.server.address, ADA) as ada:
                    ada.say(sent)
                    assert (await ada.closes())[0] == 1007
    assert await house.texts() == []


async def test_a_surrogate_written_in_json_is_no_text(house, ada):
    ada.say(frame(_post(house, "@").replace("@", "\\ud800")))
    assert (await ada.closes())[0] == 4400
    assert await house.texts() == []


# -- closing --------------------------------------------------------------------


async def test_posts_before_a_close_are_stored(house, ada):
    ada.say(*(said(type="post", ref=n, room=house.room, text=str(n)) for n in range(50)), closing())
    await ada.wire.rest()
    await house.is_at_rest()
    assert await house.texts() == [str(n) for n in range(50)]


# -- what is lawful, but no request ---------------------------------------------


async def test_binary_ends_with_4400(house, subtests):
    for sent in (frame(b"{}", Opcode.BINARY), frame(b"{", Opcode.BINARY, fin=False)):
        with subtests.test(len(sent)):
            async with talk(house.server.address, ADA) as ada:
                ada.say(sent)
                assert (await ada.closes())[0] == 4400


NO_OBJECT = (
    "",
    " ",
    "hello",
    "{",
    "[]",
    "null",
    "1",
    '"x"',
    "{}{}",
    '{"type"}',
    "[" * 60_000,
    '{"a":' * 10_000,
)


async def test_what_is_no_json_object_ends_with_4400(house, subtests):
    for text in NO_OBJECT:
        with subtests.test(text[:10]):
            async with talk(house.server.address, ADA) as ada:
                ada.say(frame(text))
                assert (await ada.closes())[0] == 4400


NO_REQUEST = {
    "no type": {},
    "a type nobody knows": {"type": "dance"},
    "a type of the server's": {"type": "hello"},
    "a type that is no text": {"type": 7},
    "no text": {"type": "post", "room": "x"},
    "a text that is none": {"type": "post", "room": "x", "text": 7},
    "a room that is none": {"type": "subscribe", "room": ["x"]},
    "no place": {"type": "post", "text": "x"},
    "two places": {"type": "post", "text": "x", "room": "x", "to": "bob"},
    "no log": {"type": "subscribe"},
    "two logs": {"type": "subscribe", "room": "x", "inbox": True},
    "a cursor that is none": {"type": "subscribe", "inbox": True, "after": "x"},
    "a cursor below nothing": {"type": "subscribe", "inbox": True, "after": -1},
    "half a cursor": {"type": "subscribe", "inbox": True, "after": 0.5},
    "an empty text": {"type": "post", "text": "", "to": "bob"},
    "a NUL": {"type": "post", "text": "\0", "to": "bob"},
    "a key that is none": {"type": "post", "text": "x", "to": "bob", "key": ""},
    "a key too long": {"type": "post", "text": "x", "to": "bob", "key": "k" * 129},
    "the head of an inbox": {"type": "post", "text": "x", "to": "bob", "if_head": 0},
}


async def test_what_is_no_request_is_refused_and_the_connection_goes_on(house, ada, subtests):
    for ref, (name, members) in enumerate(NO_REQUEST.items()):
        with subtests.test(name):
            answer = await ada.asks(ref=ref, **members)
            assert (answer["type"], answer["ref"], answer["status"]) == ("error", ref, 400), answer
    assert (await ada.asks(type="post", ref="last", room=house.room, text="hi"))["ref"] == "last"


REFS = (0, -1, 1.5, "", "a", "κ", "x" * 256, 2**53, None)


async def test_any_ref_comes_back_as_it_was_given(house, ada, subtests):
    for ref in REFS:
        with subtests.test(ref=str(ref)[:20]):
            answer = await ada.asks(type="unsubscribe", ref=ref, room=house.room)
            assert answer.get("ref") == ref


async def test_members_nobody_knows_are_passed_over(house, ada):
    answer = await ada.asks(type="post", ref=1, room=house.room, text="hi", mood={"very": ["good"]})
    assert answer["type"] == "posted"
