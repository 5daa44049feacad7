"""All of it: PostgreSQL, NATS, the nodes, and the balancer where there is one."""

import asyncio
import fcntl
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Self

from hubbub.cluster import balancer
from hubbub.cluster.balancer import Balancer
from hubbub.cluster.errors import ClusterFailed
from hubbub.cluster.nats import Nats
from hubbub.cluster.node import HUBBUB, Node
from hubbub.cluster.postgres import Postgres

_BEHIND = ("--trusted-proxies", "127.0.0.1")
"""What a node behind the balancer has to be told, to know people by their own addresses."""


class Cluster:
    """Use as an async context manager.

    Always true: what is needed by others is started before them and stopped after them. When the block is
    left nothing of it runs any more.
    """

    def __init__(
        self,
        directory: Path,
        *,
        nodes: int = 3,
        balanced: bool = True,
        flags: Sequence[str] = (),
        environment: Mapping[str, str],
        program: Sequence[str] = HUBBUB,
        listen: str = "127.0.0.1:0",
        listens: Sequence[str] = (),
        keep: bool = False,
    ) -> None:
        """`balanced`: with a balancer, if there is a HAProxy on this machine; `flags`: for `hubbub serve`;
        `environment`: for the nodes, as of `Node`; `listen`: the balancer's address, `listens` the nodes';
        `keep`: what is stored stays there for the next time."""
        if nodes < 1:
            raise ValueError("a cluster has a node at least")
        self._directory = directory
        self._count = nodes
        self._flags = (*flags, *(_BEHIND if balanced else ()))
        self._environment = environment
        self._program = program
        self._listen = listen
        self._listens = listens or ["127.0.0.1:0"] * nodes
        self._lock: BinaryIO | None = None
        self.postgres = Postgres(directory, keep=keep)
        self.nats = Nats(directory)
        self.nodes: list[Node] = []
        self._balanced = balanced and balancer.is_installed()
        self.balancer: Balancer | None = None
        """None where there is no HAProxy."""

    @property
    def url(self) -> str:
        """Where people reach it: the balancer, or the first node."""
        return self.balancer.url if self.balancer is not None else self.nodes[0].url

    async def start(self) -> None:
        """Raises Missing, ClusterFailed; then nothing of it runs."""
        self._directory.mkdir(parents=True, exist_ok=True)
        self._claim()
        try:
            await _all(self.postgres.start(), self.nats.start())
            self.nodes = [self._node(number) for number in range(1, self._count + 1)]
            await _all(*(node.start() for node in self.nodes))
            if self._balanced:
                self.balancer = Balancer(self._directory, self.nodes, listen=self._listen)
                await self.balancer.start()
        except BaseException:
            await self.kill()
            raise

    def _claim(self) -> None:
        """The directory, until the process ends or all was stopped. Raises ClusterFailed."""
        self._lock = (self._directory / "lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.close()
            raise ClusterFailed(f"another cluster runs in {self._directory}") from None

    def _node(self, number: int) -> Node:
        return Node(
            self._directory,
            *self._flags,
            name=f"node-{number}",
            database=self.postgres.url,
            bus=self.nats.url,
            environment=self._environment,
            program=self._program,
            listen=self._listens[number - 1],
        )

    async def stop(self) -> None:
        """In order: the nodes take their leave, through the balancer; then what they needed."""
        await asyncio.gather(*(node.terminate() for node in self.nodes))
        if self.balancer is not None:
            await self.balancer.leave()
        await asyncio.gather(self.nats.stop(), self.postgres.leave())
        self._let_go()

    async def kill(self) -> None:
        """At once, all of it."""
        await asyncio.gather(*(node.kill() for node in self.nodes))
        if self.balancer is not None:
            await self.balancer.leave()
        await asyncio.gather(self.nats.kill(), self.postgres.leave(at_once=True))
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        try:
            await self.stop()
        except BaseException:  # who waited for it has had enough
            await self.kill()
            raise


async def _all(*starting: Awaitable[None]) -> None:
    """Side by side. Raises the first error, and not before all of them have come to an end."""
    for outcome in await asyncio.gather(*starting, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
