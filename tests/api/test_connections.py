"""Who is counted, and who beats when."""

import pytest

from hubbub.api.connections import Connections, Wheel
from hubbub.api.settings import Settings
from hubbub.domain.errors import ShuttingDown, TooMany
from hubbub.domain.ids import SessionId

ADA = SessionId("ada's session")


class Stream:
    kind = "sse"

    def __init__(self) -> None:
        self.slot = 0
        self.beats = 0
        self.told: list[tuple[str, float | None]] = []

    def beat(self) -> None:
        self.beats += 1

    def end(self, reason: str, retry_after: float | None = None) -> None:
        self.told.append((reason, retry_after))


def connections(**settings: object) -> Connections:
    return Connections(Settings(**settings), chance=iter([0.0, 0.5, 0.999]).__next__)


def test_an_address_holds_so_many_sockets_and_gets_its_place_back() -> None:
    counted = connections(sockets_per_address=2)
    counted.open_socket("10.0.0.1")
    counted.open_socket("10.0.0.1")
    with pytest.raises(TooMany):
        counted.open_socket("10.0.0.1")
    counted.open_socket("10.0.0.2")
    counted.close_socket("10.0.0.1")
    counted.open_socket("10.0.0.1")


@pytest.mark.parametrize(
    "settings", [{"sockets_per_address": 0}, {"sockets_per_address": 2, "trusted_proxies": ("10.0.0.0/8",)}]
)
def test_no_cap_and_a_trusted_proxy_hold_as_many_as_they_like(settings: dict[str, object]) -> None:
    counted = connections(**settings)
    for _ in range(100):
        counted.open_socket("10.0.0.1")
    for _ in range(100):
        counted.close_socket("10.0.0.1")


def test_a_session_holds_so_many_streams_and_gets_its_place_back() -> None:
    counted = connections(streams_per_session=1)
    first = Stream()
    counted.join(first, ADA)
    with pytest.raises(TooMany):
        counted.join(Stream(), ADA)
    assert counted.by_transport["sse"] == 1
    counted.leave(first, ADA)
    counted.join(Stream(), ADA)


def test_everyone_is_told_to_come_back_at_a_moment_of_their_own_and_nobody_new_comes_in() -> None:
    counted = connections(herd_seconds=4.0)
    streams = [Stream(), Stream()]
    for stream in streams:
        counted.join(stream, ADA)
    assert counted.farewell() == 2
    assert [stream.told for stream in streams] != [streams[0].told] * 2
    assert {reason for stream in streams for reason, _ in stream.told} == {"shutting-down"}
    with pytest.raises(ShuttingDown):
        counted.join(Stream(), ADA)


def test_a_wheel_beats_everyone_once_a_period_and_as_many_at_each_turn() -> None:
    wheel = Wheel(5)
    streams = [Stream() for _ in range(20)]
    for stream in streams:
        wheel.add(stream)
    for turn in range(1, 6):
        wheel.turn()
        assert sum(stream.beats for stream in streams) == turn * 4
    assert [stream.beats for stream in streams] == [1] * 20
    wheel.remove(streams[0])
    for _ in range(5):
        wheel.turn()
    assert [stream.beats for stream in streams] == [1] + [2] * 19
