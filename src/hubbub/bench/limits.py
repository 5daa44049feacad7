"""What a server's limits refuse, said so that whoever runs the server knows what to set. Pure.

A load test is what limits are there to stop. So when one is met there is nothing to measure, and the run
ends with one sentence: which limit it was, and the flags of `hubbub serve` that lift it.
"""

from collections.abc import Mapping

from hubbub.bench.ledger import Refusal

FOR_A_LOAD_TEST = "hubbub serve --limits off --streams-per-session 100000"
"""Lifts all of them. `--limits off` also ends the bound on connections from one address."""

_TOO_MANY = "/problems/too-many"

# What the server's own words have in them, and the flag that sets what they speak of.
_BY_WORD: Mapping[str, str] = {
    "connections": "--sockets-per-address 0",
    "streams": "--streams-per-session 100000",
    "logs": "--subscriptions-per-stream 100000",
}


class Limited(Exception):
    """The server refuses, by a limit it was given, what this run would have to do."""


def is_limit(refusal: Refusal) -> bool:
    return refusal.status == 429 and (bool(refusal.policy) or refusal.problem == _TOO_MANY)


def limited(what: str, refusal: Refusal) -> Limited:
    """`what` was refused: "a post"."""
    return Limited(
        f"the server's limit{_name(refusal)} refused {what} ({refusal.detail or refusal.problem}); to put it "
        f"under load, start it with {_flag(refusal)}, or without any of its limits: {FOR_A_LOAD_TEST}"
    )


def _name(refusal: Refusal) -> str:
    return f" `{refusal.policy}`" if refusal.policy else ""


def _flag(refusal: Refusal) -> str:
    if refusal.policy:
        return f"--limits {refusal.policy}=off"
    found = [flag for word, flag in _BY_WORD.items() if word in refusal.detail]
    return found[0] if found else "higher limits"
