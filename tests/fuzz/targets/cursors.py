"""Cursors as clients give them back: a place in a log, a mistake, or of another epoch; nothing else."""

from collections.abc import Iterator

from hubbub.domain.errors import BadInput, StaleCursor
from hubbub.domain.ids import UserId, inbox_log, owner_of, room_log, room_of
from hubbub.protocol.cursor import (
    MAX_SEQ,
    check_reached,
    format_cursor,
    format_cursors,
    parse_cursor,
    parse_cursors,
    parse_seq,
)

EPOCH = "e1"
READER = UserId("ada")


def try_one(data: bytes) -> None:
    given = data.decode("utf-8", "ignore")
    try:
        seq = parse_cursor(given, EPOCH)
    except StaleCursor:
        assert ":" in given
        assert not given.startswith(f"{EPOCH}:") or given.count(":") > 1
    except BadInput:
        assert parse_seq(given) is None
    else:
        epoch, colon, number = given.rpartition(":")
        assert epoch == EPOCH or not colon, "of another epoch"
        assert number.isascii()
        assert 0 <= seq <= MAX_SEQ
        assert parse_cursor(format_cursor(EPOCH, seq), EPOCH) == seq
        assert parse_cursor(seq, EPOCH) == seq
        try:
            check_reached(seq, 10)
        except StaleCursor:
            assert seq > 10
    try:
        places = parse_cursors(given, EPOCH, READER)
    except (BadInput, StaleCursor):
        return
    assert all(0 <= seq <= MAX_SEQ for seq in places.values())
    assert all(owner_of(log) in (None, READER) for log in places), "a cursor names another's inbox"
    assert all((room_of(log) is None) != (owner_of(log) is None) for log in places)
    assert parse_cursors(format_cursors(EPOCH, places), EPOCH, READER) == places


def seeds() -> Iterator[bytes]:
    logs = {room_log("R"): 1, room_log("S-1_x"): MAX_SEQ, inbox_log(READER): 0}
    for text in (
        "0",
        "12",
        f"{EPOCH}:12",
        "other:12",
        "-1",
        "+1",
        " 1",
        "1_000",
        "٣",
        "1e3",
        "9" * 18,
        "9" * 19,
        "0" * 30,
        f"{EPOCH}:",
        ":1",
        f"{EPOCH}:1:1",
        format_cursors(EPOCH, logs),
        f"{EPOCH}:R=1,R=2,=3,=4",
        f"{EPOCH}:,,,",
        f"{EPOCH}:inbox/bob=1",
    ):
        yield text.encode()


WORDS = tuple(
    word.encode()
    for word in (
        EPOCH,
        ":",
        "=",
        ",",
        "0",
        "1",
        "-",
        "+",
        "999999999999999999",
        "\n",
        "٣",
        "@bob",
        "/",
        "u:bob",
    )
)
