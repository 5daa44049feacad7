"""An answer's head and body leave in one write, and a head that has no body leaves all the same."""

import pytest

from hubbub.api.transport import Together

HEAD = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Transport:
    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.writes.append(data)

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def answer(transport) -> Together:
    return Together(transport)


def test_head_and_body_are_one_write(answer, transport):
    answer.write(HEAD)
    answer.write(b"ok")
    assert transport.writes == [HEAD + b"ok"]


def test_what_follows_is_written_as_it_comes(answer, transport):
    for part in (HEAD, b"a", b"b", HEAD):
        answer.write(part)
    assert transport.writes == [HEAD + b"a", b"b", HEAD]


def test_an_empty_body_sends_the_head(answer, transport):
    answer.write(HEAD)
    answer.write(b"")
    assert transport.writes == [HEAD]


def test_go_on_is_said_at_once(answer, transport):
    answer.write(CONTINUE)
    assert transport.writes == [CONTINUE]
    answer.write(HEAD)
    answer.write(b"ok")
    assert transport.writes == [CONTINUE, HEAD + b"ok"]


def test_a_head_without_a_body_is_sent_once_when_asked_for(answer, transport):
    answer.write(HEAD)
    answer.send_head()
    answer.send_head()
    assert transport.writes == [HEAD]


def test_closing_sends_what_was_said_and_nothing_when_nothing_was(answer, transport):
    answer.write(HEAD)
    answer.close()
    assert (transport.writes, answer.is_closing()) == ([HEAD], True)
    silent = Transport()
    Together(silent).close()
    assert silent.writes == []
