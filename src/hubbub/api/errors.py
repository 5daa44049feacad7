"""What each refusal looks like on the wire. The only place that knows status and close codes."""

import math
from collections.abc import Iterable, Mapping

import msgspec

from hubbub.api.answer import NOT_KEPT, PROBLEM, Answer, Headers
from hubbub.domain import errors as e
from hubbub.protocol.frames import ErrorFrame, Ref, encode


class Wire(msgspec.Struct, frozen=True):
    """How one kind of error leaves the server."""

    status: int
    """Of the HTTP answer, and of the `error` frame."""
    close: int
    """Of a WebSocket that ends because of it; most errors are told in a frame and end nothing."""


# Closing codes: RFC 6455, section 7.4.1, its registry (1012 comes back with the cursor), and our own 44xx.
_TOO_BIG, _BUG, _RESTART = 1009, 1011, 1012
_NOT_UNDERSTOOD, _SIGNED_OUT, _TOO_MUCH = 4400, 4401, 4429

WIRE: Mapping[type[e.HubbubError], Wire] = {
    e.BadInput: Wire(400, _NOT_UNDERSTOOD),
    e.NotSignedIn: Wire(401, _SIGNED_OUT),
    e.WrongCredentials: Wire(401, _SIGNED_OUT),
    e.NotAllowed: Wire(403, _NOT_UNDERSTOOD),
    e.ForeignOrigin: Wire(403, _SIGNED_OUT),
    e.SignUpClosed: Wire(403, _NOT_UNDERSTOOD),
    e.NoSuchRoom: Wire(404, _NOT_UNDERSTOOD),
    e.NoSuchUser: Wire(404, _NOT_UNDERSTOOD),
    e.NoSuchMessage: Wire(404, _NOT_UNDERSTOOD),
    e.NoSuchSession: Wire(404, _NOT_UNDERSTOOD),
    e.NoSuchPage: Wire(404, _NOT_UNDERSTOOD),
    e.MethodNotAllowed: Wire(405, _NOT_UNDERSTOOD),
    e.NameTaken: Wire(409, _NOT_UNDERSTOOD),
    e.KeyReused: Wire(409, _NOT_UNDERSTOOD),
    e.StaleCursor: Wire(409, _NOT_UNDERSTOOD),
    e.HeadMoved: Wire(412, _NOT_UNDERSTOOD),
    e.TooLarge: Wire(413, _TOO_BIG),
    e.UnsupportedMediaType: Wire(415, _NOT_UNDERSTOOD),
    e.UpgradeRequired: Wire(426, _NOT_UNDERSTOOD),
    e.TooFast: Wire(429, _TOO_MUCH),
    e.TooMany: Wire(429, _TOO_MUCH),
    e.HeadTooLarge: Wire(431, _NOT_UNDERSTOOD),
    e.Damaged: Wire(500, _BUG),
    e.StorageFull: Wire(503, _RESTART),
    e.StorageAway: Wire(503, _RESTART),
    e.StorageFailed: Wire(503, _RESTART),
    e.ShuttingDown: Wire(503, _RESTART),
    e.Overloaded: Wire(503, _RESTART),
}

INTERNAL = Wire(500, _BUG)
INTERNAL_CODE = "internal"
INTERNAL_TITLE = "Something is broken in the server"
INTERNAL_DETAIL = "This is our mistake. It has been logged; trying again may or may not help."


def leaves(root: type[e.HubbubError] = e.HubbubError) -> Iterable[type[e.HubbubError]]:
    """The kinds of error there are: the classes of the tree that have no kinds of their own."""
    for kind in root.__subclasses__():
        yield from leaves(kind) if kind.__subclasses__() else (kind,)


def page_of(code: str) -> str:
    """The address, relative to the server, of the page that explains an error."""
    return f"/problems/{code}"


def problem(error: Exception, headers: Headers = ()) -> Answer:
    """The answer to a request that ended in `error`, as RFC 9457 has it; a bug tells nothing of itself."""
    if not isinstance(error, e.HubbubError):
        return _problem(INTERNAL.status, INTERNAL_CODE, INTERNAL_TITLE, INTERNAL_DETAIL, {}, headers)
    status = WIRE[type(error)].status
    return _problem(status, error.code, error.title, error.detail, error.members, [*headers, *_fields(error)])


def _problem(
    status: int, code: str, title: str, detail: str, members: Mapping[str, object], headers: Headers
) -> Answer:
    body = {"type": page_of(code), "title": title, "status": status, "detail": detail, **members}
    return Answer(
        msgspec.json.encode(body), status=status, media_type=PROBLEM.encode(), headers=[NOT_KEPT, *headers]
    )


def _fields(error: e.HubbubError) -> Iterable[tuple[bytes, bytes]]:
    """What an error says in header fields, beside its body."""
    match error:
        case e.NotSignedIn() | e.WrongCredentials():
            yield b"www-authenticate", b"Bearer"
        case e.UpgradeRequired():
            yield b"upgrade", b"websocket"
            yield b"connection", b"upgrade"
        case e.TooFast():
            yield b"ratelimit-policy", policy_field(error.policy, error.quota, error.window_seconds)
            yield b"ratelimit", limit_field(error.policy, 0, error.retry_after_seconds)
    if isinstance(error, e.TooMuch | e.Unavailable):
        yield b"retry-after", str(max(1, math.ceil(error.retry_after_seconds))).encode()


def policy_field(name: str, quota: int, window_seconds: int) -> bytes:
    """RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers-10, section 3."""
    return f'"{name}";q={quota};w={window_seconds}'.encode()


def limit_field(name: str, remaining: int, reset_seconds: float) -> bytes:
    """RateLimit of the same draft, section 4: what is left, and when there is more."""
    return f'"{name}";r={remaining};t={math.ceil(reset_seconds)}'.encode()


class ReadyReply:
    """One error as a WebSocket reply to any request, encoded before there are any, for what is said often."""

    def __init__(self, error: e.HubbubError) -> None:
        whole = encode(error_frame(None, error))
        self._begin = b'{"type":"error"'
        assert whole.startswith(self._begin)
        self._rest = whole.removeprefix(self._begin)

    def to(self, ref: Ref | None) -> bytes:
        if ref is None:
            return self._begin + self._rest
        return b'%b,"ref":%b%b' % (self._begin, encode(ref), self._rest)


def error_frame(ref: Ref | None, error: Exception) -> ErrorFrame:
    """The same error as a WebSocket reply to the request called `ref`."""
    if not isinstance(error, e.HubbubError):
        return ErrorFrame(
            ref=ref,
            status=INTERNAL.status,
            problem=page_of(INTERNAL_CODE),
            title=INTERNAL_TITLE,
            detail=INTERNAL_DETAIL,
        )
    return ErrorFrame(
        ref=ref,
        status=WIRE[type(error)].status,
        problem=page_of(error.code),
        title=error.title,
        detail=error.detail,
        **error.members,  # type: ignore[arg-type]  # a test holds them to the frame's
    )
