"""What can happen to a chat client: what was told, what was answered, what the reader did."""

from msgspec import Struct

from hubbub.chat.state.connection import Connection
from hubbub.chat.state.outbox import Fate, Pending
from hubbub.chat.state.places import Place
from hubbub.chat.state.side import Conversation, Followed
from hubbub.chat.state.timeline import Entry, Loading

# -- told by the server -----------------------------------------------------


class Heard(Struct, frozen=True, kw_only=True):
    """Something new in a place; `place` is None for a gap in the inbox."""

    place: Place | None
    entry: Entry


class RoomsTold(Struct, frozen=True):
    rooms: tuple[Followed, ...]


class PeopleTold(Struct, frozen=True):
    people: tuple[Conversation, ...]


class RoomMarked(Struct, frozen=True):
    id: str
    seq: int


class RoomLeft(Struct, frozen=True):
    """Not followed any more."""

    id: str


class PersonMarked(Struct, frozen=True):
    name: str
    seq: int


class ConnectionMoved(Struct, frozen=True):
    connection: Connection


# -- answers ----------------------------------------------------------------


class NewestCame(Struct, frozen=True, kw_only=True):
    place: Place
    page: tuple[Entry, ...]
    reaches_start: bool


class OlderCame(Struct, frozen=True, kw_only=True):
    place: Place
    before: int
    page: tuple[Entry, ...]
    reaches_start: bool


class NewerCame(Struct, frozen=True, kw_only=True):
    place: Place
    after: int
    page: tuple[Entry, ...]
    reaches_end: bool


class NothingCame(Struct, frozen=True):
    """A page could not be fetched."""

    place: Place
    trouble: str


class Moved(Struct, frozen=True, kw_only=True):
    """What became of something I wrote."""

    key: str
    fate: Fate
    trouble: str = ""
    seq: int = 0


# -- done by the reader -----------------------------------------------------


class Opened(Struct, frozen=True, kw_only=True):
    place: Place
    name: str


class Closed(Struct, frozen=True):
    """No place is open any more."""


class RoomFollowed(Struct, frozen=True):
    room: Followed


class Asked(Struct, frozen=True):
    """A page is under way."""

    what: Loading


class Scrolled(Struct, frozen=True):
    """Whether the newest message is in sight."""

    at_end: bool


class Drafted(Struct, frozen=True):
    place: Place
    text: str


class Wrote(Struct, frozen=True):
    pending: Pending


class Discarded(Struct, frozen=True):
    key: str


Happening = (
    Heard
    | RoomsTold
    | PeopleTold
    | RoomMarked
    | RoomLeft
    | PersonMarked
    | ConnectionMoved
    | NewestCame
    | OlderCame
    | NewerCame
    | NothingCame
    | Moved
    | Opened
    | Closed
    | RoomFollowed
    | Asked
    | Scrolled
    | Drafted
    | Wrote
    | Discarded
)
