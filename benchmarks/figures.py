"""Every figure hubbub is held to, one after the other, each with the reference of the same minute.

    python benchmarks/figures.py --out DIR [--only fanout-10000,idle]

Absolute figures move with the machine. So beside each that has one stands what a small C program reaches
under the same load, which only sends lines on, and the ratio of the two.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

import filling
import runs
import stored
from hubbub.bench import machine
from rows import ROWS, STORED_MESSAGES, Row, Target, Told

STARTS = 3

REFERENCE_SECONDS = 240.0

# -- playing one ------------------------------------------------------------


class Played(msgspec.Struct, frozen=True, kw_only=True):
    row: str
    what: str
    command: str
    failed: str = ""
    """Why there are no figures."""
    kept: bool = True
    generator_was_busy: bool = False
    figures: list[dict[str, Any]] = msgspec.field(default_factory=list)
    """What each target asked for: what, reach, at_least, value, reached."""
    reference: list[dict[str, Any]] = msgspec.field(default_factory=list)
    ratios: dict[str, float | None] = msgspec.field(default_factory=dict)
    """hubbub's figure divided by the reference's."""
    told: Told = msgspec.field(default_factory=dict)


def play(row: Row) -> Played:
    words = row.words
    command = runs.command(words) if words else f"benchmarks/figures.py --only {row.name}"
    try:
        if words:
            run = runs.bench(*words)
            told, kept, busy = run.told, run.kept, run.generator_was_busy
        else:
            told, kept, busy = start(), True, False
    except (runs.RunFailed, subprocess.TimeoutExpired) as error:
        return Played(row=row.name, what=row.what, command=command, failed=str(error))
    reference = refer(row.reference)
    return Played(
        row=row.name,
        what=row.what,
        command=command,
        kept=kept,
        generator_was_busy=busy,
        figures=[_figure(target, told) for target in row.targets],
        reference=reference,
        ratios=ratios(told, reference, posts=row.words[:1] == ("posts",)),
        told=told,
    )


def _figure(target: Target, told: Told) -> dict[str, Any]:
    value = target.read(told)
    return {
        "what": target.what,
        "reach": target.reach,
        "at_least": target.at_least,
        "value": value,
        "reached": target.reached_by(value),
    }


def start() -> Told:
    """How long a server takes to accept on a store with much in it."""
    with stored.scratch() as directory:
        data = Path(directory) / "data"
        inside = filling.people(data, users=1000, rooms=100)
        filling.fill(data, inside, begin=0, end=STORED_MESSAGES)
        seconds = [stored.run(stored.seconds_to_accept(data)) for _ in range(STARTS)]
    return {"loads": [], "facts": {"accepting_seconds": max(seconds), "each_start_seconds": seconds}}


# -- the reference ----------------------------------------------------------


def refer(words: Sequence[object]) -> list[dict[str, Any]]:
    """The loads of the C program; none where it is not there, or no compiler is."""
    script = Path(__file__).with_name("reference.py")
    if not words or not script.exists():
        return []
    ended = subprocess.run(
        [sys.executable, str(script), *map(str, words), "--seconds", "5", "--warm-up", "1"],
        capture_output=True,
        text=True,
        timeout=REFERENCE_SECONDS,
    )
    if ended.returncode:
        print(f"  no reference: {ended.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return []
    loads: list[dict[str, Any]] = json.loads(ended.stdout)["loads"]
    return loads


def ratios(told: Told, reference: Sequence[dict[str, Any]], *, posts: bool) -> dict[str, float | None]:
    """Of the last load, the heaviest. A post's acknowledgement is, in the reference, the line that comes
    back to its author."""
    if not reference:
        return {}
    ours, theirs = told["loads"][-1], reference[-1]
    rate, latency = (
        ("acknowledged_per_second", "acknowledgement_ms")
        if posts
        else ("deliveries_per_second", "delivery_ms")
    )
    return {
        "rate": _ratio(ours[rate], theirs["deliveries_per_second"]),
        "p99": _ratio(ours[latency]["p99"], theirs["delivery_ms"]["p99"]),
    }


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return ours / theirs if ours is not None and theirs else None


# -- telling ----------------------------------------------------------------


def table(played: Sequence[Played]) -> str:
    lines = [
        "| what | figure | to reach | measured | reached | against the reference |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for each in played:
        if each.failed:
            lines.append(f"| {each.what} | – | – | {each.failed.splitlines()[-1]} | no | – |")
        for number, figure in enumerate(each.figures):
            sign = "≥" if figure["at_least"] else "≤"
            reach = f"{sign} {_number(figure['reach'])}" if figure["reach"] else "–"
            lines.append(
                f"| {'' if number else each.what} | {figure['what']} | {reach}"
                f" | {_number(figure['value'])} | {_reached(each, figure)}"
                f" | {'' if number else _ratios(each)} |"
            )
    commands = "\n".join(each.command for each in played)
    return "\n".join(lines) + f"\n\n```text\n{commands}\n```\n"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}".rstrip("0").rstrip(".")


def _reached(played: Played, figure: dict[str, Any]) -> str:
    if not played.kept:
        return "no: a promise was broken"
    if not figure["reach"]:
        return "–"  # told, and held to nothing
    if figure["reached"]:
        return "yes"
    return "no; the generator was busy" if played.generator_was_busy else "no"


def _ratios(played: Played) -> str:
    told = [f"{name} × {ratio:.2f}" for name, ratio in played.ratios.items() if ratio is not None]
    return ", ".join(told) or "–"


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n\n")[0],
        epilog="Rows: " + ", ".join(row.name for row in ROWS),
    )
    asked.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="gets a JSON a row, and a table"
    )
    asked.add_argument("--only", default="", metavar="ROW,ROW", help="by default all of them")
    return asked.parse_args()


def main() -> int:
    asked = _asked()
    wanted = [name for name in asked.only.split(",") if name]
    if unknown := set(wanted) - {row.name for row in ROWS}:
        print(f"there is no row {', '.join(sorted(unknown))}", file=sys.stderr)
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    described = machine.described() | {"command": " ".join([os.path.basename(sys.argv[0]), *sys.argv[1:]])}
    played: list[Played] = []
    for row in ROWS:
        if wanted and row.name not in wanted:
            continue
        print(f"{row.name}: {row.what}", flush=True)
        each = play(row)
        played.append(each)
        _write(asked.out / f"{row.name}.json", {**described, **msgspec.to_builtins(each)})
        summary = [
            {name: value for name, value in msgspec.to_builtins(one).items() if name != "told"}
            for one in played
        ]
        _write(asked.out / "figures.json", {**described, "rows": summary})
        (asked.out / "figures.md").write_text(table(played), "utf-8")
        print("\n".join(table([each]).splitlines()[2:]).partition("\n\n")[0], flush=True)
    return 0 if all(each.kept and not each.failed for each in played) else 1


def _write(file: Path, what: dict[str, Any]) -> None:
    file.write_bytes(msgspec.json.format(msgspec.json.encode(what), indent=1) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
