"""A small company that talks: what the pictures show."""

import time

from browser.filled import Line
from hubbub.protocol.frames import RoomBody

ROOMS = ("Lounge", "Release 2.4", "Design", "Support", "Lunch", "Books")

_MINUTE_MS = 60_000
_DAY_MS = 86_400_000

_RELEASE = (
    (1_500, "bob", "Morning! The release branch is cut, notes are at https://example.org/notes/2.4"),
    (1_498, "cyd", "Thanks. I will go through the *migration* part first, that is where 2.3 hurt us."),
    (1_497, "cyd", "Do we still say that the old clients work until June?"),
    (
        1_490,
        "ada",
        "Yes, until the end of June. I wrote it down:\n\n> Clients of 2.2 and later work.",
    ),
    (1_489, "bob", "👍"),
    (
        80,
        "dan",
        "The upgrade took 4 seconds on the copy of the big store. Tried it twice: same.",
    ),
    (
        78,
        "dan",
        "This is all it needs:\n```\nhubbub backup --out before.db\nsystemctl restart hubbub\n```",
    ),
    (76, "ada", "That is **good** news. Did anybody lose a connection for longer than the restart?"),
    (75, "dan", "No. 1,212 clients were back within 3 seconds, and `hubbub verify` finds nothing to say."),
    (31, "cyd", "Then I would tag it at three. Anything against?"),
    (29, "bob", "Nothing from me. I will watch the graphs and have the rollback ready 🛟"),
    (12, "eve", "Support is ready too: two people until six, and the answers are in the shared notes."),
    (9, "cyd", "One question came up: what do we tell people who still run their own proxy in front?"),
    (8, "cyd", "Line 40 of the guide reads as if they had to change something. They do not."),
    (4, "ada", "Good catch, I will rephrase it. Give me ten minutes."),
)

_LOUNGE = (
    (2_900, "eve", "Who has the key to the bike room?"),
    (2_899, "dan", "Me, third floor. Come by 🚲"),
    (200, "bob", "The coffee machine is back. It only speaks Italian now."),
    (190, "cyd", "Finally someone in this office with good taste ☕"),
)

_LUNCH = (
    (65, "eve", "Noodles at half past twelve?"),
    (64, "dan", "In!"),
    (63, "bob", "Me too. Six of us then?"),
)

_BOB = (
    (1_600, "bob", "Do you have half an hour for the budget this week?"),
    (1_590, "ada", "Thursday after ten, or Friday all day."),
    (1_588, "bob", "Friday at nine then. I bring the numbers, you bring the cake."),
    (1_587, "ada", "Deal 🍰"),
    (20, "bob", "The room is booked. And thank you for yesterday, that talk helped a lot."),
)


def conversations(rooms: dict[str, RoomBody]) -> list[Line]:
    """Who said what, how many minutes ago."""
    now_ms = time.time_ns() // 1_000_000
    said = [
        *((ago, rooms["Release 2.4"], who, text) for ago, who, text in _RELEASE),
        *((ago, rooms["Lounge"], who, text) for ago, who, text in _LOUNGE),
        *((ago, rooms["Lunch"], who, text) for ago, who, text in _LUNCH),
        *((ago, "bob" if who == "ada" else "ada", who, text) for ago, who, text in _BOB),
        (3_000, "ada", "dan", "I sent you the draft, no hurry."),
        (
            40,
            "ada",
            "eve",
            "Can you look at ticket 1187 when you have a moment? The invoices again.",
        ),
    ]
    said.sort(key=lambda each: -each[0])
    return [
        Line(place=place, sender=who, text=text, at_ms=now_ms - ago * _MINUTE_MS)
        for ago, place, who, text in said
    ]
