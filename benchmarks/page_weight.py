"""What the page weighs when it is loaded for the first time: each file as the server sends it, compressed.

    python benchmarks/page_weight.py > benchmarks/results/DATE/page-weight.json

The page has to have been built (`make web`). The fonts and the pictures are compressed already.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "src" / "hubbub" / "web"
LIMIT_BYTES = 100_000

_NAMED = re.compile(r"""(?:src|href)="/(assets/[^"]+)"|url\(["']?/(assets/[^"')]+)""")


def loaded(file: str, found: dict[str, int]) -> dict[str, int]:
    """`file` and all that it has the browser load, in bytes on the wire with Brotli."""
    path = PAGE / file
    if not path.exists():
        return found  # the pages' own mark, which is served from elsewhere
    small = path.with_name(path.name + ".br")
    found[file] = (small if small.exists() else path).stat().st_size
    if path.suffix in (".html", ".css"):
        for names in _NAMED.findall(path.read_text("utf-8")):
            for name in filter(None, names):
                if name not in found:
                    loaded(name, found)
    return found


def main() -> int:
    files = loaded("index.html", {})
    asked = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True).stdout
    total = sum(files.values())
    report = {"commit": commit.strip(), "limit_bytes": LIMIT_BYTES, "total_bytes": total, "files": files}
    print(json.dumps(report, indent=1))
    return 0 if total < LIMIT_BYTES else 1


if __name__ == "__main__":
    sys.exit(main())
