"""The documents say the same as the code, where both say it."""

import re

import pytest

from docs.pages import ROOT, blocks, prose
from docs.settings import OPERATIONS, as_it_should_be
from hubbub.api import errors
from hubbub.api.operations import OPERATIONS as TABLE
from hubbub.config import KNOBS, load
from hubbub.process import BROKEN, INTERRUPTED
from hubbub.service.limits import DEFAULTS

PROTOCOL = ROOT / "docs" / "protocol.md"
LIMITS = ROOT / "docs" / "design" / "0012-limits.md"


def rows(page):
    """The cells of everything in tables."""
    lines = [line for line in prose(page).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_settings_is_that_of_the_code():
    assert as_it_should_be() == OPERATIONS.read_text("utf-8"), "run python -m docs.settings in tests/"


@pytest.mark.parametrize("knob", KNOBS, ids=lambda knob: knob.name)
def test_every_setting_is_in_operations(knob):
    assert f"| `{knob.flag}` |" in prose(OPERATIONS)


def test_every_kind_of_problem_is_in_the_protocol_with_its_status():
    told = {cells[0]: cells[1] for cells in rows(PROTOCOL) if cells[0].startswith("`/problems/")}
    kinds = {f"`/problems/{kind.code}`": str(errors.WIRE[kind].status) for kind in errors.leaves()}
    assert told == {**kinds, f"`/problems/{errors.INTERNAL_CODE}`": str(errors.INTERNAL.status)}


ADDRESSES = [each for each in TABLE if each.name not in ("problem", "asset")]  # pages for people


@pytest.mark.parametrize("operation", ADDRESSES, ids=lambda operation: operation.name)
def test_every_address_is_in_the_protocol(operation):
    addresses = re.findall(r"`[^`]*?(/[\w{}/.]*)[^`]*`", prose(PROTOCOL))
    assert operation.path in addresses


@pytest.mark.parametrize("policy", DEFAULTS.values(), ids=lambda policy: policy.name)
def test_every_rate_has_its_default_in_the_documents(policy):
    in_words = {10: "10 seconds", 600: "10 minutes", 3600: "an hour"}[policy.window_seconds]
    amount = f"{policy.quota:,} in {in_words}"
    assert any(cells[1] == amount and f"`{policy.name}`" in cells[2] for cells in rows(PROTOCOL))
    (row,) = (cells for cells in rows(LIMITS) if cells[0].startswith(f"`{policy.name}`"))
    assert row[1].startswith(f"{policy.quota:,} in ")
    assert f"{policy.name}={policy.quota}/{policy.window_seconds}" in OPERATIONS.read_text("utf-8")


@pytest.mark.parametrize("code", [0, 1, 2, BROKEN, INTERRUPTED])
def test_every_exit_code_is_in_operations(code):
    assert any(cells[0] == f"`{code}`" for cells in rows(OPERATIONS))


@pytest.mark.parametrize(
    "block",
    [each for each in blocks(OPERATIONS) if each.kind == "toml"],
    ids=lambda block: f"line {block.line}",
)
def test_every_file_of_settings_that_is_shown_is_right(block, tmp_path):
    (tmp_path / "hubbub.toml").write_text(block.text, "utf-8")
    assert load({}, {}, directory=tmp_path)
