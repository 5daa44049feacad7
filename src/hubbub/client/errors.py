"""What can go wrong for a client, as one tree.

ClientError
├── Problem           the server refused: .status .code .title .detail .members .retry_after
│   └── SignedOut     the session is over: sign in again
├── ConnectionLost    no answer, or a stream broke: it may have been done, or not
│   └── NotUnderstood something answered, and not as hubbub does
└── Hole              the server skipped events: a bug, never hidden
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from hubbub.protocol.frames import ErrorFrame


class ClientError(Exception):
    """Anything this client raises on purpose."""


class Problem(ClientError):
    """The server refused. `code` is the stable name of the kind, the last part of its `/problems/…` page."""

    def __init__(
        self,
        *,
        status: int,
        code: str,
        title: str = "",
        detail: str = "",
        members: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(f"{status} {code}: {detail or title}")
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.members = dict(members or {})
        told = self.members.get("retry_after")
        self.retry_after = (
            float(told) if retry_after is None and isinstance(told, (int, float)) else retry_after
        )
        """Seconds to wait before asking again, when the server said so."""

    @property
    def passing(self) -> bool:
        """Whether the same request may be granted later."""
        return self.status in (429, 502, 503, 504)


class SignedOut(Problem):
    """The session ended (`reason`: "signed-out", "expired" or "disabled"), or never was."""

    def __init__(self, reason: str = "signed-out", *, detail: str = "") -> None:
        super().__init__(
            status=401,
            code="not-signed-in",
            title="You are not signed in",
            detail=detail or f"The session is over ({reason}).",
            members={"reason": reason},
        )
        self.reason = reason


class ConnectionLost(ClientError):
    """Nothing more can be learned on this connection. `close_code` is the WebSocket's, if it was closed."""

    def __init__(self, why: str, *, close_code: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(why)
        self.close_code = close_code
        self.retry_after = retry_after


class NotUnderstood(ConnectionLost):
    """What answers is no hubbub server, or something between changed its words, as a hotel's network does."""


class Hole(ClientError):
    """Event `found` came where `expected` had to come. `room` is None for the inbox."""

    def __init__(self, *, room: str | None, expected: int, found: int) -> None:
        where = "the inbox" if room is None else f"room {room}"
        super().__init__(f"In {where} event {expected} had to come, and {found} came.")
        self.room = room
        self.expected = expected
        self.found = found


_OWN = {"type", "ref", "problem", "title", "status", "detail"}


def problem_of_answer(status: int, headers: Mapping[str, str], body: bytes) -> Problem:
    """The problem a response stands for, whoever wrote it: a proxy's page of HTML is a problem too."""
    try:
        told = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = {}
    code = str(told.get("type", "")).rpartition("/")[2] or f"http-{status}"
    if status == 401 and code == "not-signed-in":
        return SignedOut(str(told.get("reason", "signed-out")), detail=str(told.get("detail", "")))
    return Problem(
        status=status,
        code=code,
        title=str(told.get("title", "")),
        detail=str(told.get("detail", "")),
        members={name: value for name, value in told.items() if name not in _OWN},
        retry_after=_seconds(headers.get("retry-after")),
    )


def problem_of_frame(frame: ErrorFrame) -> Problem:
    code = frame.problem.rpartition("/")[2]
    if frame.status == 401 and code == "not-signed-in":
        return SignedOut(detail=frame.detail)
    told = msgspec.to_builtins(frame)
    return Problem(
        status=frame.status,
        code=code,
        title=frame.title,
        detail=frame.detail,
        members={name: value for name, value in told.items() if name not in _OWN},
    )


def _seconds(header: str | None) -> float | None:
    """Of a Retry-After. Its date form is not used by hubbub, and told by nobody else without need."""
    return float(header) if header is not None and header.isascii() and header.isdigit() else None
