"""Have the Autobahn test suite try an echo made of hubbub's frames, and say what it found.

    python -m autobahn.suite [CASE …]      in tests/; `make autobahn` installs the suite first

Sections 12 and 13 are about compression, which hubbub does not offer. The suite's own report, a page for
every case, is in tests/autobahn/.report.
"""

import asyncio
import json
import shutil
import sys
from collections import Counter
from pathlib import Path

from autobahn.echo import echoing

try:
    from uvloop import new_event_loop
except ImportError:
    from asyncio import new_event_loop

HERE = Path(__file__).parent
SUITE = HERE / ".suite" / "venv" / "bin" / "wstest"
REPORT = HERE / ".report"
SECTIONS = ("1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*")
AGENT = "hubbub"
PASSED = ("OK", "NON-STRICT", "INFORMATIONAL")


async def ask(cases: list[str]) -> dict[str, dict[str, str]]:
    """What became of each case: its `behavior`, and its `behaviorClose`."""
    shutil.rmtree(REPORT, ignore_errors=True)
    REPORT.mkdir()
    async with echoing() as echo:
        asked = {
            "outdir": str(REPORT),
            "servers": [{"agent": AGENT, "url": f"ws://{echo.address}"}],
            "cases": cases,
            "exclude-cases": [],
            "exclude-agent-cases": {},
        }
        (REPORT / "asked.json").write_text(json.dumps(asked))
        suite = await asyncio.create_subprocess_exec(
            *(str(SUITE), "--mode", "fuzzingclient", "--spec", str(REPORT / "asked.json")),
            cwd=REPORT,
            stdout=asyncio.subprocess.DEVNULL,
        )
        await suite.wait()
    found: dict[str, dict[str, str]] = json.loads((REPORT / "index.json").read_text())[AGENT]
    return found


def main(cases: list[str]) -> int:
    if not SUITE.exists():
        print("the suite is not installed: make autobahn", file=sys.stderr)
        return 2
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        found = runner.run(ask(cases or list(SECTIONS)))
    counts = Counter(result["behavior"] for result in found.values())
    failed = {
        case: (result["behavior"], result["behaviorClose"])
        for case, result in found.items()
        if result["behavior"] not in PASSED or result["behaviorClose"] not in PASSED
    }
    summary = [
        f"{len(found)} cases of the Autobahn test suite: "
        + ", ".join(f"{count} {behavior}" for behavior, count in counts.most_common()),
        *(f"{case}: {behavior}, closed {closed}" for case, (behavior, closed) in sorted(failed.items())),
    ]
    (REPORT / "summary.txt").write_text("\n".join(summary) + "\n")
    print(*summary, sep="\n")
    return 1 if failed or not found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
