"""The generator's checks: what is planted has to be found, and nothing else may be."""

import os
import socket
import threading

import pytest

from benchmarks.chat import chat
from generator import Generator, GeneratorFailed
from reference import script
from script import Answer, Client, Script, Send, Wait, text

READERS = 5
POSTS_PER_SECOND = 50
"""Slow enough that a line is heard by all before the next is said."""

FAULTS = ("missing", "twice", "out_of_order", "foreign")

pytestmark = pytest.mark.usefixtures("programs")


def loaded(port, *, clients=READERS, rate=POSTS_PER_SECOND, whole=None):
    """The figures of half a second."""
    whole = whole or script(port=port, clients=clients, rooms=1, payload_bytes=80)
    with Generator(whole) as generator:
        return generator.load(rate, seconds=0.4, warm_up_seconds=0.1, settle_seconds=1)


def faults(figures):
    return {name: figures[name] for name in FAULTS if figures[name]}


def test_an_honest_server_has_no_faults():
    with chat() as port:
        figures = loaded(port)

    assert faults(figures) == {}
    posts = figures["posts"]
    assert 5 < posts <= 25  # on a busy machine the last may not be sent in time
    assert figures["delivered"] == posts * READERS
    assert figures["delivery_ms"]["count"] == (posts - 5) * READERS
    assert 0 < figures["deliveries_per_second"] < 2 * POSTS_PER_SECOND * READERS


def test_a_delivery_that_never_came_is_missing():
    with chat(lambda reader, line, said: b"" if (reader, line) == (2, 7) else said) as port:
        assert faults(loaded(port)) == {"missing": 1}


def test_the_last_delivery_is_missed_too():
    with chat(lambda reader, line, said: b"" if (reader, line) == (2, 24) else said) as port:
        assert faults(loaded(port)) == {"missing": 1}


def test_a_post_that_nobody_was_told_is_missing_for_all():
    with chat(lambda _reader, line, said: b"" if line == 7 else said) as port:
        assert faults(loaded(port)) == {"missing": READERS}


def test_a_delivery_that_came_again_is_found():
    with chat(lambda reader, line, said: said * 2 if (reader, line) == (2, 7) else said) as port:
        assert faults(loaded(port)) == {"twice": 1}


def test_a_delivery_that_came_again_much_later_is_found():
    kept = []

    def mischief(reader, line, said):
        if (reader, line) == (2, 3):
            kept.append(said)
        return said + kept.pop() if (reader, line) == (2, 20) else said

    with chat(mischief) as port:
        assert faults(loaded(port)) == {"twice": 1}


def test_an_order_that_others_were_not_told_is_found():
    held = []

    def mischief(reader, line, said):
        if (reader, line) == (2, 7):
            held.append(said)
            return b""
        return said + held.pop() if held and reader == 2 else said

    with chat(mischief) as port:
        assert faults(loaded(port)) == {"out_of_order": 1}


def test_a_post_of_another_room_is_found():
    """Everybody is in one room of this server, and the generator was told of two."""
    with chat() as port:
        whole = script(port=port, clients=2, rooms=2, payload_bytes=80)
        figures = loaded(port, whole=whole)

    assert figures["foreign"] == figures["posts"]
    assert figures["missing"] == 0


def test_a_number_that_was_never_posted_is_foreign():
    def mischief(reader, line, said):
        marker = said[:8]
        return said + marker + b"ffffffff" if (reader, line) == (2, 7) else said

    with chat(mischief) as port:
        assert faults(loaded(port)) == {"foreign": 1}


def test_what_an_earlier_load_left_behind_is_no_fault_of_the_next():
    kept = []

    def mischief(reader, line, said):
        if (reader, line) == (2, 3):
            kept.append(said)
        return said + kept.pop() if (reader, line) == (2, 30) else said

    with (
        chat(mischief) as port,
        Generator(script(port=port, clients=3, rooms=1, payload_bytes=80)) as generator,
    ):
        generator.load(50, seconds=0.4, warm_up_seconds=0.1)
        figures = generator.load(50, seconds=0.4, warm_up_seconds=0.1)

    assert figures["stale"] == 1
    assert faults(figures) == {}


def test_latency_counts_from_when_a_post_was_due():
    """A server that stalls for 200 ms is seen to have stalled by all posts that were due meanwhile."""
    stalled = threading.Event()

    def mischief(reader, line, said):
        if (reader, line) == (0, 10):
            stalled.wait(0.2)
        return said

    with chat(mischief) as port:
        figures = loaded(port)

    assert faults(figures) == {}
    assert 200 <= figures["delivery_ms"]["longest"] < 1000
    assert figures["delivery_ms"]["p90"] > 150
    assert figures["lateness_ms"]["p50"] < 100


