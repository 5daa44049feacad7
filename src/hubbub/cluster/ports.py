"""Ports of the loopback: free ones, and those somebody wants."""

import socket

from hubbub.cluster.errors import ClusterFailed

LOOPBACK = "127.0.0.1"

_BACKLOG = 4096


def free_port() -> int:
    """One that nobody listens on at this moment; for programs that cannot choose one themselves."""
    with socket.socket() as sock:
        sock.bind((LOOPBACK, 0))
        port: int = sock.getsockname()[1]
        return port


def listening(address: str) -> socket.socket:
    """On HOST:PORT, from now on; port 0 is a free one. Raises ClusterFailed, which names the address."""
    host, _, port = address.rpartition(":")
    sock = socket.socket()
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, int(port)))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise ClusterFailed(f"cannot listen on {address}: {error.strerror}") from error
    return sock
