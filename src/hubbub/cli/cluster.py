"""`hubbub cluster`: a whole cluster on this machine, to try."""

import asyncio
import shlex
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from hubbub.cli.asked import without_settings
from hubbub.cli.errors import Failed, Misused
from hubbub.cluster import Cluster, ClusterFailed
from hubbub.cluster.keeping import kept
from hubbub.cluster.page import served
from hubbub.cluster.ports import listening
from hubbub.cluster.watch import Watch
from hubbub.knobs import Address
from hubbub.knobs import address as read_address

INTERRUPTED = 130
"""After a second Ctrl-C, which waited for nobody."""

MOST_NODES = 32

_DRAINING = ("--drain-seconds", "1")
"""Twice what the balancer takes to notice that a node is to stop."""


def cluster(
    *,
    nodes: Annotated[int, Parameter(help="How many.")] = 3,
    data: Annotated[
        Path, Parameter(help="Where everything is kept; a second start goes on with it.", metavar="DIR")
    ] = Path("hubbub-cluster"),
    listen: Annotated[
        str,
        Parameter(
            help="Where people reach it; the nodes are on the ports after it, and 0 is any free ones.",
            metavar="HOST:PORT",
        ),
    ] = "127.0.0.1:8080",
    page: Annotated[
        str, Parameter(help="Where a page shows the nodes and their readers.", metavar="HOST:PORT")
    ] = "127.0.0.1:8079",
    balanced: Annotated[
        bool,
        Parameter(
            name="--balancer",
            negative="--no-balancer",
            help="With HAProxy before the nodes, where there is one.",
        ),
    ] = True,
    serve: Annotated[
        str,
        Parameter(
            help="Flags for each node, as of `hubbub serve`: --serve '--limits off'.",
            metavar="FLAGS",
            allow_leading_hyphen=True,
        ),
    ] = "",
) -> int:
    """Start PostgreSQL, NATS, nodes of hubbub and a balancer on this machine, and stop them all at Ctrl-C.

    A second Ctrl-C waits for nobody. What ends by itself is started again: kill a node, and see.
    """
    if not 1 <= nodes <= MOST_NODES:
        raise Misused(f"--nodes: from 1 to {MOST_NODES}")
    where, shown = _address(listen, "--listen"), _address(page, "--page")
    wanted = Cluster(
        data,
        nodes=nodes,
        balanced=balanced,
        flags=[*_DRAINING, *_flags(serve)],
        environment=without_settings(),
        listen=str(where),
        listens=[_after(where, number) for number in range(1, nodes + 1)],
        keep=True,
    )
    try:
        return asyncio.run(_run(wanted, str(shown)))
    except ClusterFailed as error:
        raise Failed(str(error)) from error


def _address(text: str, flag: str) -> Address:
    try:
        return read_address(text)
    except ValueError as error:
        raise Misused(f"{flag} {text!r}: {error}") from None


def _after(address: Address, number: int) -> str:
    return str(address._replace(port=address.port + number if address.port else 0))


def _flags(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise Misused(f"--serve: {error}") from None


async def _run(cluster: Cluster, page: str) -> int:
    """Until a signal; the exit code. Raises ClusterFailed."""
    asked = asyncio.Event()
    work = asyncio.create_task(_play(cluster, page, asked))

    def stop() -> None:
        if asked.is_set():
            work.cancel()
        asked.set()

    loop = asyncio.get_running_loop()
    for what in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(what, stop)
    try:
        await work
    except asyncio.CancelledError:
        return INTERRUPTED
    return 0


async def _play(cluster: Cluster, page: str, asked: asyncio.Event) -> None:
    async with AsyncExitStack() as stack:
        sock = listening(page)
        stack.callback(sock.close)
        await _started(stack, cluster, asked)
        if asked.is_set():
            return
        watch = await stack.enter_async_context(Watch(cluster))
        address = await stack.enter_async_context(served(watch, sock))
        await stack.enter_async_context(kept(cluster, _say))
        _announce(cluster, address)
        await asked.wait()
        _say("stopping")
    _say("nothing of it runs any more")


async def _started(stack: AsyncExitStack, cluster: Cluster, asked: asyncio.Event) -> None:
    """Or not: when it is to stop before that."""
    _say("starting")
    starting = asyncio.create_task(stack.enter_async_context(cluster))
    stopped = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait((starting, stopped), return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopped.cancel()
        if not starting.done():
            starting.cancel()
            await asyncio.wait([starting])
    if not starting.cancelled():
        starting.result()


def _announce(cluster: Cluster, page: str) -> None:
    lines = [
        (
            "PostgreSQL",
            cluster.postgres.address,
            cluster.postgres.pid,
            f"its data in {cluster.postgres.home}",
        ),
        ("NATS", cluster.nats.address, cluster.nats.pid, ""),
        *((node.name, node.url, node.pid, f"metrics at {node.metrics}") for node in cluster.nodes),
    ]
    if cluster.balancer is not None:
        lines.append(("HAProxy", cluster.balancer.url, cluster.balancer.pid, "for people, before the nodes"))
    for name, where, pid, more in lines:
        _say(f"{name:<11} {where:<22} process {pid:<8} {more}".rstrip())
    if cluster.balancer is None:
        _say("there is no HAProxy, so people choose a node: on Debian, apt-get install haproxy")
    _say(f"{'the page':<11} {page}")
    _say("Ctrl-C stops all of it")


def _say(line: str) -> None:
    print(line, flush=True)
