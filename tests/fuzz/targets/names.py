"""What people call themselves and their rooms, their keys and texts: what is taken is taken again."""

import unicodedata
from collections.abc import Callable, Iterator
from typing import TypeVar

from fuzz.mistakes import check_mistake
from hubbub.domain import policy
from hubbub.domain.errors import BadInput, TooLarge

Taken = TypeVar("Taken")


def _taken(rule: Callable[[str], Taken], given: str) -> Taken | None:
    """What `rule` makes of it; None when it is refused, which is all a rule may do else."""
    try:
        return rule(given)
    except (BadInput, TooLarge) as error:
        check_mistake(error)
        return None


def try_one(data: bytes) -> None:
    given = data.decode("utf-8", "ignore")
    _try_user(given)
    _try_room(given)
    _taken(policy.check_text, given)
    _taken(policy.check_key, given)
    _taken(policy.check_password, given)
    if policy.is_room_id(given):
        assert given.isascii()
        assert not set(given) & set("/?#%@:=, \n")


def _try_user(given: str) -> None:
    name = _taken(policy.user_name, given)
    if name is not None:
        assert given.isascii(), "something else looks like a letter"
        assert policy.is_handle(name)
        assert policy.user_name(name) == policy.user_name(name.upper()) == name


def _try_room(given: str) -> None:
    name = _taken(policy.room_name, given)
    if name is None:
        return
    assert policy.room_name(name) == name
    assert name == name.strip()
    assert unicodedata.is_normalized("NFC", name)
    assert 1 <= len(name) <= policy.MAX_ROOM_NAME_CHARACTERS
    folded = policy.folded(name)
    assert folded, "a name that folds to nothing"
    assert len(folded) <= policy.MAX_FOLDED_CHARACTERS
    assert policy.folded(folded) == folded
    assert unicodedata.is_normalized("NFKC", folded)
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        assert policy.folded(unicodedata.normalize(form, name)) == folded  # type: ignore[arg-type]
    for other in (name.lower(), name.casefold(), f"  {name}\t"):
        assert policy.folded(other) == folded, f"{other!r} is another name"


def seeds() -> Iterator[bytes]:
    for text in (
        "ada",
        "Ada.B_c-d",
        "\u212aelvin",
        "Lounge",
        "  Lounge  ",
        "Straße",
        "STRASSE",
        "e\u0301",
        "\u00e9",
        "ﬁ",
        "\ufdfa" * 80,
        "\u0130stanbul",
        "ΣΊΣΥΦΟΣ",
        "ς",
        "カ\u3099",
        "ｶﾞ",
        "\u202eevil",
        "a\u200db",
        "\u0345\u0301\u0345",
        "\u1f80\u0345",
        "a\u0323\u0307",
        "👩\u200d👩\u200d👧",
        "x" * 81,
        "a\0b",
        "\u2126",
        "\u0390\u03b9",
        "\u1e9e",
        "\u3000x\u3000y",
        "k" * 128,
    ):
        yield text.encode()


WORDS = tuple(
    word.encode()
    for word in (
        *("\u0301", "\u0345", "\u0307", "\u0130", "\u1e9e", "ß", "ﬃ", "\ufdfa", "\u3099", "\u200d", "\u00a0"),
        *("\u3000", "\u2126", "\u212a", "ς", "Σ", "\u0390", "\u1fb3", "\u1fc4", "\u0149", "\u01f0", "\u0587"),
        *("\u115f", "\u1d15e", "\u2fa1d", "\U0002fa1d", "\U000e0041", "\ufe0f", "\u034f", "\u0f73", "\u1ac1"),
    )
)
