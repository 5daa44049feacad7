"""The rules for what people may call themselves, their rooms, and say."""

import re
import unicodedata

from hubbub.domain.errors import BadInput, TooLarge
from hubbub.domain.ids import UserId

MAX_TEXT_BYTES = 16_384
MAX_ROOM_NAME_CHARACTERS = 80
MAX_USER_NAME_CHARACTERS = 32
MAX_ROOM_ID_CHARACTERS = 64
MIN_PASSWORD_CHARACTERS = 8
MAX_PASSWORD_CHARACTERS = 1024
MAX_KEY_CHARACTERS = 128

ROOM_ID_PATTERN = f"[A-Za-z0-9_-]{{1,{MAX_ROOM_ID_CHARACTERS}}}"
KEY_PATTERN = f"[!-~]{{1,{MAX_KEY_CHARACTERS}}}"

_HANDLE = re.compile(f"[a-z0-9][a-z0-9._-]{{0,{MAX_USER_NAME_CHARACTERS - 1}}}")
_ROOM_ID = re.compile(ROOM_ID_PATTERN)
_KEY = re.compile(KEY_PATTERN)

_MAX_DECOMPOSED = 4 * MAX_ROOM_NAME_CHARACTERS
"""How long a name may be written: no character is composed of more than 4 (Unicode Annex 15, section 14)."""

MAX_FOLDED_CHARACTERS = 18 * MAX_ROOM_NAME_CHARACTERS
"""How long a folded name can be: U+FDFA has 18 characters in form NFKC, and none has more."""

# Marks that reorder or hide what surrounds them (Unicode TR 36, section 3): a name with one could be
# shown as another's. Joiners stay: Persian and many Indic names are written with them.
_DECEPTIVE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]"
)

# What shows nothing: Unicode's Default_Ignorable_Code_Point (Annex 44), and the empty pattern of Braille. A
# name may have some, to join its letters or colour its emoji, but none makes it another name.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def user_name(given: str) -> UserId:
    """The handle a person meant by `given`. Raises BadInput."""
    name = given.lower()
    if not given.isascii() or not _HANDLE.fullmatch(name):  # the Kelvin sign lowers to a k
        raise BadInput(
            f"A name is 1 to {MAX_USER_NAME_CHARACTERS} of a-z, 0-9, dot, underscore and hyphen, and starts"
            " with a letter or a digit.",
            field="name",
        )
    return UserId(name)


def is_handle(name: str) -> bool:
    return _HANDLE.fullmatch(name) is not None


def is_room_id(given: str) -> bool:
    """Whether `given` could be a room's id at all."""
    return _ROOM_ID.fullmatch(given) is not None


def room_name(given: str) -> str:
    """`given` as it is shown: trimmed, in Unicode form NFC. Raises BadInput."""
    given = given.strip()
    # Ordering marks takes the square of their number, seconds for a whole body of them.
    name = unicodedata.normalize("NFC", given).strip() if len(given) <= _MAX_DECOMPOSED else ""
    if not 1 <= len(name) <= MAX_ROOM_NAME_CHARACTERS:
        raise BadInput(f"A room's name has 1 to {MAX_ROOM_NAME_CHARACTERS} characters.", field="name")
    obeyed = any(unicodedata.category(c) in ("Cc", "Cs", "Cn") for c in name)
    if obeyed or _DECEPTIVE.search(name) or not folded(name):
        raise BadInput("A room's name has no control, direction or invisible characters.", field="name")
    return name


def folded(name: str) -> str:
    """Two names that fold alike are the same name (Unicode's NFKC_Casefold: what is not seen is left out)."""
    once = _UNSEEN.sub("", unicodedata.normalize("NFKC", name).casefold())
    return " ".join(unicodedata.normalize("NFKC", once).split())


def check_text(text: str) -> None:
    """Raises BadInput or TooLarge unless `text` may be posted."""
    if not text:
        raise BadInput("A message has some text.", field="text")
    # A character has at most four bytes, so most texts need no encoding to be known as short enough.
    if len(text) * 4 > MAX_TEXT_BYTES and len(text.encode()) > MAX_TEXT_BYTES:
        raise TooLarge(
            f"A message's text has at most {MAX_TEXT_BYTES} bytes of UTF-8.", limit_bytes=MAX_TEXT_BYTES
        )
    if "\0" in text:
        raise BadInput("A message's text has no NUL character.", field="text")


def check_key(key: str, field: str = "key") -> None:
    """Raises BadInput unless `key` may name a post."""
    if not _KEY.fullmatch(key):
        raise BadInput(
            f"An idempotency key is 1 to {MAX_KEY_CHARACTERS} visible ASCII characters.", field=field
        )


def check_password(password: str) -> None:
    """Raises BadInput unless `password` may be chosen."""
    if not MIN_PASSWORD_CHARACTERS <= len(password) <= MAX_PASSWORD_CHARACTERS:
        raise BadInput(
            f"A password has {MIN_PASSWORD_CHARACTERS} to {MAX_PASSWORD_CHARACTERS} characters.",
            field="password",
        )
