"""How long to wait before trying again. Pure: chance is handed in, and nobody sleeps here."""

from collections.abc import Callable

FIRST_SECONDS = 0.2
"""Before the first retry at most: most losses are a server that restarts, and it is back soon."""

MOST_SECONDS = 10.0


class Backoff:
    """Full jitter: anything from nothing to a ceiling that doubles each time.

    After "Exponential Backoff and Jitter" (AWS Architecture Blog, 2015): clients that were thrown out
    together do not come back together.
    """

    def __init__(
        self,
        chance: Callable[[], float],
        *,
        first_seconds: float = FIRST_SECONDS,
        most_seconds: float = MOST_SECONDS,
    ) -> None:
        self._chance = chance
        self._first_seconds = first_seconds
        self._most_seconds = most_seconds
        self._ceiling_seconds = first_seconds

    def reset(self) -> None:
        self._ceiling_seconds = self._first_seconds

    def next(self) -> float:
        """Seconds to wait now."""
        ceiling = self._ceiling_seconds
        self._ceiling_seconds = min(self._most_seconds, ceiling * 2)
        return self._chance() * ceiling

    def told(self, retry_after: float | None) -> float:
        """Seconds to wait when the server gave everyone the same `retry_after`: that, and some more."""
        return max(0.0, retry_after or 0.0) + self.next()
