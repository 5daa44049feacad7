"""The Python client: async, typed, few verbs.

    async with Client("http://localhost:8080") as client:
        await client.sign_in("ada", "correct horse battery")
        room = await client.room("Lounge")
        await client.post("hello", room=room)
        async for event in client.subscribe(room, inbox=True):
            print(event)

Knows the protocol floor and nothing of the server above it.
"""

from hubbub.client.client import Client, Receipt, Room
from hubbub.client.errors import ClientError, ConnectionLost, Hole, Problem, SignedOut
from hubbub.client.lines import Transport
from hubbub.client.places import Event, Log
from hubbub.client.socket import Socket
from hubbub.client.subscription import Subscription
from hubbub.protocol.frames import Bye, GapFrame, Message, Sent

__all__ = [
    "Bye",
    "Client",
    "ClientError",
    "ConnectionLost",
    "Event",
    "GapFrame",
    "Hole",
    "Log",
    "Message",
    "Problem",
    "Receipt",
    "Room",
    "Sent",
    "SignedOut",
    "Socket",
    "Subscription",
    "Transport",
]
