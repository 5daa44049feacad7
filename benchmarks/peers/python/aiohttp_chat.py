"""A chat on aiohttp: the path names the room, and `send_str` is awaited for each who is in it."""

import json
import sys
from collections import defaultdict

import uvloop
from aiohttp import WSMsgType, web

rooms: defaultdict[str, set[web.WebSocketResponse]] = defaultdict(set)


async def chat(request: web.Request) -> web.WebSocketResponse:
    name = request.match_info["room"]
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    room = rooms[name]
    room.add(socket)
    try:
        await socket.send_str(json.dumps({"joined": name}))
        async for said in socket:
            if said.type is WSMsgType.TEXT:
                message = json.dumps({"room": name, "text": json.loads(said.data)["text"]})
                for member in tuple(room):
                    await member.send_str(message)
    except ConnectionResetError:
        pass  # somebody left while being written to
    finally:
        room.remove(socket)
    return socket


app = web.Application()
app.router.add_get("/{room}", chat)
web.run_app(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    backlog=4096,
    print=None,
    access_log=None,
    loop=uvloop.new_event_loop(),
)
