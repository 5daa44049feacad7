"""What a page of a log has on it, by the reference."""

from model.reference import Event, Log, Place, Reference


def views(reference: Reference, user: str, path: str) -> tuple[Place, list[Event]]:
    """The log that is read at `path`, and which of its events are left and belong there."""
    kind, _, rest = path.strip("/").partition("/")
    if kind == "room":
        place: Place = ("room", rest.removesuffix("/messages"))
        return place, left(reference.logs[place])
    mine: Place = ("inbox", user)
    events = left(reference.logs[mine])
    if kind == "inbox":
        return mine, [event for event in events if event["type"] == "message"]
    peer = rest.removesuffix("/messages")
    return mine, [event for event in events if _between(event, user, peer)]


def left(log: Log) -> list[Event]:
    return log.events[log.removed :]


def _between(event: Event, me: str, peer: str) -> bool:
    if peer == me:
        return event["sender"] == event["to"] == me
    return peer in (event["sender"], event["to"])


class Page:
    """The array, and whether something follows it or comes before it."""

    def __init__(
        self,
        reference: Reference,
        user: str,
        path: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int = 50,
    ) -> None:
        place, events = views(reference, user, path)
        log = reference.logs[place]
        if after is not None:
            found = [event for event in events if event["seq"] > after]
            page, gap = found[:limit], reference.gap(place, after + 1, log.removed)
        else:
            end = log.head + 1 if before is None else before
            found = [event for event in events if event["seq"] < end]
            page = found[-limit:]
            whole = len(found) <= limit
            gap = reference.gap(place, 1, min(log.removed, end - 1)) if whole else []
        self.array = gap + page
        self.head = log.head
        first, last = (page[0]["seq"], page[-1]["seq"]) if page else (0, 0)
        self.follows = bool(page) and any(event["seq"] > last for event in events)
        self.precedes = bool(page) and any(event["seq"] < first for event in events)
        self.first, self.last = first, last
