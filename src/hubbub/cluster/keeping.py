"""Starts again whatever of a cluster ends by itself, as a supervisor would: so one may kill and see."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hubbub.cluster.errors import ClusterFailed
from hubbub.cluster.piece import Piece
from hubbub.cluster.together import Cluster

LOOK_SECONDS = 0.2
AGAIN_SECONDS = 3.0
"""After which a piece is started again: long enough to be seen away."""


@asynccontextmanager
async def kept(cluster: Cluster, tell: Callable[[str], None]) -> AsyncIterator[None]:
    """While the block lasts. `tell` gets a line whenever something ended, and when it is back."""
    pieces: list[Piece] = [cluster.postgres, cluster.nats, *cluster.nodes]
    if cluster.balancer is not None:
        pieces.append(cluster.balancer)
    tasks = [asyncio.create_task(_keep(piece, tell)) for piece in pieces]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(piece: Piece, tell: Callable[[str], None]) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        if piece.is_running:
            continue
        tell(f"{piece.name} has ended, and is started again in {AGAIN_SECONDS:g} s")
        await asyncio.sleep(AGAIN_SECONDS)
        try:
            await piece.start()
        except ClusterFailed as error:
            tell(str(error))
        else:
            tell(f"{piece.name} is back")
