"""Requests that are answered or end in one of the client's errors, asked again where that is safe."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import httpx2
import msgspec

from hubbub.client.backoff import Backoff
from hubbub.client.errors import ClientError, ConnectionLost, NotUnderstood, Problem, problem_of_answer

PATIENCE_SECONDS = 30.0
"""How long a request that is safe to repeat is tried before its error is told."""

T = TypeVar("T")

Query = Mapping[str, str] | httpx2.QueryParams


class Requests:
    """The REST side of one client."""

    def __init__(
        self,
        http: httpx2.AsyncClient,
        *,
        patience_seconds: float,
        chance: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.http = http
        self._patience_seconds = patience_seconds
        self._chance = chance
        self._sleep = sleep
        self._monotonic = monotonic

    async def once(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_seconds: float | None = None,
    ) -> httpx2.Response:
        """Raises Problem for any answer that is not 2xx or 304, ConnectionLost when there is none."""
        fields = dict(headers or {})
        if body is not None:
            fields["Content-Type"] = "application/json"
        extra: dict[str, Any] = {} if timeout_seconds is None else {"timeout": timeout_seconds}
        try:
            answer = await self.http.request(
                method, path, params=query or {}, content=body, headers=fields, **extra
            )
        except httpx2.RequestError as error:
            raise lost(error, f"{method} {path}: ") from error
        if answer.status_code >= 300 and answer.status_code != 304:
            raise problem_of_answer(answer.status_code, answer.headers, answer.content)
        return answer

    async def repeated(self, method: str, path: str, **request: Any) -> httpx2.Response:
        """Like `once`, tried again after a lost connection and when the server says "later".

        For requests that may safely be done twice: reads, and posts with a key. Raises the last error
        when patience ends, or at once when the server asks to wait for longer than is left.
        """
        backoff = Backoff(self._chance)
        deadline = self._monotonic() + self._patience_seconds
        while True:
            try:
                return await self.once(method, path, **request)
            except (ConnectionLost, Problem) as error:
                wait_seconds = _wait(error, backoff)
                if wait_seconds is None or self._monotonic() + wait_seconds > deadline:
                    raise
            await self._sleep(wait_seconds)


def read(answer: httpx2.Response, decode: Callable[[bytes], T]) -> T:
    """What the server answered. Raises NotUnderstood."""
    try:
        return decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NotUnderstood(f"What was answered is not hubbub's: {error}") from error


def lost(error: httpx2.RequestError, what: str = "") -> ConnectionLost:
    return ConnectionLost(f"{what}{str(error) or type(error).__name__}")


def _wait(error: ClientError, backoff: Backoff) -> float | None:
    """Seconds until another try makes sense; None when it never does."""
    match error:
        case ConnectionLost():
            return backoff.next()
        case Problem(passing=True):
            return backoff.told(error.retry_after)
        case _:
            return None
