"""What the generator is told."""

import pytest

from script import NUMBER, Answer, Client, Script, Send, Wait, new_marker, text


def lines(**changes):
    whole = {"port": 7000, "marker": "~m~", "clients": []} | changes
    return b"".join(Script(**whole).lines())


def test_a_text_has_as_many_bytes_as_were_asked_for():
    assert len(text(new_marker(), 80)) == 80


def test_a_text_that_has_no_room_for_its_number_is_refused():
    with pytest.raises(ValueError, match="13 bytes at least"):
        text("~abc~", 12)


def test_two_runs_have_different_markers():
    assert new_marker() != new_marker()


def test_every_place_of_a_number_is_listed():
    client = Client(address="127.0.0.2", room=3, steps=[], post=f"a{NUMBER}bc{NUMBER}".encode())

    assert b"post 19 2 1 11\n" in lines(clients=[client])


def test_blobs_may_hold_anything():
    steps = [Send(said=b"\n 5\n"), Wait(for_bytes=b"\x00")]

    assert lines(clients=[Client(address="127.0.0.2", room=0, steps=steps)]).endswith(
        b"client 127.0.0.2 0\nsend 4\n\n 5\n\nwait 1\n\x00\n"
    )


def test_who_only_listens_has_no_post():
    assert b"post" not in lines(clients=[Client(address="127.0.0.2", room=0, steps=[])])


def test_an_answer_says_how_much_it_echoes():
    assert b"answer 5 4 5\nPING PONG \n" in lines(answers=[Answer(seen=b"PING ", said=b"PONG ", echoed=4)])
