"""The page about the server: what this is, and how to begin."""

from collections.abc import Sequence

from hubbub.api.html import fill, page, shell
from hubbub.api.operation import Operation

# `--json` (curl 7.82) also says that it is JSON, which `--data` does not.
_STEPS = (
    (
        "Sign up, and sign in",
        "The token is shown this once. It stands for you until you sign out.",
        """
curl {url}/users --json '{{"name":"ada","password":"correct horse"}}'
TOKEN=$(curl -s {url}/sessions \\
  --json '{{"name":"ada","password":"correct horse"}}' |
  sed 's/.*"token":"\\([^"]*\\)".*/\\1/')
""",
    ),
    (
        "Open a room",
        "Nobody has to join it: whoever is signed in may read, post and listen.",
        """
ROOM=$(curl -s {url}/rooms -H "Authorization: Bearer $TOKEN" \\
  --json '{{"name":"Lounge"}}' |
  sed 's/.*"id":"\\([^"]*\\)".*/\\1/')
""",
    ),
    (
        "Listen",
        "With <code>Accept: text/event-stream</code> it is an event stream, with "
        "<code>Upgrade: websocket</code> a WebSocket; this is one JSON object a line. The <code>&amp;</code> "
        "leaves you the terminal.",
        """
curl -sN "{url}/room/$ROOM/subscribe?after=0" \\
  -H "Accept: application/x-ndjson" -H "Authorization: Bearer $TOKEN" &
""",
    ),
    (
        "Speak",
        "When this has answered, the message is on disk; send it twice under one key, and it is there once.",
        """
curl {url}/room/$ROOM/messages -H "Authorization: Bearer $TOKEN" \\
  -H "Idempotency-Key: first-words" --json '{{"text":"hello, everyone"}}'
""",
    ),
)


def about(operations: Sequence[Operation], url: str) -> str:
    """The page of a server that is reached at `url`."""
    steps = "".join(
        f"<li><h3>{title}</h3><p>{why}</p>{shell(commands.format(url=url))}</li>"
        for title, why, commands in _STEPS
    )
    return page("hubbub: a chat server", fill("about.html", steps=steps, url=url), here="/about", kind="home")
