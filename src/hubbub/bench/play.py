"""One run from its beginning to its end: a server, a scenario, an outcome."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

from msgspec.structs import replace
from rich.console import Console

from hubbub.bench import usage
from hubbub.bench.asked import Asked, Scenario
from hubbub.bench.clustered import OwnCluster
from hubbub.bench.newcomers import newcomers
from hubbub.bench.outcome import Outcome
from hubbub.bench.scenarios.churn import churn
from hubbub.bench.scenarios.fanout import fanout
from hubbub.bench.scenarios.idle import idle
from hubbub.bench.scenarios.mixed import mixed
from hubbub.bench.scenarios.overload import overload
from hubbub.bench.scenarios.posts import posts
from hubbub.bench.scenarios.relay import relay
from hubbub.bench.scenarios.slow import slow
from hubbub.bench.scenarios.storm import storm
from hubbub.bench.screen import Screen
from hubbub.bench.seats import CLIENTS_PER_SOURCE, People
from hubbub.bench.server import OwnServer, RunningServer
from hubbub.bench.stage import Stage

SCENARIOS: dict[Scenario, Callable[[Stage], Awaitable[Outcome]]] = {
    "fanout": fanout,
    "room": fanout,  # with a single room
    "posts": posts,
    "idle": idle,
    "storm": storm,
    "slow": slow,
    "churn": churn,
    "mixed": mixed,
    "overload": overload,
    "relay": relay,
}

_SPARE_SOCKETS = 100

SERVER_FLAGS = (
    # Counted as ever, and never reached: what limiting costs is part of what is measured.
    *("--limits", "posts=1000000/1", "--limits", "requests=1000000/1"),
    *("--sockets-per-address", str(CLIENTS_PER_SOURCE + _SPARE_SOCKETS)),
    *("--streams-per-session", "1000"),
)
"""How a server that is started for a run differs from any other."""


def _leave_when_asked() -> None:
    """On SIGTERM as on Ctrl-C: what was started is stopped."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


async def play_on(
    server: RunningServer, asked: Asked, people: People | None, cores: frozenset[int]
) -> Outcome:
    """Load a server that runs; without people, some sign up. Raises ServerFailed, FleetFailed, Limited."""
    _leave_when_asked()
    with Screen(Console(stderr=True)) as screen:
        if people is None:
            people = await newcomers(server.addresses, asked, screen)
        stage = Stage(asked=asked, people=people, server=server, cores=cores, screen=screen)
        return await _played(stage)


async def play_alone(own: OwnServer, asked: Asked, people: People, cores: frozenset[int]) -> Outcome:
    """Start a server, load it and stop it. Raises ServerFailed, FleetFailed."""
    _leave_when_asked()
    with Screen(Console(stderr=True)) as screen:
        screen.step("starting a server")
        async with own:
            stage = Stage(asked=asked, people=people, server=own, own=own, cores=cores, screen=screen)
            return await _played(stage)


async def play_on_cluster(
    cluster: OwnCluster, asked: Asked, fill: Callable[[str], Awaitable[People]], cores: frozenset[int]
) -> Outcome:
    """Start a cluster, load it and stop it. `fill` puts people and rooms into the database at an address.

    Raises ServerFailed, FleetFailed.
    """
    _leave_when_asked()
    with Screen(Console(stderr=True)) as screen:
        screen.step("starting a cluster")
        async with cluster:
            people = await fill(cluster.database)
            stage = Stage(
                asked=asked, people=people, server=cluster, cluster=cluster, cores=cores, screen=screen
            )
            return replace(await _played(stage), cluster=cluster.facts)


async def _played(stage: Stage) -> Outcome:
    before = await usage.held(stage.server) if stage.asked.check else None
    outcome = await SCENARIOS[stage.asked.scenario](stage)
    several = len(stage.server.addresses) > 1
    return replace(
        outcome,
        cluster={"nodes": stage.urls} if several else {},
        kept=[] if before is None else await stage.check(before),
        server=stage.server.described,
        server_says=await stage.readiness(),
    )
