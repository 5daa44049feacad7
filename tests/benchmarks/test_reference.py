"""The floor that figures are put beside: everybody is told everything, in every mode."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reference import MODES, measure, running

pytestmark = pytest.mark.usefixtures("programs")

ROOT = Path(__file__).parents[2]
FAULTS = ("missing", "twice", "out_of_order", "foreign", "lost_connections")


def member(port, room):
    """Somebody who is in."""
    who = socket.create_connection(("127.0.0.1", port), timeout=10)
    lines = who.makefile("rwb", buffering=0)
    lines.write(f"{room}\n".encode())
    assert lines.readline() == f"{room}\n".encode()
    return who, lines


def closed(*members):
    for who, lines in members:
        lines.close()
        who.close()


@pytest.mark.parametrize("mode", MODES)
def test_everybody_in_a_room_is_told_everything(mode):
    (figures,) = measure(mode, clients=60, rooms=3, rates=[500], seconds=0.4, warm_up_seconds=0.1)

    assert {name: figures[name] for name in FAULTS if figures[name]} == {}
    assert 0 < figures["posts"] <= 250  # on a busy machine the last may not be sent in time
    assert figures["delivered"] == figures["posts"] * 20
    # … or be on its way when the counting ends.
    assert figures["server"]["lines"] - figures["posts"] in (0, 1)
    assert figures["server"]["dropped"] == 0


def test_alone_everybody_is_told_their_own_posts():
    (figures,) = measure("joined", clients=20, rooms=0, rates=[500], seconds=0.4, warm_up_seconds=0.1)

    assert {name: figures[name] for name in FAULTS if figures[name]} == {}
    assert 0 < figures["posts"] <= 250
    assert figures["delivered"] == figures["posts"]


@pytest.mark.parametrize("mode", MODES)
def test_a_line_is_heard_by_its_room_and_nobody_else(mode):
    with running(mode) as server:
        ada, bob, eve = member(server.port, "a"), member(server.port, "a"), member(server.port, "b")
        ada[1].write(b"hello\n")
        assert ada[1].readline() == bob[1].readline() == b"hello\n"
        eve[1].write(b"alone\n")
        assert eve[1].readline() == b"alone\n"
        closed(ada, bob, eve)


@pytest.mark.parametrize("mode", MODES)
def test_a_line_may_come_in_pieces(mode):
    with running(mode) as server:
        ada = member(server.port, "a")
        for piece in (b"he", b"llo\nag", b"ain\n"):
            ada[1].write(piece)
        assert [ada[1].readline(), ada[1].readline()] == [b"hello\n", b"again\n"]
        closed(ada)


def test_who_leaves_is_told_nothing_more():
    with running("plain") as server:
        ada, bob = member(server.port, "a"), member(server.port, "a")
        closed(bob)
        for number in range(3):
            ada[1].write(b"%d\n" % number)
            assert ada[1].readline() == b"%d\n" % number
        closed(ada)


def test_a_durable_line_is_in_the_file_before_it_is_told(tmp_path, programs):
    file = tmp_path / "lines"
    process = subprocess.Popen([programs / "fanout", "durable", "0", file], stdout=subprocess.PIPE, text=True)
    with process:
        port = int(process.stdout.readline().rpartition(":")[2])
        ada = member(port, "a")
        ada[1].write(b"hello\n")
        assert ada[1].readline() == b"hello\n"
        assert file.read_bytes() == b"hello\n"
        closed(ada)
        process.terminate()
        assert json.loads(process.stdout.read())["syncs"] == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_reader_gets_everything_as_long_as_it_is_not_hopeless(mode):
    line = b"x" * 1000 + b"\n"
    with running(mode) as server:
        slow, ada = socket.socket(), None
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        with slow, slow.makefile("rwb") as lines:
            lines.write(b"a\n")
            lines.flush()
            assert lines.readline() == b"a\n"
            ada = member(server.port, "a")
            for _ in range(500):
                ada[1].write(line)
                assert ada[1].readline() == line
            assert [lines.readline() for _ in range(500)] == [line] * 500
        closed(ada)
        assert server.stop()["dropped"] == 0


def test_a_hopeless_reader_is_dropped_and_counted():
    line = b"x" * 60_000 + b"\n"
    with running("joined") as server:
        slow, ada = member(server.port, "a"), member(server.port, "a")
        reader = ada[0].makefile("rb")
        for _ in range(1000):  # far more than what a socket's buffers and the bound hold
            ada[1].write(line)
            assert reader.readline() == line
        reader.close()
        closed(slow, ada)
        assert server.stop()["dropped"] == 1


def test_the_command_says_what_was_measured():
    command = [sys.executable, str(ROOT / "benchmarks" / "reference.py"), "fanout", "--clients", "10"]
    command += ["--rooms", "2", "--rate", "50", "--seconds", "0.2", "--warm-up", "0.1"]

    told = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)

    assert {"machine", "versions", "commit", "command", "loads"} <= set(told)
    assert told["loads"][0]["delivered"] == 15 * 5
