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
from hubbub.client.errors import ClientError, ConnectionLost, Hole, NotUnderstood, Problem, SignedOut
from hubbub.client.lines import Transport
from hubbub.client.places import Event, Log
from hubbub.client.socket import Socket
from hubbub.client.subscription import Subscription
from hubbub.protocol.frames import (
    Bye,
    ConversationBody,
    FollowedBody,
    GapFrame,
    MarkFrame,
    Message,
    RoomBody,
    Sent,
    SessionBody,
    SignedIn,
    SubscriptionOffer,
    UserBody,
)

__all__ = [
    "Bye",
    "Client",
    "ClientError",
    "ConnectionLost",
    "ConversationBody",
    "Event",
    "FollowedBody",
    "GapFrame",
    "Hole",
    "Log",
    "MarkFrame",
    "Message",
    "NotUnderstood",
    "Problem",
    "Receipt",
    "Room",
    "RoomBody",
    "Sent",
    "SessionBody",
    "SignedIn",
    "SignedOut",
    "Socket",
    "Subscription",
    "SubscriptionOffer",
    "Transport",
    "UserBody",
]
