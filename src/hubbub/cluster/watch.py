"""What a cluster looks like from outside: each node is asked for its metrics and whether it is ready."""

import asyncio
import time
from collections.abc import Sequence
from typing import Literal

import httpx2
import msgspec

from hubbub.cluster.figures import Figures, Reading, figures, read
from hubbub.cluster.node import Node
from hubbub.cluster.together import Cluster

ANSWER_SECONDS = 1.0
"""How long a node may take to answer before it is said to be silent."""

FRESH_SECONDS = 0.8
"""So old may a look be that is shown to somebody else too: many may watch, and the nodes are asked once."""

_RATES_SECONDS = 10.0
"""Over how long a rate is an average at most; what is older was read when somebody looked last."""

Condition = Literal["ready", "refusing", "silent", "away"]
"""Ready; answers, and wants no requests; does not answer; is not there."""


class NodeSeen(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    url: str
    pid: int | None
    condition: Condition
    why: str = ""
    """Of a node that refuses: its own word for it."""
    figures: Figures | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """Something the nodes need, or that stands before them."""

    name: str
    address: str
    runs: bool


class ClusterSeen(msgspec.Struct, frozen=True, kw_only=True):
    url: str
    """Where people reach it."""
    parts: Sequence[Part]
    nodes: Sequence[NodeSeen]


class Watch:
    """Looks at a cluster when it is asked to. Use as an async context manager."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._http = httpx2.AsyncClient(timeout=ANSWER_SECONDS, trust_env=False)
        self._before: dict[str, Reading] = {}
        self._seen: ClusterSeen | None = None
        self._seen_at_seconds = 0.0
        self._looking = asyncio.Lock()

    async def __aenter__(self) -> "Watch":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def look(self) -> ClusterSeen:
        async with self._looking:
            if self._seen is None or time.monotonic() - self._seen_at_seconds > FRESH_SECONDS:
                self._seen = await self._look()
                self._seen_at_seconds = time.monotonic()
            return self._seen

    async def _look(self) -> ClusterSeen:
        cluster = self._cluster
        nodes = await asyncio.gather(*(self._look_at(node) for node in cluster.nodes))
        return ClusterSeen(url=cluster.url, parts=_parts(cluster), nodes=nodes)

    async def _look_at(self, node: Node) -> NodeSeen:
        if not node.is_running:
            return _seen(node, "away")
        try:
            metrics, ready = await asyncio.gather(
                self._http.get(node.metrics), self._http.get(f"{node.admin_url}/health/ready")
            )
        except httpx2.TimeoutException:
            return _seen(node, "silent")
        except httpx2.TransportError:
            return _seen(node, "away")
        shown = self._figures(node, metrics.text)
        if ready.status_code == 200:
            return _seen(node, "ready", shown=shown)
        return _seen(node, "refusing", why=_why(ready), shown=shown)

    def _figures(self, node: Node, text: str) -> Figures:
        now = read(text, time.monotonic())
        before = self._before.get(node.name)
        self._before[node.name] = now
        if before is not None and now.at_seconds - before.at_seconds > _RATES_SECONDS:
            before = None
        return figures(now, before)


def _seen(node: Node, condition: Condition, *, why: str = "", shown: Figures | None = None) -> NodeSeen:
    return NodeSeen(
        name=node.name,
        url=node.url,
        pid=node.pid if node.is_running else None,
        condition=condition,
        why=why,
        figures=shown,
    )


def _why(answer: httpx2.Response) -> str:
    """The code of a refusal, as `storage-away`: the last word of its type."""
    try:
        return str(msgspec.json.decode(answer.content)["type"]).rpartition("/")[2]
    except (msgspec.DecodeError, KeyError, TypeError):
        return str(answer.status_code)


def _parts(cluster: Cluster) -> list[Part]:
    postgres, nats, balancer = cluster.postgres, cluster.nats, cluster.balancer
    parts = [
        Part(name="PostgreSQL", address=postgres.address, runs=postgres.is_running),
        Part(name="NATS", address=nats.address, runs=nats.is_running),
    ]
    if balancer is not None:
        address = balancer.url.partition("//")[2]
        parts.append(Part(name="HAProxy", address=address, runs=balancer.is_running))
    return parts
