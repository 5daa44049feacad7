"""A chat on `websockets`: the path names the room, and what one says is broadcast to all in it."""

import json
import sys
from collections import defaultdict

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

rooms: defaultdict[str, set[ServerConnection]] = defaultdict(set)


async def chat(socket: ServerConnection) -> None:
    assert socket.request is not None
    name = socket.request.path[1:]
    room = rooms[name]
    room.add(socket)
    try:
        await socket.send(json.dumps({"joined": name}))
        async for said in socket:
            broadcast(room, json.dumps({"room": name, "text": json.loads(said)["text"]}))
    except ConnectionClosed:
        pass
    finally:
        room.remove(socket)


async def main() -> None:
    # No pings: with them an overloaded server would drop the clients whose answers it has no time to read.
    async with serve(chat, "127.0.0.1", int(sys.argv[1]), backlog=4096, ping_interval=None) as server:
        await server.serve_forever()


uvloop.run(main())
