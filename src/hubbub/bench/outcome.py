"""What a scenario ends with."""

from typing import Any

import msgspec

from hubbub.bench.figures import Figures
from hubbub.bench.kept import Kept
from hubbub.bench.verdict import Verdict


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    loads: list[Figures]
    verdict: Verdict
    facts: dict[str, Any]
    """What only this scenario has to tell; the unit is in each name."""
    kept: list[Kept] = msgspec.field(default_factory=list)
    """Each invariant, when that was asked for."""
    server: str = ""
    """Which one it was: how it was started, or where it is."""
    server_says: dict[str, Any] = msgspec.field(default_factory=dict)
    """Of itself, when it is asked whether it is ready: its version, its store, how durable that is."""
    cluster: dict[str, Any] = msgspec.field(default_factory=dict)
    """Where there are several nodes: which, and on what."""

    @property
    def broken(self) -> bool:
        """Whether any promise was."""
        return bool(self.verdict.broken or any(each.broken for each in self.kept))
