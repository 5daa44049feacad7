"""What each kind of error means and what to do about it: the pages that a problem's `type` leads to."""

from collections.abc import Mapping
from functools import cache

import msgspec

from hubbub.api import errors
from hubbub.api.html import page, prose
from hubbub.domain import errors as e


class Explanation(msgspec.Struct, frozen=True):
    meaning: str
    remedy: str


_RETRY_SAME = (
    "Send it again after the seconds in `Retry-After`. With an `Idempotency-Key` a post is stored once."
)

EXPLAINED: Mapping[type[e.HubbubError], Explanation] = {
    e.BadInput: Explanation(
        "Something in the request is not as it has to be: the JSON, a member's type, a value out of bounds, "
        "a cursor nobody gave out.",
        "Change what `field` names, as `detail` says. Sent again as it is, it will fail again.",
    ),
    e.NotSignedIn: Explanation(
        "There was no token, or it stands for nobody any more: the session was ended or has expired, or the "
        "ticket's half minute is over.",
        "Sign in with `POST /sessions` and send `Authorization: Bearer TOKEN`. For a stream opened by a "
        "ticket, ask the `…/subscribe` address for a new one.",
    ),
    e.WrongCredentials: Explanation(
        "Nobody of this name has this password. The answer is the same when there is no such user, or when "
        "the account is disabled.",
        "Check both. Who has forgotten a password asks whoever runs the server.",
    ),
    e.NotAllowed: Explanation(
        "You are signed in, but what you showed does not open this: a ticket is for the logs it names, "
        "and only for listening.",
        "Use a token, or a ticket from this very address.",
    ),
    e.ForeignOrigin: Explanation(
        "The request came with this server's cookie, but not from a page of it. Browsers send cookies "
        "by themselves, so another site could be acting in your name.",
        "Programs and pages of other sites send `Authorization: Bearer TOKEN` instead. If this is a page of "
        "the server itself, whoever runs it has to set its public URL.",
    ),
    e.SignUpClosed: Explanation(
        "On this server accounts are made by whoever runs it.",
        "Ask them for one.",
    ),
    e.NoSuchRoom: Explanation(
        "No room has this id. Ids are not names, and upper and lower case differ.",
        "Take the id from `GET /rooms`.",
    ),
    e.NoSuchUser: Explanation(
        "Nobody here has this name.",
        "Look it up with `GET /users?prefix=`.",
    ),
    e.NoSuchMessage: Explanation(
        "The log has no message with this number: it was not posted yet, or was removed since.",
        "Numbers run from 1 to the room's `head`, which `GET /room/{roomId}` tells.",
    ),
    e.NoSuchSession: Explanation(
        "You have no session with this id; it may have ended.",
        "Take the id from `GET /sessions`.",
    ),
    e.NoSuchPage: Explanation(
        "Nothing is at this address. There are `/rooms` with an s and `/room/{roomId}` without, and no "
        "address ends in a slash.",
        "What there is stands in `/docs`.",
    ),
    e.MethodNotAllowed: Explanation(
        "The address exists, but takes other methods.",
        "The `Allow` field of the answer lists them.",
    ),
    e.UpgradeRequired: Explanation(
        "This is the address of the WebSocket, and the request did not ask for one.",
        "Use a WebSocket client. For plain HTTP there are event streams and lines of JSON at `…/subscribe`.",
    ),
    e.UnsupportedMediaType: Explanation(
        "The body says it is something else than JSON.",
        "Send `Content-Type: application/json`; `curl --json` does.",
    ),
    e.NameTaken: Explanation(
        "Somebody was first. Names are compared without regard to case and to the forms Unicode has for the "
        "same letters.",
        "Choose another, or use the one at `conflicts_with`.",
    ),
    e.KeyReused: Explanation(
        "An `Idempotency-Key` names one message for ever. Here it comes again with another text.",
        "Use a new key for each message, and the same one only when you send that message again. "
        "`conflicts_with` is the message that has it.",
    ),
    e.StaleCursor: Explanation(
        "The cursor is of another history: the store was restored from a backup, or the cursor stands beyond "
        "the last message. Going on from it would leave something out, or repeat it.",
        "Read the newest messages again and go on from there; what came after the backup may be gone.",
    ),
    e.HeadMoved: Explanation(
        "You asked with `If-Match` to post only if nothing was posted since, and something was.",
        "Read what is new, up to `head`, and decide again.",
    ),
    e.TooLarge: Explanation(
        "The message's text, the body or the frame has more than `limit_bytes` bytes.",
        "Send less, or in parts. Bytes are counted in UTF-8, where many letters have two or three.",
    ),
    e.HeadTooLarge: Explanation(
        "The request line and its fields together are longer than this server reads.",
        "Send fewer or smaller cookies and fields. To follow very many rooms use a WebSocket, whose "
        "subscriptions do not stand in the address.",
    ),
    e.TooFast: Explanation(
        "You do this more often than the limit called `policy` allows.",
        "Wait the seconds in `Retry-After`. The `RateLimit` fields of earlier answers tell how much is left.",
    ),
    e.TooMany: Explanation(
        "You hold as many of these at the same time as one may, or everyone does at this moment.",
        "Close what you do not need, or wait the seconds in `Retry-After`. One stream or WebSocket can carry "
        "many rooms.",
    ),
    e.Damaged: Explanation(
        "The server's disk gave back something else than was stored: a message, or what is kept of one, does "
        "not match its checksum. It is withheld, and whoever runs the server has been told.",
        "What comes before and after it can be read: ask for what follows its number. Trying again helps "
        "only after a backup was restored; cursors are then refused once, and you read anew.",
    ),
    e.StorageFull: Explanation(
        "The server's disk is full. Nothing can be posted; reading goes on.",
        "Whoever runs the server has to make room. " + _RETRY_SAME,
    ),
    e.StorageAway: Explanation(
        "The server cannot reach its database. What was said before is safe there; streams stay open, and go "
        "on when it is back.",
        "If it was a message, it may be stored or not: post it again under the same key, and it is stored "
        "once. " + _RETRY_SAME,
    ),
    e.StorageFailed: Explanation(
        "The server could not be sure that what it wrote is on disk. It acknowledges nothing more, ends, "
        "and starts again from what is certain.",
        _RETRY_SAME,
    ),
    e.ShuttingDown: Explanation(
        "The server is being stopped or replaced.",
        "Come back after the seconds in `Retry-After`, streams with their last cursor: nothing is missed.",
    ),
    e.Overloaded: Explanation(
        "The server has more to do than it can, and refuses rather than keeping everyone waiting.",
        _RETRY_SAME,
    ),
}

_INTERNAL = Explanation(
    "The server ran into a mistake of its own. What happened is in its log, and nothing of it is told here.",
    "Trying again may help. If it does not, tell whoever runs the server when it happened.",
)


@cache
def page_for(code: str) -> bytes | None:
    """The page of one kind of error; None when there is no such kind."""
    if code == errors.INTERNAL_CODE:
        return _page(code, errors.INTERNAL_TITLE, errors.INTERNAL.status, _INTERNAL)
    for error, wire in errors.WIRE.items():
        if error.code == code:
            return _page(code, error.title, wire.status, EXPLAINED[error])
    return None


def _page(code: str, title: str, status: int, explanation: Explanation) -> bytes:
    body = (
        f'<article class="problem"><p class="status"><b>{status}</b> <code>/problems/{code}</code></p>'
        f"<h1>{prose(title)}</h1>"
        f"<h2>What it means</h2><p>{prose(explanation.meaning)}</p>"
        f"<h2>What to do</h2><p>{prose(explanation.remedy)}</p>"
        '<p class="onward"><a href="/docs#problems">All problems</a></p></article>'
    )
    return page(title, body, kind="narrow").encode()
