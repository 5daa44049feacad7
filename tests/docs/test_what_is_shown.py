"""Whoever types in what the documents show sees what they say."""

import shutil

import pytest

from docs.pages import PAGES, ROOT, blocks
from docs.shell import Reader

FOLLOWED = (
    "README.md",
    "docs/tutorial.md",
    "docs/builders.md",
    "docs/operations.md",
    "docs/terminal.md",
    "docs/chat.md",
    "docs/floors/web.md",
)
RUNNABLE = ("sh", "python")

pytestmark = pytest.mark.skipif(not shutil.which("curl"), reason="the documents use curl")


@pytest.mark.parametrize("name", FOLLOWED)
def test_what_a_page_shows_happens(name, tmp_path):
    with Reader(tmp_path) as reader:
        for block in blocks(ROOT / name):
            if not block.is_excused:
                reader.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_can_be_run_is_run_or_says_why_not(page):
    if str(page.relative_to(ROOT)) not in FOLLOWED:
        unfollowed = [block.line for block in blocks(page) if block.kind in RUNNABLE and not block.is_excused]
        assert not unfollowed
