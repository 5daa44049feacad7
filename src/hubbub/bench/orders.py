"""What the process in front tells the processes that hold the clients, and what they answer."""

from collections import Counter
from typing import Literal

import msgspec

from hubbub.bench.histogram import Histogram
from hubbub.bench.places import Faults
from hubbub.bench.refusals import Refusal
from hubbub.bench.seats import Seat

Transport = Literal["ws", "sse", "ndjson", "rest"]
"""How clients listen. With `rest` they only post."""


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """What one process is for, told when it starts."""

    process: int
    """Its number in the run, which is part of every key it posts under."""
    index: int
    of: int
    """Which of how many that share a load it is."""
    run: str
    """Names the run in every key."""
    addresses: list[tuple[str, int]]
    """Of the server's nodes. A client keeps to one of them, by its number."""
    apart: bool = False
    """Who only posts does it at the last node, and who reads does it at the others."""
    transport: Transport
    size_bytes: int
    """Of a text."""
    cores: frozenset[int]
    readers: list[Seat]
    posters: list[Seat]
    """Clients that post and do not listen; without any, the readers post."""
    people: list[str]
    """To whom direct messages are posted."""
    began: dict[str, int]
    """After which seq of each log the run begins."""


# -- orders -----------------------------------------------------------------


class Connect(msgspec.Struct, frozen=True, kw_only=True):
    """Open every connection that is not open, so many at a time, each going on where it stood."""

    at_once: int
    within_seconds: float
    persistent: bool = False
    """Try again until the time is up, as clients of a server that is being restarted do."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """Post, from a moment on. Times are of CLOCK_MONOTONIC, which processes of one machine share."""

    start_ns: int
    per_second: float
    """Of all processes together."""
    seconds: float
    measure_from_ns: int
    """What was due before is checked and not measured."""
    returns_per_second: float = 0.0
    """How many readers go away and come back meanwhile."""
    pages_per_second: float = 0.0
    """How many pages are read back meanwhile."""
    direct_share: float = 0.0
    """Of the posts, how many are to one person."""
    loses_node: int | None = None
    """The node that is killed meanwhile. Its clients open another connection at once, at the next node, and
    post again what was not answered; it is over when they are all back."""


class Settle(msgspec.Struct, frozen=True, kw_only=True):
    """Wait until every reader stands at these heads."""

    heads: dict[str, int]
    within_seconds: float
    slow_too: bool = True


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Wait until every post was answered."""

    within_seconds: float


class Part(msgspec.Struct, frozen=True):
    """Every reader goes away, without a word."""


class Repeat(msgspec.Struct, frozen=True):
    """Post again what was not answered, under the same keys."""


class Reach(msgspec.Struct, frozen=True):
    """One post in every room somebody reads here, all at once."""


class Slow(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the readers, spread evenly, read no more than so much from now on. Zero: as fast as others."""

    share: float
    bytes_per_second: int


class Take(msgspec.Struct, frozen=True):
    """Hand over what was measured since the last time."""


class Tell(msgspec.Struct, frozen=True):
    """Say what was found, and end."""


Order = Connect | Load | Settle | Answer | Part | Reach | Repeat | Slow | Take | Tell

# -- answers ----------------------------------------------------------------


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Told now and then by itself, since the process began."""

    sent: int = 0
    acknowledged: int = 0
    shed: int = 0
    delivered: int = 0
    cpu_seconds: float = 0.0
    connected: int = 0


class Done(msgspec.Struct, frozen=True, kw_only=True):
    count: int


class Connected(msgspec.Struct, frozen=True, kw_only=True):
    connected: int
    failures: list[str]
    limit: Refusal | None
    """What kept some of the others out, if a limit did."""
    seconds: float


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What happened in the measured part of the load, whenever the posts of it had been due."""

    sent: int
    acknowledged: int
    shed: int
    delivered: int
    cpu_seconds: float
    limit: Refusal | None
    """What ended the load early, if anything did."""
    came_back: int = 0
    """Clients that had lost their connection."""
    last_back_ns: int = 0
    """When the last of them listened again, of CLOCK_MONOTONIC."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    heads: dict[str, int]
    open: int


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    behind: int
    """Readers that do not stand at the heads yet."""
    seconds: float


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    deliveries: Histogram
    acknowledgements: Histogram
    sheds: Histogram
    """From when a post was due until it was turned away."""
    lateness: Histogram
    returns: Histogram
    """From when a reader went until it was subscribed again."""
    pages: Histogram
    """From when a page was to be read until it was there."""
    pages_failed: int
    parsed: int


class Standing(msgspec.Struct, frozen=True, gc=False):
    """One reader in one log at the end."""

    log: str
    began: int
    last: int
    holes: int


class Findings(msgspec.Struct, kw_only=True):
    """All that one process knows, to be compared with the others'."""

    process: int
    logs: list[str]
    """Of each post by its number: where it went, who sent it, and the seq it was acknowledged with."""
    authors: list[str]
    seqs: list[int]
    seen: dict[str, dict[int, str]]
    standings: list[Standing]
    faults: Faults
    refused: Counter[str]
    contradicted: int
    lost_connections: int


class Failed(msgspec.Struct, frozen=True):
    """The process cannot go on."""

    why: str


Reply = Done | Connected | Loaded | Answered | Settled | Taken | Findings | Failed
