"""What one WebSocket client has asked and has not been told yet.

Requests are answered in their order, although a post waits for its commit and a subscription does not. The
shell hands in each text message and each answer, and carries out what comes back.

Pure: no socket, no task, no clock.
"""

import re
from collections import deque
from collections.abc import Callable, Iterator

import msgspec

from hubbub.domain.errors import BadInput
from hubbub.protocol.frames import Ref, Request, decode_request

NOT_UNDERSTOOD = 4400
NOT_UTF8 = 1007

_MISSING = re.compile(r"missing required field `([^`]*)`")


class Close(Exception):
    """The connection cannot go on. `code` is of RFC 6455 section 7.4."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Ask:
    """One request and, once there is one, its answer."""

    __slots__ = ("after", "answer", "ref", "request")

    def __init__(self, request: Request | BadInput, ref: Ref | None) -> None:
        self.request = request
        """What was asked for, or why it is no request."""
        self.ref = ref
        self.answer: bytes | None = None
        self.after: Callable[[], None] | None = None
        """To be called once the answer was sent."""


class _Any(msgspec.Struct):
    ref: Ref | None = None


_decode_any = msgspec.json.Decoder(_Any).decode


class Dialogue:
    """Always true: the first of the waiting requests has no answer yet."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: deque[Ask] = deque()

    @property
    def waiting(self) -> int:
        """How many requests have not been answered."""
        return len(self._waiting)

    def receive(self, payload: bytes) -> Ask:
        """The request in one text message. Raises Close when it is not JSON, or no object."""
        try:
            if not payload.isascii():
                str(payload, "utf-8")
            request = decode_request(payload)
            ask = Ask(request, request.ref)
        except UnicodeDecodeError:
            raise Close(NOT_UTF8, "a text message is UTF-8") from None
        except msgspec.ValidationError as error:
            ask = _misfit(payload, str(error))
        except (msgspec.DecodeError, RecursionError):
            raise Close(NOT_UNDERSTOOD, "a message is one JSON object") from None
        self._waiting.append(ask)
        return ask

    def answer(self, ask: Ask, answer: bytes, after: Callable[[], None] | None = None) -> Iterator[Ask]:
        """Note the answer to `ask`; the requests whose turn has come to be told theirs, in order."""
        ask.answer = answer
        ask.after = after
        waiting = self._waiting
        while waiting and waiting[0].answer is not None:
            yield waiting.popleft()


def _misfit(payload: bytes, problem: str) -> Ask:
    """The answerable form of a message that is JSON but no request."""
    try:
        ref = _decode_any(payload).ref
    except msgspec.ValidationError:
        raise Close(NOT_UNDERSTOOD, "a message is one JSON object with a type and a ref") from None
    except (msgspec.DecodeError, RecursionError):
        raise Close(NOT_UNDERSTOOD, "a message is one JSON object") from None
    what, _, where = problem.partition(" - at `$")
    missing = _MISSING.search(what)
    if missing:
        return Ask(BadInput(f"`{missing[1]}` is missing.", field=missing[1]), ref)
    field = where.strip("`.") or None
    what = what[:1].lower() + what[1:]
    return Ask(BadInput(f"`{field}`: {what}." if field else f"The message: {what}.", field=field), ref)
