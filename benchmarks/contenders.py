"""All that are measured beside each other: the reference, hubbub, and servers others have written."""

from chats import NodeChat, PythonChat, SocketIo
from contender import Contender
from ours import Hubbub, Reference
from packaged import InspIrcd, Prosody

CONTENDERS: tuple[Contender, ...] = (
    Reference("plain", "nothing: lines go on unparsed, one send() a delivery"),
    Reference("joined", "nothing: lines go on unparsed, those of one round in one send()"),
    Reference("durable", "lines, unparsed, in a file that is synced before they go on"),
    Hubbub(keyed=False),
    Hubbub(keyed=True),
    PythonChat("socketify", "uWebSockets (C++, from Python)"),
    NodeChat("ws", "Node, ws"),
    SocketIo("socket.io", "Node, Socket.IO"),
    PythonChat("websockets", "Python, websockets broadcast()"),
    PythonChat("aiohttp", "Python, aiohttp"),
    PythonChat("fastapi", "Python, FastAPI as in its tutorial"),
    InspIrcd(),
    Prosody(),
)
"""In the order of the table."""
