"""The tree of errors and its one table."""

import msgspec
import pytest

from hubbub.api.errors import INTERNAL_CODE, WIRE, ReadyReply, error_frame, leaves, problem
from hubbub.api.problems import EXPLAINED, page_for
from hubbub.domain import errors as e
from hubbub.protocol.frames import ErrorFrame, Problem

LEAVES = list(leaves())

EXAMPLES = (
    e.BadInput("It is wrong.", field="name"),
    e.NameTaken("Taken.", conflicts_with="/user/ada"),
    e.HeadMoved(head=7),
    e.TooLarge("Long.", limit_bytes=9),
    e.StaleCursor("Old.", head=3),
    e.TooFast(retry_after_seconds=1.2, policy="posts", quota=5, window_seconds=10),
    e.TooMany(retry_after_seconds=2),
    e.StorageFull(),
)


def test_every_kind_of_error_has_one_row_and_nothing_else_has_one():
    assert sorted(WIRE, key=str) == sorted(LEAVES, key=str)


def test_no_code_stands_for_two_kinds():
    codes = [leaf.code for leaf in LEAVES]
    assert len(set(codes)) == len(codes)
    assert INTERNAL_CODE not in codes


@pytest.mark.parametrize("leaf", LEAVES)
def test_every_kind_has_a_page_that_explains_it(leaf):
    assert leaf in EXPLAINED
    page = page_for(leaf.code).decode()
    assert f"/problems/{leaf.code}" in page
    assert str(WIRE[leaf].status) in page


def test_a_bug_has_a_page_too_and_what_is_no_problem_has_none():
    assert b"mistake of its own" in page_for(INTERNAL_CODE)
    assert page_for("nothing") is None


def test_statuses_are_errors_and_close_codes_are_private_or_registered():
    for wire in WIRE.values():
        assert 400 <= wire.status < 600
        assert wire.close in (1001, 1009, 1011, 1012) or 4400 <= wire.close < 4500


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.code)
def test_a_problem_has_the_members_the_documents_show(error):
    body = msgspec.json.decode(problem(error).body)
    assert set(body) <= set(Problem.__struct_fields__)
    assert msgspec.convert(body, Problem).detail == error.detail


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda error: error.code)
def test_a_frame_says_the_same_as_a_problem(error):
    frame = error_frame("r", error)
    body = msgspec.json.decode(problem(error).body)
    said = msgspec.json.decode(msgspec.json.encode(frame))
    assert (said.pop("type"), said.pop("ref")) == ("error", "r")
    assert body == {"type": said.pop("problem"), **said}


def test_a_bug_tells_nothing_of_itself():
    secret = ValueError("the password is swordfish")
    answer = problem(secret)
    assert answer.status == 500
    assert b"swordfish" not in answer.body
    assert msgspec.json.decode(answer.body)["type"] == "/problems/internal"
    frame = error_frame(1, secret)
    assert (frame.status, frame.problem) == (500, "/problems/internal")
    assert "swordfish" not in str(frame)


def test_too_fast_tells_the_policy_and_when_to_come_back():
    error = e.TooFast(retry_after_seconds=1.2, policy="posts", quota=5, window_seconds=10)
    fields = dict(problem(error).headers)
    assert fields[b"retry-after"] == b"2"
    assert fields[b"ratelimit-policy"] == b'"posts";q=5;w=10'
    assert fields[b"ratelimit"] == b'"posts";r=0;t=2'


@pytest.mark.parametrize("ref", [None, 7, 1.5, 'a "quoted" name'])
def test_a_reply_made_beforehand_says_what_one_made_then_would(ref):
    error = e.Overloaded("Too much.", retry_after_seconds=1.0)
    said = msgspec.json.decode(ReadyReply(error).to(ref), type=ErrorFrame)
    assert said == error_frame(ref, error)
