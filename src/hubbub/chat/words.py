"""Every text that is shown, in one place."""

from datetime import date, timedelta

from hubbub.chat.state.connection import Connecting, Connection, Ended, Live, Waiting

BRAND = "hubbub"

ROOMS = "Rooms"
PEOPLE = "Direct messages"
NO_ROOMS = "none yet: ^R"
NO_PEOPLE = "none yet: ^N"
NEW_MESSAGES = "New messages"
BEGINNING = "This is where it begins."
LOADING = "Loading…"
NOTHING_OPEN = "Choose a room or a person"
NOTHING_OPEN_MORE = (
    "^K  go to a room or a person\n"
    "^R  all rooms, or make one  \n"
    "^N  write to somebody       \n"
    "F1  all keys                "
)
EMPTY_PLACE = "Nothing was said here yet."
SIDE_HINTS = (
    ("^K go to", "switch"),
    ("^R rooms", "rooms"),
    ("^N write", "people"),
    ("F1 keys", "help"),
)
"""Keys, and which action each is: they can be clicked."""
SENDING = "sending"
WAITING = "waiting for the connection"
NOT_SENT = "not sent"
TRY_AGAIN = "r try again"
DISCARD = "d discard"
BELL_ON = "The bell rings for direct messages."
BELL_OFF = "The bell is silent."
COPIED = "Copied."

SIGN_IN = "Sign in"
SIGN_UP = "Create an account"
SERVER = "Server"
NAME = "Name"
PASSWORD = "Password"  # noqa: S105 - a label
SIGNING_IN = "One moment…"
MISSING = "Fill in the server, a name and a password."
NOT_PRIVATE = "Not encrypted: others on the way can read the password and all you write."

FIND_ROOM = "Find a room"
FIND_PERSON = "Find a person"
GO_TO = "Room or person"
ALL_ROOMS = "All rooms"
NEW_DIRECT = "New direct message"
SWITCHER = "Go to"
NONE_FOUND = "None found."
HINT_CHOOSE = "↑↓ choose · Enter open · Esc close"

LEAVE = "Stop following"
HELP = "Keys"
CLOSE = "Esc closes this"

KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Go",
        (
            ("Ctrl-K", "go to a room or a person"),
            ("Ctrl-R", "all rooms; make a new one"),
            ("Ctrl-N", "write to somebody"),
            ("Alt-↑ Alt-↓", "the place above, below"),
            ("Alt-U", "the next place with something unread"),
            ("Ctrl-B", "show or hide the list at the side"),
        ),
    ),
    (
        "Read",
        (
            ("PageUp PageDown", "back and forth, through all there is"),
            ("Esc", "to the newest message, and to writing"),
            ("Tab Shift-Tab", "between list, messages and writing"),
            ("mouse, Ctrl-C", "select text, and copy it"),
            ("Ctrl-X", "stop following this room"),
        ),
    ),
    (
        "Write",
        (
            ("Enter", "send"),
            ("Ctrl-J, Shift-Enter", "a new line"),
            ("r, d", "on what was not sent: try again, discard"),
        ),
    ),
    (
        "Else",
        (
            ("Ctrl-L", "try to connect now"),
            ("Ctrl-T", "light or dark"),
            ("F4", "ring the bell for direct messages, or not"),
            ("F1, ?", "this page"),
            ("Ctrl-Q", "leave"),
        ),
    ),
)

_ENDS = {
    "signed-out": "You were signed out. Sign in again to go on.",
    "expired": "Your session has expired. Sign in again to go on.",
    "disabled": "This account was disabled.",
}


def placeholder(name: str) -> str:
    return f"Message {name}"


def create_room(name: str) -> str:
    return f"Make a room called “{name}”"


def removed(count: int) -> str:
    return (
        "One message was removed by the server"
        if count == 1
        else f"{count:,} messages were removed by the server"
    )


def new_below(count: int) -> str:
    return f"↓ {count:,} new · Esc to the newest" if count else "↓ Esc to the newest"


def unread_elsewhere(count: int) -> str:
    return f"{count:,} unread elsewhere"


def unread_count(count: int) -> str:
    return "999+" if count > 999 else str(count)


def ended(reason: str) -> str:
    return _ENDS.get(reason, _ENDS["signed-out"])


def connection(now: Connection, monotonic_seconds: float) -> str:
    match now:
        case Live():
            return "live"
        case Connecting():
            return "connecting"
        case Ended(reason=reason):
            return ended(reason)
        case Waiting(at_seconds=at_seconds):
            left = round(at_seconds - monotonic_seconds)
            when = f"in {left} s" if left > 0 else "now"
            return f"offline: messages wait · next try {when}" if now.offline else f"reconnecting {when}"


def day(which: date, today: date) -> str:
    if which == today:
        return "Today"
    if which == today - timedelta(days=1):
        return "Yesterday"
    shown = f"{which:%A} {which.day} {which:%B}"
    return shown if which.year == today.year else f"{shown} {which.year}"


def title(name: str, unread: int) -> str:
    """Of the terminal's window."""
    count = f"({unread}) " if unread else ""
    return f"{count}{name} · {BRAND}" if name else f"{count}{BRAND}"
