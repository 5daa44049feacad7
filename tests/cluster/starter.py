"""Starts every piece in the directory it is given, says which processes there are, and waits to be killed.

With a second word it freezes them first: those that are frozen cannot notice anything by themselves.
"""

import asyncio
import sys
from pathlib import Path

from hubbub.cluster import Balancer, Nats, Node, Postgres, balancer
from hubbub.cluster.process import descendants


async def main(directory, frozen):
    async with (
        Postgres(directory) as postgres,
        Nats(directory) as nats,
        Node(directory, environment={}) as node,
    ):
        pieces = [postgres, nats, node]
        if balancer.is_installed():
            pieces.append(await Balancer(directory, [node]).__aenter__())
        pids = [pid for piece in pieces for pid in (piece.pid, *descendants(piece.pid))]
        if frozen:
            for piece in pieces:
                piece.freeze()
        print(*pids, flush=True)
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1]), len(sys.argv) > 2))
