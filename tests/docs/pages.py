"""The documents, read as far as the tests need: headings, links, and what is shown in blocks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_FENCE = re.compile(r"^(?P<fence>```+)(?P<kind>\S*)\s*$")
_COMMENT = re.compile(r"^<!-- (?P<said>.*) -->$")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_CODE = re.compile(r"`[^`]*`")


class Block(NamedTuple):
    """Something fenced, and the comment right before it."""

    kind: str
    said: str
    text: str
    line: int

    @property
    def is_excused(self) -> bool:
        """Whether it says why nobody runs it."""
        return self.said.startswith("not run: ")


def blocks(page: Path) -> Iterator[Block]:
    said, fence = "", None
    kind, start, lines = "", 0, []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        found = _FENCE.match(line)
        if fence is not None:
            if line.strip() == fence:
                yield Block(kind, said, "\n".join(lines) + "\n", start)
                fence, said = None, ""
            else:
                lines.append(line)
        elif found:
            fence, kind, start, lines = found["fence"], found["kind"], number, []
        elif comment := _COMMENT.match(line):
            said = comment["said"]
        elif line.strip():
            said = ""


def prose(page: Path) -> str:
    """The page without what stands in blocks."""
    kept, inside = [], False
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def links(page: Path) -> list[str]:
    return [found["target"] for found in _LINK.finditer(_CODE.sub("`code`", prose(page)))]


def anchors(page: Path) -> set[str]:
    """What `#…` may name, as GitHub and most others make it of headings."""
    headings = [line.lstrip("#") for line in prose(page).splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def named_tests(page: Path) -> list[tuple[str, str]]:
    """The tests a document points to: their file and their name."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", prose(page))


def named_paths(page: Path) -> set[str]:
    """What stands in code like a path of this project."""
    return set(re.findall(r"`((?:src|tests|docs|benchmarks|requirements)/[\w./-]*)`", prose(page)))
