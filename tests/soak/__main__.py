"""Hours instead of seconds: `python -m soak kills --kills 300 --seed 1`, from the directory `tests`.

Each round has a seed of its own and a store of its own; a line tells how it went, the last one what it was in
all. The exit code is 1 when a promise was broken, and what is printed then replays the round that broke it.
"""

import argparse
import asyncio
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from soak import kills

SOAKS = {"kills": kills}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    ways = parser.add_subparsers(required=True, dest="what")
    for name, module in SOAKS.items():
        module.arguments(ways.add_parser(name, help=module.__doc__))
    asked = parser.parse_args()
    return asyncio.run(SOAKS[asked.what].soak(asked))


if __name__ == "__main__":
    sys.exit(main())
