"""Whatever a document points to is there."""

import re

import pytest

from docs.pages import PAGES, ROOT, anchors, links, named_paths, named_tests, prose

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))

BUILT = {"src/hubbub/web"}
"""What is there once it was built, where that can be done."""


@every_page
def test_every_link_leads_somewhere(page):
    astray = []
    for target in links(page):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        found = there.exists() and there.is_relative_to(ROOT) and (not anchor or anchor in anchors(there))
        if not found:
            astray.append(target)
    assert not astray


@every_page
def test_every_file_that_is_named_is_there(page):
    assert {path for path in named_paths(page) if not (ROOT / path).exists()} <= BUILT


def test_every_document_can_be_reached_from_the_readme():
    reached, to_read = set(), [ROOT / "README.md"]
    while to_read:
        page = to_read.pop()
        if page in reached:
            continue
        reached.add(page)
        for target in links(page):
            there = (page.parent / target.partition("#")[0]).resolve()
            if there.suffix == ".md" and there.is_relative_to(ROOT):
                to_read.append(there)
    assert {page for page in PAGES if page not in reached} == set()


@every_page
def test_every_test_that_is_named_is_there(page):
    named = named_tests(page)
    assert [each for each in named if f"def {each[1]}(" not in (ROOT / each[0]).read_text("utf-8")] == []


@pytest.mark.parametrize(
    "floor", ["domain", "protocol", "bus", "storage", "hub", "service", "api", "client", "cluster", "bench"]
)
def test_every_file_of_a_floor_is_on_its_page_and_no_other(floor):
    page = prose(ROOT / "docs" / "floors" / f"{floor}.md")
    table = [line for line in page.splitlines() if line.startswith("| `")]
    named = {name for line in table for name in re.findall(r"`([\w/]+\.py)`", line.split("|")[1])}
    there = ROOT / "src" / "hubbub" / floor
    assert named == {str(file.relative_to(there)) for file in there.rglob("[a-z]*.py")}


def test_every_decision_is_in_the_list():
    directory = ROOT / "docs" / "design"
    assert {page.name for page in directory.glob("0*.md")} <= set(links(directory / "README.md"))
