"""The WebSocket conversation as a table: texts in, requests and ordered answers out."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.domain.errors import BadInput
from hubbub.protocol.dialogue import Ask, Close, Dialogue
from hubbub.protocol.frames import Post, Subscribe, Unsubscribe


def told(dialogue: Dialogue, ask: Ask, answer: bytes) -> list[bytes | None]:
    return [due.answer for due in dialogue.answer(ask, answer)]


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        (b'{"type":"subscribe","ref":1,"room":"R","after":12}', Subscribe(ref=1, room="R", after=12)),
        (b'{"type":"subscribe","ref":"a","inbox":true}', Subscribe(ref="a", inbox=True)),
        (b'{"type":"unsubscribe","ref":"' + b"x" * 256 + b'"}', Unsubscribe(ref="x" * 256)),
        (b'{"type":"unsubscribe","room":"R"}', Unsubscribe(room="R")),
        (b'{"type":"post","room":"R","text":"hi","key":"k1"}', Post(room="R", text="hi", key="k1")),
        (b'{"type":"post","to":"bob","text":"hi","shoe_size":44}', Post(to="bob", text="hi")),
    ],
)
def test_a_request_is_what_the_text_says(text: bytes, request_: object) -> None:
    assert Dialogue().receive(text).request == request_


@pytest.mark.parametrize(
    ("text", "ref", "field"),
    [
        (b'{"type":"post","ref":7,"room":"R","text":5}', 7, "text"),
        (b'{"type":"post","ref":"x","room":"R"}', "x", "text"),
        (b'{"type":"dance","ref":3}', 3, "type"),
        (b'{"ref":4}', 4, "type"),
    ],
)
def test_json_that_is_no_request_can_still_be_answered(text: bytes, ref: object, field: str | None) -> None:
    ask = Dialogue().receive(text)
    assert isinstance(ask.request, BadInput)
    assert ask.ref == ref
    assert ask.request.members.get("field") == field


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"hello", 4400),
        (b"", 4400),
        (b"[]", 4400),
        (b"7", 4400),
        (b'{"type":"post"', 4400),
        (b'{"ref":{}}', 4400),
        (b'{"type":"subscribe","room":"R","ref":"' + b"x" * 257 + b'"}', 4400),
        (b"[" * 60_000, 4400),
        (b'{"type":"subscribe","x":' + b"[" * 5_000 + b"]" * 5_000 + b"}", 4400),
        (b'{"type":"post","text":"\xff"}', 1007),
        (b'{"type":"post","text":"a","x":"\xc3"}', 1007),
    ],
)
def test_what_cannot_be_understood_ends_the_conversation(text: bytes, code: int) -> None:
    with pytest.raises(Close) as close:
        Dialogue().receive(text)
    assert close.value.code == code


@given(st.binary())
def test_any_bytes_are_a_request_or_a_close(data: bytes) -> None:
    with contextlib.suppress(Close):
        assert isinstance(Dialogue().receive(data), Ask)


@given(st.permutations(range(6)))
def test_answers_come_in_the_order_of_the_requests(order: list[int]) -> None:
    dialogue = Dialogue()
    asks = [dialogue.receive(b'{"type":"post","room":"R","text":"x"}') for _ in order]
    heard: list[bytes | None] = []
    for which in order:
        heard += told(dialogue, asks[which], b"%d" % which)
    assert heard == [b"%d" % which for which in range(6)]
    assert dialogue.waiting == 0


def test_what_follows_an_answer_waits_for_the_answers_before_it() -> None:
    dialogue = Dialogue()
    post = dialogue.receive(b'{"type":"post","room":"R","text":"x"}')
    subscribe = dialogue.receive(b'{"type":"subscribe","room":"R"}')
    started: list[str] = []
    assert list(dialogue.answer(subscribe, b"subscribed", lambda: started.append("now"))) == []
    for due in dialogue.answer(post, b"posted"):
        if due.after:
            due.after()
    assert started == ["now"]
