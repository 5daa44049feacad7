"""A chat as FastAPI's tutorial has it: a manager of connections that awaits `send_text` for each."""

import json
import sys
from collections import defaultdict

import uvicorn
from fastapi import FastAPI, WebSocket, WebSocketDisconnect

app = FastAPI()


class ConnectionManager:
    def __init__(self) -> None:
        self.rooms: defaultdict[str, list[WebSocket]] = defaultdict(list)

    async def connect(self, websocket: WebSocket, room: str) -> None:
        await websocket.accept()
        self.rooms[room].append(websocket)

    def disconnect(self, websocket: WebSocket, room: str) -> None:
        self.rooms[room].remove(websocket)

    async def broadcast(self, room: str, message: str) -> None:
        for connection in self.rooms[room]:
            await connection.send_text(message)


manager = ConnectionManager()


@app.websocket("/{room}")
async def chat(websocket: WebSocket, room: str) -> None:
    await manager.connect(websocket, room)
    try:
        await websocket.send_text(json.dumps({"joined": room}))
        while True:
            said = json.loads(await websocket.receive_text())
            await manager.broadcast(room, json.dumps({"room": room, "text": said["text"]}))
    except WebSocketDisconnect:
        manager.disconnect(websocket, room)


# No pings: with them an overloaded server would drop the clients whose answers it has no time to read.
uvicorn.run(
    app,
    host="127.0.0.1",
    port=int(sys.argv[1]),
    backlog=4096,
    log_level="error",
    access_log=False,
    ws_ping_interval=None,
)
