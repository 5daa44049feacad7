"""What a draft becomes in a log, and how a retry of it is known. Pure; the same for every backend."""

from hashlib import blake2b

from hubbub.domain import chain
from hubbub.domain.events import Draft, Event
from hubbub.domain.ids import MessageId, inbox_log, owner_of

_TEXT_DIGEST_BYTES = 16
"""Of what a store before the chain kept of a removed text."""


def entry(
    draft: Draft, seq: int, *, copy: bool = False, id: MessageId | None = None, sent_at_ms: int | None = None
) -> Event:
    """The entry `draft` makes in the log it is for, or as a `copy` in its sender's own inbox.

    For a retry `id` and `sent_at_ms` are those of the first attempt.
    """
    return Event(
        log=inbox_log(draft.sender) if copy else draft.place,
        seq=seq,
        id=draft.id if id is None else id,
        kind="sent" if copy else "message",
        sender=draft.sender,
        to=owner_of(draft.place),
        text=draft.text,
        key=draft.key,
        sent_at_ms=draft.sent_at_ms if sent_at_ms is None else sent_at_ms,
    )


def is_kept(kept: bytes | None, event: Event, copy: int | None) -> bool:
    """Whether `kept`, what retention left of the first event with this key, is of this event."""
    if kept is None:
        return False
    if len(kept) == _TEXT_DIGEST_BYTES:
        return kept == blake2b(event.text.encode(), digest_size=_TEXT_DIGEST_BYTES).digest()
    return chain.proves(kept, event, copy)
