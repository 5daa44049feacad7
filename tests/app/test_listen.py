"""What every connection inherits from the socket it came in by."""

import socket

import pytest

from hubbub.knobs import Address
from hubbub.server import DEAD_PEER_SECONDS, UNSENT_BYTES, listen

INHERITED = {
    "TCP_NODELAY": lambda value: value != 0,
    "TCP_USER_TIMEOUT": lambda value: value == DEAD_PEER_SECONDS * 1000,
    "TCP_NOTSENT_LOWAT": lambda value: value == UNSENT_BYTES,
}


@pytest.mark.parametrize("name", [name for name in INHERITED if hasattr(socket, name)])
def test_a_connection_has_what_its_listener_was_given(name):
    (listening,) = listen(Address("127.0.0.1", 0), backlog=1)
    with listening, socket.create_connection(listening.getsockname()):
        listening.setblocking(True)
        accepted, _ = listening.accept()
        with accepted:
            assert INHERITED[name](accepted.getsockopt(socket.IPPROTO_TCP, getattr(socket, name)))
