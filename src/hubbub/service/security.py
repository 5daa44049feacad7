"""The security log: who came in, who did not, who was sent away, and from where.

Every entry has the same members, so that a program can follow it: what happened (`event`), `user`,
`session`, `address` and `agent`, each None where it is not known. Nothing secret is ever handed to this: no
password, no token, and no name as it was typed, for people type passwords into the wrong field.
"""

from collections import OrderedDict
from collections.abc import Callable

import msgspec
import structlog

MAX_AGENT_CHARACTERS = 200

QUIET_SECONDS = 60.0
"""How long one cause of refusals is not told of again: whoever is refused a hundred times a second would
fill the disk with it."""

MAX_CAUSES = 4096
"""What is remembered of that; beyond it the causes told of longest ago are told of afresh."""

_log = structlog.get_logger("hubbub.security")


def printable(said: str) -> str:
    """What a client says of itself, short, and without what could move a terminal's cursor."""
    return "".join(filter(str.isprintable, said))[:MAX_AGENT_CHARACTERS]


class Source(msgspec.Struct, frozen=True):
    """Where a request came from, as far as that can be trusted."""

    address: str
    agent: str = ""


NOWHERE = Source("")
"""Of what nobody asked for: time did it, or another process."""


class SecurityLog:
    """Always true: at most `MAX_CAUSES` causes are remembered."""

    def __init__(self, monotonic: Callable[[], float] = lambda: 0.0) -> None:
        self._monotonic = monotonic
        self._quiet: OrderedDict[tuple[str, str], _Quiet] = OrderedDict()

    def tell(
        self,
        event: str,
        source: Source = NOWHERE,
        *,
        user: str | None = None,
        session: str | None = None,
        **more: object,
    ) -> None:
        """Something that is as it should be."""
        _log.info(event, **_members(source, user, session), **more)

    def warn(
        self,
        event: str,
        source: Source = NOWHERE,
        *,
        user: str | None = None,
        session: str | None = None,
        **more: object,
    ) -> None:
        """Something that somebody may want to look at."""
        _log.warning(event, **_members(source, user, session), **more)

    def warn_seldom(
        self, event: str, source: Source = NOWHERE, *, cause: str, user: str | None = None, **more: object
    ) -> None:
        """As `warn`, once in QUIET_SECONDS for each `cause`; `unsaid` counts those in between."""
        now = self._monotonic()
        quiet = self._quiet.get((event, cause))
        if quiet is not None and now < quiet.until:
            quiet.unsaid += 1
            return
        self._quiet[event, cause] = _Quiet(now + QUIET_SECONDS)
        self._quiet.move_to_end((event, cause))
        if len(self._quiet) > MAX_CAUSES:
            self._quiet.popitem(last=False)
        unsaid = quiet.unsaid if quiet else 0
        _log.warning(event, **_members(source, user, None), **more, unsaid=unsaid)


class _Quiet:
    __slots__ = ("unsaid", "until")

    def __init__(self, until: float) -> None:
        self.until = until
        self.unsaid = 0


def _members(source: Source, user: str | None, session: str | None) -> dict[str, str | None]:
    return {
        "user": user,
        "session": session,
        "address": source.address or None,
        "agent": printable(source.agent) or None,
    }
