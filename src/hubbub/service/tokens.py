"""What is handed out to be shown again: ids nobody can guess, and the tokens that prove a sign-in."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable

from hubbub.domain.ids import RoomId, SessionId

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: nothing to be misread
_PREFIX = "hb_"  # so that scanners for leaked secrets know one when they see it
_SECRET_BYTES = 32
_SESSION_ID_CHARACTERS = 20  # 100 random bits
_ROOM_ID_CHARACTERS = 12  # 60: among a million rooms, two alike once in two million such servers
_CHARACTERS = len(_PREFIX) + 43


def new_session_id(randomness: Callable[[int], bytes]) -> SessionId:
    return SessionId(opaque_id(randomness, _SESSION_ID_CHARACTERS))


def new_room_id(randomness: Callable[[int], bytes]) -> RoomId:
    return RoomId(opaque_id(randomness, _ROOM_ID_CHARACTERS))


def opaque_id(randomness: Callable[[int], bytes], characters: int) -> str:
    """An id with five random bits a character, safe in URLs, file names and shells."""
    return "".join(_ALPHABET[byte & 31] for byte in randomness(characters))


def new_token(randomness: Callable[[int], bytes]) -> str:
    """256 random bits. Whoever holds it is signed in, so it is shown once and only its hash is kept."""
    return _PREFIX + urlsafe_b64encode(randomness(_SECRET_BYTES)).rstrip(b"=").decode()


def token_hash(token: str) -> bytes:
    """What is stored of a token. A fast hash will do: there is nothing to guess in 256 random bits."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def looks_like_a_token(text: str) -> bool:
    return len(text) == _CHARACTERS and text.startswith(_PREFIX)