# -- against a server that is written out -----------------------------------


def one_client(port, *, answers=(), steps=(), connect_seconds=5):
    said = text("~run~", 20)
    client = Client(address="127.0.0.2", room=0, steps=steps, post=f"{said}\n".encode())
    return Script(
        port=port, marker="~run~", clients=[client], answers=answers, connect_seconds=connect_seconds
    )


@pytest.fixture
def serve():
    """Run a function with the one socket that is accepted: `port = serve(function)`."""
    threads = []
    listener = socket.create_server(("127.0.0.1", 0))

    def started(play):
        def accept():
            try:
                who = listener.accept()[0]
            except OSError:
                return  # nobody came
            who.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with who, who.makefile("rb") as lines:
                play(who, lines)

        threads.append(threading.Thread(target=accept))
        threads[-1].start()
        return listener.getsockname()[1]

    yield started
    listener.shutdown(socket.SHUT_RDWR)
    for thread in threads:
        thread.join()
    listener.close()


def test_a_delivery_in_many_pieces_is_one(serve):
    def play(who, lines):
        for line in lines:
            for byte in line:
                who.sendall(bytes([byte]))

    figures = loaded(0, whole=one_client(serve(play)))

    assert faults(figures) == {}
    assert figures["delivered"] == 25


def test_a_question_is_answered_once_with_what_followed_it(serve):
    answered = []

    def play(who, lines):
        for number, line in enumerate(lines):
            if line.startswith(b"PONG"):
                answered.append(line)
            else:
                who.sendall(line + (b"PING 1234\n" if number == 3 else b""))

    answer = Answer(seen=b"PING ", said=b"PONG ", echoed=5)
    loaded(0, whole=one_client(serve(play), answers=[answer]))

    assert answered == [b"PONG 1234\n"]


def test_a_handshake_goes_on_when_its_answer_has_come(serve):
    heard = []

    def play(who, lines):
        heard.append(lines.readline())
        who.sendall(b"who")
        who.sendall(b" are you?\n")
        heard.append(lines.readline())
        who.sendall(b"come in\n")
        lines.read()

    steps = [
        Send(said=b"knock\n"),
        Wait(for_bytes=b"who are you?"),
        Send(said=b"it is me\n"),
        Wait(for_bytes=b"in\n"),
    ]
    with Generator(one_client(serve(play), steps=steps)) as generator:
        assert generator.connected["clients"] == 1

    assert heard == [b"knock\n", b"it is me\n"]


def test_who_is_not_let_in_is_counted(serve, capfd):
    def play(who, lines):
        lines.readline()
        who.sendall(b"you again?\n")

    steps = [Send(said=b"knock\n"), Wait(for_bytes=b"come in")]
    with Generator(one_client(serve(play), steps=steps)) as generator:
        assert generator.connected["clients"] == 0
        assert generator.connected["refused"] == 1

    assert "at step 1: closed; it was told: you again?" in capfd.readouterr().err


def test_a_server_that_never_answers_is_not_waited_for(serve):
    whole = one_client(
        serve(lambda _who, lines: lines.read()), steps=[Wait(for_bytes=b"x")], connect_seconds=1
    )

    with Generator(whole) as generator:
        assert generator.connected["refused"] == 1


def test_a_connection_that_breaks_is_counted(serve):
    figures = loaded(0, whole=one_client(serve(lambda _who, lines: lines.readline())))

    assert figures["lost_connections"] == 1
    assert figures["missing"] == 25


def test_a_reply_that_holds_the_number_is_an_acknowledgement(serve):
    """The marker is then what stands before the number in the server's reply."""

    def play(who, lines):
        for line in lines:
            who.sendall(b'{"ref":"' + line[5:13] + b'"}')

    port = serve(play)
    whole = one_client(port)
    whole = Script(port=port, marker='"ref":"', clients=whole.clients)
    figures = loaded(0, whole=whole)

    assert faults(figures) == {}
    assert figures["delivery_ms"]["count"] == 20


def test_a_script_that_means_nothing_is_refused(programs, tmp_path, capfd):
    class Nonsense:
        def lines(self):
            yield os.urandom(4).hex().encode()

    with pytest.raises(GeneratorFailed, match="ended with 1"), Generator(Nonsense()):
        pass

    assert "which means nothing" in capfd.readouterr().err
