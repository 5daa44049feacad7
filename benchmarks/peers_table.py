"""The peers' figures as Markdown. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any

FAULTS = {
    "missing": "not arrived",  # or not while it was waited for
    "twice": "twice",
    "out_of_order": "out of order",
    "foreign": "foreign",
    "lost_connections": "disconnected",
}


def tables(results: Sequence[dict[str, Any]], rates: Sequence[float]) -> str:
    """What each did, and what it does for it."""
    return "\n".join([*_did(results, rates), "", *_keeps(results), ""])


def _did(results: Sequence[dict[str, Any]], rates: Sequence[float]) -> Iterator[str]:
    yield _row("deliveries/s and p99", *(f"{rate:,.0f} posts/s" for rate in rates), "an idle connection")
    yield _row(*["---"] * (len(rates) + 2))
    for result in results:
        if "failed" in result:
            yield _row(result["title"], f"not measured: {_one_line(result['failed'])}", *[""] * len(rates))
            continue
        loads = {load["offered_per_second"]: load for load in result["loads"]}
        cells = (_cell(loads[rate]) if rate in loads else "" for rate in rates)
        yield _row(result["title"], *cells, f"{result['resident_bytes_a_connection'] / 1024:.1f} KB")


def _cell(load: dict[str, Any]) -> str:
    p99 = load["delivery_ms"]["p99"]
    rate = f"{_thousands(load['deliveries_per_second'])}, {'–' if p99 is None else f'{p99:,.0f} ms'}"
    faults = [f"{load[name]:,} {said}" for name, said in FAULTS.items() if load[name]]
    return "; ".join([rate, *(["behind"] if load["behind"] else []), *faults])


def _keeps(results: Sequence[dict[str, Any]]) -> Iterator[str]:
    yield _row("server", "version", "connections", "what it keeps")
    yield _row(*["---"] * 4)
    for result in results:
        clients = f"{result['crowd']['clients']:,}" if "crowd" in result else ""
        yield _row(result["title"], result.get("version", ""), clients, result["keeps"])


def _thousands(value: float) -> str:
    return f"{value / 1000:,.0f} k"


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "/")


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
