"""Where people talk: a room, or the conversation with a person."""

from msgspec import Struct

from hubbub.protocol.frames import GapFrame, LogFrame, Sent


class RoomPlace(Struct, frozen=True, tag="room"):
    id: str


class PersonPlace(Struct, frozen=True, tag="person"):
    name: str


Place = RoomPlace | PersonPlace


def place_of(event: LogFrame, me: str) -> Place | None:
    """Where `event` is to be seen. None for a gap in the inbox: it concerns every conversation."""
    match event:
        case GapFrame(room=None):
            return None
        case GapFrame(room=room) if room is not None:
            return RoomPlace(room)
        case Sent(to=to):
            return PersonPlace(to)
    assert not isinstance(event, (GapFrame, Sent))
    if event.room is not None:
        return RoomPlace(event.room)
    return PersonPlace(event.sender)  # also when I wrote to myself
