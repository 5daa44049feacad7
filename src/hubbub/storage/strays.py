"""What a check is told of rows, whichever backend selected them: keys, and what hangs on nothing.

Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from hubbub.domain.errors import Damaged
from hubbub.domain.ids import inbox_log, room_log, room_of
from hubbub.domain.policy import folded
from hubbub.storage.auditing import Checked, Found, KeyFacts, Stray

Row = Sequence[Any]


def onward(before: Any, after: Any) -> Any:
    """Where reading goes on. Raises Damaged where a damaged order would lead it in a circle."""
    if not after > before:
        raise Damaged("The order in which things are stored is broken.")
    return after


def key_facts(row: Row) -> KeyFacts:
    """Of a row that has, in this order: log number, sender, key, seq and receipt of a key, and whether what a
    retry needs is kept; name and floor of its log; id, sent, sender and key of its event; the floor of the
    sender's inbox; id, sent, sender and key of the copy in it."""
    _, sender, key, seq, copy_seq, kept, log, floor, *found = row
    return KeyFacts(
        log=log,
        sender=sender,
        key=key,
        seq=seq,
        floor=floor or 0,
        event=_found(found[:4]),
        kept=bool(kept),
        copy_seq=copy_seq,
        copy_floor=found[4],
        copy=_found(found[5:]),
    )


def _found(columns: Row) -> Found | None:
    id, sent, sender, key = columns
    return None if id is None else Found(id=id, kind="sent" if sent else "message", sender=sender, key=key)


def users(rows: Sequence[Row]) -> Checked:
    """Of names, each with the number of the user's inbox."""
    strays = [
        Stray(text=f"The user {name} has no inbox.", log=inbox_log(name)) for name, log in rows if log is None
    ]
    return Checked(what="users", count=len(rows), strays=strays)


def rooms(rows: Sequence[Row]) -> Checked:
    """Of ids, each with the name of the room's log, and its own name as it is shown and as it is found."""
    return Checked(what="rooms", count=len(rows), strays=[*_stray_rooms(rows)])


def _stray_rooms(rows: Sequence[Row]) -> Iterator[Stray]:
    for id, log, name, folded_name in rows:
        if log != room_log(id):
            yield Stray(text=f"The room {id} has no log of its own.", log=room_log(id))
        if folded(name) != folded_name:
            text = f"The room {id} is called otherwise than it is found by."
            yield Stray(text=text, log=room_log(id), kind="name")


def sessions(rows: Sequence[Row]) -> Checked:
    """Of ids, each with the name of the user there is, and of the one it says."""
    strays = [
        Stray(text=f"The session {id} is of {user}, who does not exist.")
        for id, name, user in rows
        if name is None
    ]
    return Checked(what="sessions", count=len(rows), strays=strays)


def marks(rows: Sequence[Row]) -> Checked:
    """Of log numbers, each with a mark's place and seq; the inbox of that number with its owner and its head;
    and the number and head of the place's log."""
    return Checked(what="marks", count=len(rows), strays=[*_stray_marks(rows)])


def _stray_marks(rows: Sequence[Row]) -> Iterator[Stray]:
    for number, place, seq, own, user, own_head, there, its_head in rows:
        if user is None:
            yield Stray(text=f"A mark in {place} is of log number {number}, which is nobody's inbox.")
        elif there is None:
            yield Stray(text=f"A mark of {user} is in {place}, which does not exist.")
        else:
            head = its_head if room_of(place) else own_head
            if not 0 <= seq <= head:
                text = f"A mark of {user} in {place} is at {seq}, and the log ends at {head}."
                yield Stray(text=text, log=place if room_of(place) else own)
