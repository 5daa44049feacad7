"""What a run is to do: the flags of the command, as a value."""

from typing import Literal

import msgspec

from hubbub.bench.orders import Transport
from hubbub.bench.words import SHORTEST_BYTES

Scenario = Literal["fanout", "room", "posts", "idle", "storm", "slow", "churn", "mixed", "overload", "relay"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    scenario: Scenario = "fanout"
    clients: int = 1000
    rooms: int = 10
    rates: tuple[float, ...] = (500.0,)
    """Posts a second, of all clients together; one load after the other."""
    seconds: float = 10.0
    """Of load that is measured."""
    warm_up_seconds: float = 1.0
    """Of load before that, which is checked and not measured."""
    transport: Transport = "ws"
    payload_bytes: int = 80
    """Of a text."""
    processes: int = 1
    people: int = 100
    """Who sign up on a server that runs; the clients share them."""
    streams: int = 25
    """Clients that share a session: fewer than a server allows by default, for some come back before it has
    noticed that they went."""
    settle_seconds: float = 60.0
    """How long after the load everything has to have arrived."""

    nodes: int = 0
    """Of a cluster that is started for the run; 0: none is."""
    urls: int = 0
    """Of a server that runs; several are the nodes of one cluster."""
    check: bool = False
    """Read back what is stored afterwards, and hold it and what the server holds against every promise."""

    def mistakes(self) -> list[str]:
        """What cannot be done, each as a sentence."""
        found = []
        if self.clients < 1 or self.rooms < 1 or self.processes < 1:
            found.append("--clients, --rooms and --processes are 1 or more")
        if self.people < 1 or self.streams < 1:
            found.append("--people and --streams are 1 or more")
        if self.nodes < 0:
            found.append("--cluster: 1 node or more")
        if self.scenario == "storm" and self.nodes == 1:
            found.append("--cluster 1: storm kills a node and sends its clients to the others; say 2 or more")
        if self.scenario == "relay" and self.nodes < 2 and self.urls < 2:
            found.append("relay: from node to node: say --cluster 2 or more, or several --url")
        if self.rooms > self.clients:
            found.append("--rooms: there are more rooms than clients")
        if min(self.rates, default=0) <= 0 or self.seconds <= 0 or self.warm_up_seconds < 0:
            found.append("--rate, --seconds and --warm-up are positive")
        if self.transport == "rest" and self.scenario != "posts":
            found.append("--transport rest goes with posts: it is how they are posted")
        if self.scenario == "posts" and self.transport not in ("ws", "rest"):
            found.append("--transport: posts are posted over ws or rest")
        if not SHORTEST_BYTES <= self.payload_bytes <= 16_384:
            found.append(f"--payload: {SHORTEST_BYTES} to 16384 bytes")
        return found
