"""Frames by the letter of RFC 6455: the cases of the Autobahn test suite that apply to a server of JSON.

Its sections 1 (framing), 2 (pings and pongs), 3 (reserved bits), 4 (opcodes), 5 (fragments), 6 (UTF-8),
7 (closing) and 10 (many fragments); where it echoes, a post is made and its text is read back.
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


# -- 1: framing -----------------------------------------------------------------

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


async def test_a_length_in_more_bytes_than_it_needs_is_taken(house, ada):
    whole = frame(_post(house, "x"))
    assert whole[1] == 0x80 | len(whole) - 6
    ada.say(whole[:1] + b"\xff" + (len(whole) - 6).to_bytes(8) + whole[2:])
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


# -- 2: pings and pongs ---------------------------------------------------------


async def test_pings_are_answered_with_what_they_carry(ada, subtests):
    for payload in (b"", b"hello", b"\x00\xff\xfe", b"\xfe" * 125):
        with subtests.test(size=len(payload)):
            ada.say(frame(payload, Opcode.PING))
            assert await ada.frame() == (True, 0, Opcode.PONG, payload)


async def test_ten_pings_in_one_packet_are_answered_in_order(ada):
    ada.say(*(frame(b"%d" % n, Opcode.PING) for n in range(10)))
    assert [(await ada.frame()).payload for _ in range(10)] == [b"%d" % n for n in range(10)]


async def test_unasked_pongs_are_nothing_to_answer(house, ada):
    ada.say(frame(b"", Opcode.PONG), frame(b"p" * 125, Opcode.PONG), frame(_post(house, "hi")))
    await _is_posted(house, ada, "hi")


# -- 3 to 5: what no frame may be -----------------------------------------------

TEXT = frame("{}")
UNLAWFUL = {
    **{f"reserved bits {bits:03b}": bytes([0x81 | bits << 4]) + TEXT[1:] for bits in range(1, 8)},
    "a reserved bit on a ping": bytes([0x89 | 0x40]) + frame(b"", Opcode.PING)[1:],
    "a reserved bit on a close": bytes([0x88 | 0x10]) + closing()[1:],
    **{f"opcode {code}": bytes([0x80 | code]) + TEXT[1:] for code in (*range(3, 8), *range(11, 16))},
    "no mask": frame("{}", mask=False),
    "a ping without a mask": frame(b"", Opcode.PING, mask=False),
    "a ping of 126 bytes": b"\x89\xfe" + (126).to_bytes(2) + bytes(4 + 126),
    "a ping in fragments": b"\x09" + frame(b"a", Opcode.PING)[1:],
    "a pong in fragments": b"\x0a" + frame(b"a", Opcode.PONG)[1:],
    "a close in fragments": b"\x08" + closing()[1:],
    "a close of 126 bytes": b"\x88\xfe" + (126).to_bytes(2) + bytes(4) + b"\x03\xe8" + b"x" * 124,
    "a continuation of nothing": frame("{}", Opcode.CONT),
    "the end of nothing": frame("{}", Opcode.CONT, fin=False),
    "a text amid fragments": frame("{", fin=False) + frame("}"),
    "a binary amid fragments": frame("{", fin=False) + frame(b"}", Opcode.BINARY),
    "a close with half a code": b"\x88\x81\0\0\0\0\x03",
    **{
        f"a close with the code {code}": b"\x88\x82\0\0\0\0" + code.to_bytes(2)
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
    },
}


async def test_an_unlawful_frame_ends_with_1002(house, subtests):
    for name, sent in UNLAWFUL.items():
        with subtests.test(name):
            async with talk(house.server.address, ADA) as ada:
                ada.say(sent, frame(_post(house, "behind it")))
                assert (await ada.closes())[0] == 1002
    assert await house.texts() == []


async def test_what_came_before_an_unlawful_frame_is_done(house):
    async with talk(house.server.address, ADA) as ada:
        ada.say(frame(_post(house, "before")), UNLAWFUL["no mask"])
        await ada.wire.rest()
    await house.is_at_rest()
    assert await house.texts() == ["before"]


# -- 5 and 10: fragments --------------------------------------------------------


async def test_a_text_in_fragments_is_one_text(house, ada, subtests):
    for pieces in (2, 3, 10, 1000):
        with subtests.test(pieces=pieces):
            text = _post(house, "z" * 2000).encode()
            size = -(-len(text) // pieces)
            parts = [text[at : at + size] for at in range(0, len(text), size)]
            ada.say(
                frame(parts[0], fin=False),
                *(frame(part, Opcode.CONT, fin=False) for part in parts[1:-1]),
                frame(parts[-1], Opcode.CONT),
            )
            await _is_posted(house, ada, "z" * 2000)


async def test_fragments_may_be_empty(house, ada):
    ada.say(
        frame("", fin=False),
        frame(_post(house, "hi"), Opcode.CONT, fin=False),
        frame("", Opcode.CONT, fin=False),
        frame("", Opcode.CONT),
    )
    await _is_posted(house, ada, "hi")


async def test_control_frames_come_amid_fragments(house, ada):
    text = _post(house, "hi")
    ada.say(
        frame(text[:5], fin=False),
        frame(b"1", Opcode.PING),
        frame(b"", Opcode.PONG),
        frame(text[5:9], Opcode.CONT, fin=False),
        frame(b"2", Opcode.PING),
        frame(text[9:], Opcode.CONT),
    )
    assert (await ada.frame()).payload == b"1"
    assert (await ada.frame()).payload == b"2"
    await _is_posted(house, ada, "hi")


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


# -- 6: UTF-8 -------------------------------------------------------------------

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


async def test_a_character_may_be_cut_in_two_by_fragments(house, ada):
    text = _post(house, "κόσμε").encode()
    cut = text.index("ό".encode()) + 1
    ada.say(frame(text[:cut], fin=False), frame(text[cut:], Opcode.CONT))
    await _is_posted(house, ada, "κόσμε")


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


# -- 7: closing -----------------------------------------------------------------


async def test_a_close_is_answered_with_its_code(house, subtests):
    for code in (1000, 1001, 1003, 1007, 1011, 3000, 3999, 4000, 4999):
        with subtests.test(code=code):
            async with talk(house.server.address, ADA) as ada:
                ada.say(closing(code, "good-bye"), frame(_post(house, "never read")))
                assert (await ada.frame()).payload[:2] == code.to_bytes(2)
                await ada.wire.is_closed()
    assert await house.texts() == []


async def test_a_close_without_a_code_is_answered_with_none(ada):
    ada.say(closing(None))
    assert (await ada.frame())[2:] == (Opcode.CLOSE, b"")
    await ada.wire.is_closed()


async def test_a_close_with_the_longest_reason_is_answered(ada):
    ada.say(closing(1000, "x" * 123))
    assert (await ada.frame()).opcode == Opcode.CLOSE
    await ada.wire.is_closed()


async def test_a_close_whose_reason_is_not_utf_8_ends_with_1007_or_1002(ada):
    ada.say(frame(b"\x03\xe8\xff\xff", Opcode.CLOSE))
    assert (await ada.closes())[0] in (1002, 1007)


async def test_a_close_amid_fragments_ends_it(house, ada):
    ada.say(frame(_post(house, "hi")[:5], fin=False), closing(), frame(_post(house, "hi")[5:], Opcode.CONT))
    assert (await ada.closes())[0] in (1000, 1002)  # RFC 6455 leaves open what half a message is then
    assert await house.texts() == []


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
