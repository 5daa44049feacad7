"""A connection brings every byte, in order, until it is broken; and no more than there is room for."""

import asyncio
from random import Random

import pytest

from simulation.network import Network
from simulation.schedule import ProcessLoop, Schedule


class Machine:
    def __init__(self, schedule):
        self.listening = ProcessLoop(schedule)
        self.protocol = Protocol()

    def says(self, data):
        self.listening.poke(self.protocol.transport.write, data)

    def accept(self):
        return self.protocol

    def join(self, end): ...
    def left(self, end): ...
    def writes(self, end, data): ...


class Protocol(asyncio.Protocol):
    def __init__(self):
        self.heard = b""
        self.paused = False
        self.lost = False

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=100)

    def data_received(self, data):
        self.heard += data

    def pause_writing(self):
        self.paused = True

    def resume_writing(self):
        self.paused = False

    def connection_lost(self, exc):
        self.lost = True


class Client:
    def __init__(self):
        self.heard = b""
        self.why = None

    def connected(self): ...

    def received(self, data):
        self.heard += data

    def lost(self, why):
        self.why = why


@pytest.fixture(params=range(4))
def street(request):
    """A client and a machine, connected: by networks of every kind."""
    schedule = Schedule()
    network = Network(schedule, Random(request.param), lambda what: None)
    machine, client = Machine(schedule), Client()
    wire = network.dial(client, machine, "10.0.0.1", window=500)
    schedule.run(until=5.0, steps=1000)
    yield schedule, wire, machine, client
    machine.listening.bury()


def test_every_byte_comes_in_order(street):
    schedule, wire, machine, client = street
    sent = bytes(range(256)) * 40
    wire.write(sent)
    machine.says(sent)
    schedule.run(until=400.0, steps=100_000)
    assert machine.protocol.heard == sent
    assert client.heard == sent


def test_who_does_not_read_is_not_written_to_without_end(street):
    schedule, wire, machine, client = street
    wire.stop_reading()
    machine.says(b"x" * 2000)
    schedule.run(until=schedule.now + 5, steps=1000)
    assert machine.protocol.paused
    assert wire.down.inside == 500
    assert client.heard == b""

    wire.read_on()
    schedule.run(until=schedule.now + 15, steps=10_000)
    assert not machine.protocol.paused
    assert client.heard == b"x" * 2000


def test_what_left_the_machine_before_it_died_arrives(street):
    schedule, wire, machine, client = street
    machine.says(b"posted")
    schedule.run(until=schedule.now + 0.00009, steps=1000)
    wire.server_died()
    schedule.run(until=schedule.now + 5, steps=1000)
    assert client.heard == b"posted"
    assert client.why == "closed"


def test_one_who_left_without_a_word_is_given_up_once_something_is_sent_to_it(street):
    schedule, wire, machine, _ = street
    wire.vanish()
    schedule.run(until=schedule.now + 100, steps=1000)
    assert not machine.protocol.lost
    machine.says(b"are you there?")
    schedule.run(until=schedule.now + 25, steps=1000)
    assert machine.protocol.lost


def test_a_reset_is_felt_on_both_sides(street):
    schedule, wire, machine, client = street
    wire.down.passes = 3
    machine.says(b"123456")
    schedule.run(until=schedule.now + 5, steps=1000)
    assert client.heard in (b"", b"123")
    assert client.why == "reset"
    assert machine.protocol.lost
