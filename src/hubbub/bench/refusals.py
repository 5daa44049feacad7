"""Why a server did not do what it was asked, in its own words; and what lifts the limits it was given. Pure.

A load test is what limits are there to stop. When one is met there is nothing to measure, and the run ends
with one sentence: which limit it was, and the flags of `hubbub serve` that lift it.
"""

from collections.abc import Mapping

import msgspec

FOR_A_LOAD_TEST = "hubbub serve --limits off --streams-per-session 100000"
"""Lifts all of them: `--limits off` also ends the bound on connections from one address."""

RATE_LIMITS = frozenset({"posts", "requests"})
"""What is set for one user or one address. A post they refuse says nothing of what the server can do."""

_TOO_MANY = "/problems/too-many"
_TOO_MUCH = frozenset({429, 503})

# What the server's own words have in them, and the flag that sets what they speak of.
_FLAGS: Mapping[str, str] = {
    "connections": "--sockets-per-address 0",
    "streams": "--streams-per-session 100000",
    "logs": "--subscriptions-per-stream 100000",
}


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    status: int
    problem: str
    policy: str = ""
    detail: str = ""

    @property
    def is_limit(self) -> bool:
        """One that somebody set, and the same however busy the server is."""
        return self.status == 429 and (bool(self.policy) or self.problem == _TOO_MANY)

    @property
    def is_shed(self) -> bool:
        """Of a post: turned away so that those which were taken are done in time. No fault."""
        return self.status in _TOO_MUCH and self.policy not in RATE_LIMITS


class _Problem(msgspec.Struct):
    type: str = "/problems/unknown"
    policy: str = ""
    detail: str = ""


_problem = msgspec.json.Decoder(_Problem).decode


def refusal(status: int, body: bytes) -> Refusal:
    """What an answer says that is not the one hoped for (RFC 9457)."""
    try:
        said = _problem(body)
    except msgspec.DecodeError:  # not from this server, but from something before it
        said = _Problem(detail=body.decode("utf-8", "replace"))
    return Refusal(status=status, problem=said.type, policy=said.policy, detail=said.detail)


class Limited(Exception):
    """The server refuses, by a limit it was given, what this run would have to do."""


def limited(what: str, said: Refusal) -> Limited:
    """`what` was refused, such as "a post"."""
    name = f" `{said.policy}`" if said.policy else ""
    return Limited(
        f"the server's limit{name} refused {what} ({said.detail.rstrip('.') or said.problem}); to put it"
        f" under load start it with {_flag(said)}, or without any limit: {FOR_A_LOAD_TEST}"
    )


def _flag(said: Refusal) -> str:
    if said.policy:
        return f"--limits {said.policy}=off"
    return next((flag for word, flag in _FLAGS.items() if word in said.detail), "a higher one")
