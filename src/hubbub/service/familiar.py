"""Where each account has signed in from: so that a stranger's wrong guesses do not keep its owner out.

A sign-in comes from a *place*: the address it comes from, or the browser, when that shows the proof it was
given when somebody signed in with it before (OWASP calls it a device cookie). A place is *familiar* to an
account once somebody signed in to the account there.

The proof is signed and says nothing: not whom it is for, and not that there is such an account. It signs
nobody in. Addresses are kept in memory only, and forgotten with the process, as the counts are that they
stand against.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from hubbub.domain.ids import UserId
from hubbub.service.limits import neighbourhood
from hubbub.service.tokens import opaque_id

MAX_ADDRESSES = 1 << 16
"""Pairs of account and address that are remembered, some 15 MB; those used least recently go first."""

_PURPOSE = b"hubbub device 1\0"  # the same secret signs tickets, under another purpose
_ID_CHARACTERS = 32  # 160 random bits, and long enough to be blotted out of a log


class Place(msgspec.Struct, frozen=True):
    name: str
    familiar: bool


class Familiar:
    """Always true: at most `most` addresses are remembered."""

    def __init__(self, secret: bytes, randomness: Callable[[int], bytes], most: int = MAX_ADDRESSES) -> None:
        self._secret = secret
        self._randomness = randomness
        self._most = most
        self._addresses: OrderedDict[tuple[UserId, str], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._addresses)

    def place(self, user: UserId, address: str, proof: str | None) -> Place:
        """Where somebody tries to sign in as `user`, showing `proof` or none."""
        id, _, signature = (proof or "").partition(".")
        if id and proof and proof.isascii() and hmac.compare_digest(self._signature(user, id), signature):
            return Place(f"browser {id}", familiar=True)
        near = neighbourhood(address)
        return Place(near, familiar=(user, near) in self._addresses)

    def remember(self, user: UserId, address: str) -> None:
        """Somebody signed in as `user` there."""
        key = user, neighbourhood(address)
        self._addresses[key] = None
        self._addresses.move_to_end(key)
        if len(self._addresses) > self._most:
            self._addresses.popitem(last=False)

    def new_proof(self, user: UserId) -> str:
        """For a browser to show when somebody signs in as `user` there again."""
        id = opaque_id(self._randomness, _ID_CHARACTERS)
        return f"{id}.{self._signature(user, id)}"

    def _signature(self, user: UserId, id: str) -> str:
        said = _PURPOSE + f"{user}\0{id}".encode()
        return urlsafe_b64encode(hmac.digest(self._secret, said, hashlib.sha256)).rstrip(b"=").decode()
