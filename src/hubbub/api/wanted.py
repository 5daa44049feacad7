"""Which logs a client means, and from where: the same for addresses and for what is said over WebSocket.

/room/{roomId}/subscribe?after=CURSOR
/inbox/subscribe?after=CURSOR
/subscribe?room=A@CURSOR&room=B&inbox=CURSOR
"""

from collections.abc import Sequence

from hubbub.api.settings import Settings
from hubbub.domain.errors import BadInput, NoSuchRoom, NoSuchUser, TooMany
from hubbub.domain.ids import LogId, UserId, inbox_log, room_log
from hubbub.domain.policy import is_handle, is_room_id
from hubbub.service.limits import Limits

MANY = "/subscribe"
"""The path of streams over many logs."""

Wanted = dict[LogId, str | None]
"""The logs asked for, each with its cursor as the client gave it; None: from the head."""


def log_of_room(id: str) -> LogId:
    """Raises NoSuchRoom for what could not be a room's id."""
    if not is_room_id(id):
        raise NoSuchRoom("There is no room with this id.")
    return room_log(id)


def inbox_of(name: str) -> LogId:
    """Raises NoSuchUser for what could not be a user's name."""
    handle = name.lower()
    if not is_handle(handle):
        raise NoSuchUser("There is no user of this name.")
    return inbox_log(handle)


def one_room(id: str, after: str | None) -> Wanted:
    """Raises NoSuchRoom for what could not be a room's id."""
    return {log_of_room(id): after or None}


def the_inbox(user: UserId, after: str | None) -> Wanted:
    return {inbox_log(user): after or None}


def many(rooms: Sequence[str], inbox: str | None, user: UserId) -> Wanted:
    """`rooms` as `ID` or `ID@CURSOR`; `inbox` a cursor, "" for the head, None for not at all.

    Raises BadInput when no log is named, or one twice; NoSuchRoom for what could not be a room's id.
    """
    wanted: Wanted = {}
    for given in rooms:
        id, _, after = given.partition("@")
        log = log_of_room(id)
        if log in wanted:
            raise BadInput(f"The room {id} is named twice.", field="room")
        wanted[log] = after or None
    if inbox is not None:
        wanted |= the_inbox(user, inbox)
    if not wanted:
        raise BadInput("Name at least one `room`, or the `inbox`.", field="room")
    return wanted


def take(wanted: Wanted, user: UserId, limits: Limits, settings: Settings) -> None:
    """Count the logs an address names, each as if the user had said it over WebSocket: each costs as much.

    Raises TooMany for more than one stream carries, TooFast.
    """
    check_room_for(len(wanted), settings)
    policy = limits.frames.policy
    if wanted and policy is not None:
        limits.frames.take(user, min(len(wanted), policy.quota))


def check_room_for(logs: int, settings: Settings) -> None:
    """Raises TooMany when so many logs are more than one stream carries."""
    most = settings.subscriptions_per_stream
    if logs > most:
        raise TooMany(f"One stream carries at most {most} logs.", retry_after_seconds=60.0)
