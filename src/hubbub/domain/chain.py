"""The chain through a log: each event carries a hash of the one before it.

An event has a *digest*, of its content and a random salt, and a *link*, of the link before it and that
digest. The links can be followed without any content, so an event whose text and salt were erased leaves
the chain whole; and with the salt gone nobody can find a short text again by trying.

Pure: hashing, and nothing of where the hashes are kept. What goes into them never changes, for they are
compared with what was stored years ago.
"""

from hashlib import blake2b

import msgspec
from msgspec.structs import astuple

from hubbub.domain.events import Event
from hubbub.domain.ids import LogId

SALT_BYTES = 16
"""What BLAKE2b takes as a salt."""

HASH_BYTES = 20
"""Of a digest and of a link. Nobody finds other content for a digest that is there (2^160 tries), nor makes
two contents beforehand that have the same one (2^80); 32 bytes would make an event a tenth larger for no
attacker there is."""

# BLAKE2's personalization: a hash of one kind is never one of another kind.
_DIGEST = b"hubbub event"
_LINK = b"hubbub link"
_FIRST = b"hubbub log"
_RECEIPT = b"hubbub receipt"

# The fields of an event, in their order, as MessagePack in its shortest forms: lengths stand before contents,
# so no two events read alike.
_encode = msgspec.msgpack.Encoder().encode


def digest(salt: bytes, event: Event) -> bytes:
    """Of all an event says and where it stands. Raises UnicodeEncodeError for half of a surrogate pair."""
    said = _encode(astuple(event))
    return blake2b(said, digest_size=HASH_BYTES, salt=salt, person=_DIGEST).digest()


def link(previous: bytes, digest: bytes) -> bytes:
    """What ties an event to the one before it."""
    return blake2b(previous + digest, digest_size=HASH_BYTES, person=_LINK).digest()


_tie = link  # where `link` is the name of one


def first_link(log: LogId) -> bytes:
    """What the first event of a log is tied to: logs cannot change places."""
    return blake2b(log.encode(), digest_size=HASH_BYTES, person=_FIRST).digest()


def holds(event: Event, salt: object, stored: object) -> bool:
    """Whether the event is the one whose digest was `stored`; whatever they are, for a disk may have changed
    their types too."""
    if not isinstance(salt, bytes) or len(salt) != SALT_BYTES:
        return False
    try:
        return digest(salt, event) == stored
    except (TypeError, ValueError, OverflowError):
        return False


def ties(previous: object, digest: object, link: object) -> bool:
    """Whether `link` is that of an event with this digest after an event with the link `previous`."""
    if not isinstance(previous, bytes) or not isinstance(digest, bytes):
        return False
    return len(previous) == len(digest) == HASH_BYTES and _tie(previous, digest) == link


def receipt(salt: bytes, event: Event, copy: int | None) -> bytes:
    """What is kept of an event that is removed, to know a retry of it by: the salt, and a digest of the event
    and of the seq of its author's `copy`. A retry brings the text along."""
    said = _encode((digest(salt, event), copy))
    return salt + blake2b(said, digest_size=HASH_BYTES, salt=salt, person=_RECEIPT).digest()


def proves(kept: bytes, event: Event, copy: int | None) -> bool:
    """Whether `kept` is the `receipt` of this event."""
    return len(kept) == SALT_BYTES + HASH_BYTES and receipt(kept[:SALT_BYTES], event, copy) == kept
