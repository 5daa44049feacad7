"""A whole cluster under load: PostgreSQL, NATS and nodes of hubbub, started for one run."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hubbub.bench import machine
from hubbub.bench.server import Address, ServerFailed
from hubbub.check import counted
from hubbub.client import ConnectionLost
from hubbub.cluster import Cluster, ClusterFailed

COUNTED = {
    "appends": "hubbub_commit_seconds_count",
    "bus_messages_sent": "hubbub_bus_messages_sent_total",
    "bus_messages_heard": "hubbub_bus_messages_heard_total",
    "repairs": "hubbub_repairs_total",
}
"""What is told of what the nodes count, and what they call it. An append is what was posted in one turn of a
node's loop; several may share a commit."""

_JOURNAL = "SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint"


class OwnCluster:
    """Use as an async context manager.

    Always true: within it, `pids` has the nodes that run, and only these.
    """

    def __init__(
        self,
        directory: Path,
        *,
        nodes: int,
        flags: Sequence[str],
        environment: Mapping[str, str],
        cores: frozenset[int] = frozenset(),
    ) -> None:
        """`cores`: which all of it has; by default all there are, and the clients have some of them too."""
        self._cores = cores
        self._flags = flags
        self._pieces = Cluster(
            directory,
            nodes=nodes,
            balanced=False,  # each client goes to a node itself, and knows which
            flags=("--log-level", "error", *flags),
            environment=environment,
        )
        self._versions: dict[str, str] = {}

    @property
    def database(self) -> str:
        """Its address, with the password in it."""
        return self._pieces.postgres.url

    @property
    def addresses(self) -> Sequence[Address]:
        return [_address(node.url) for node in self._pieces.nodes]

    @property
    def pids(self) -> Mapping[str, int]:
        return {node.name: node.pid for node in self._pieces.nodes if node.is_running}

    @property
    def beside(self) -> Mapping[str, int]:
        return {"PostgreSQL": self._pieces.postgres.pid, "NATS": self._pieces.nats.pid}

    @property
    def metrics(self) -> Sequence[str]:
        return [node.metrics for node in self._pieces.nodes if node.is_running]

    @property
    def described(self) -> str:
        count = len(self._pieces.nodes)
        return (
            f"cluster: {count} node{'s' * (count > 1)} of {' '.join(['hubbub serve', *self._flags])}, "
            f"PostgreSQL {self._versions['postgresql']}, NATS {self._versions['nats']}; "
            f"{self._shared}"
        )

    @property
    def _shared(self) -> str:
        if self._cores:
            return f"all of it shares core {', '.join(map(str, sorted(self._cores)))}"
        return f"all of it and the clients share {os.cpu_count()} cores"

    @property
    def facts(self) -> dict[str, Any]:
        """For whoever reads the figures later."""
        return {
            "nodes": {node.name: node.url for node in self._pieces.nodes},
            **self._versions,
            "cores": self._shared,
        }

    async def counted(self) -> Mapping[str, int]:
        """Over all nodes that run, and the bytes of the database's journal; nothing when one is going."""
        import asyncpg  # not everybody who measures a server has what talks to databases

        whole: Counter[str] = Counter()
        try:
            for each in await asyncio.gather(*(counted(metrics) for metrics in self.metrics)):
                whole.update({name: each.get(metric, 0) for name, metric in COUNTED.items()})
            connection = await asyncpg.connect(self.database)
            try:
                whole["wal_bytes"] = await connection.fetchval(_JOURNAL)
            finally:
                await connection.close()
        except ConnectionLost:
            return {}
        except (OSError, asyncpg.PostgresError) as error:
            raise ServerFailed(f"the database does not say what it has written: {error}") from error
        return whole

    async def kill_a_node(self) -> str:
        """The last one, as a power cut would; its name."""
        node = self._pieces.nodes[-1]
        await node.kill()
        return node.name

    async def start_it_again(self) -> None:
        """Raises ServerFailed."""
        try:
            with machine.on(self._cores):
                await self._pieces.nodes[-1].start()
        except ClusterFailed as error:
            raise ServerFailed(str(error)) from error

    async def __aenter__(self) -> Self:
        try:
            with machine.on(self._cores):
                await self._pieces.start()
            self._versions = {
                "postgresql": await _postgresql_version(self.database),
                "nats": await _nats_version(self._pieces.nats.address),
            }
        except ClusterFailed as error:
            raise ServerFailed(str(error)) from error
        except BaseException:
            await self._pieces.kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pieces.stop()


def _address(url: str) -> Address:
    host, _, port = url.partition("//")[2].rpartition(":")
    return host, int(port)


async def _postgresql_version(url: str) -> str:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        version: str = await connection.fetchval("SHOW server_version")
    finally:
        await connection.close()
    return version.partition(" ")[0]


async def _nats_version(address: str) -> str:
    """As the server says to whoever connects, before anything was asked."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        said = await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    version: str = json.loads(said.removeprefix(b"INFO "))["version"]
    return version
