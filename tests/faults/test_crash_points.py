"""A server dies at every step of a commit, from before it begins until everybody was told: nothing is lost.

What is promised is held against what the same people posted and heard at all these points.
"""

import os

import pytest

from faults.crash_points import distinct, of_the_commit
from faults.matrix import Matrix

STEPS = (
    "before the commit",
    "before BEGIN IMMEDIATE",
    "before INSERT INTO keys",
    "before INSERT INTO events",
    "before COMMIT",
    "before a write to the log",
    "before the sync of the log",
    "after the sync of the log",
    "after COMMIT",
    "before telling of the outcomes",
    "before telling the hub",
    "before an acknowledgement",
    "before handing out",
    "before writing to a reader by WebSocket",
    "before writing to a reader of a stream",
    "before sending the replies",
    "after sending the replies",
    "before tidying up",
    "before a write to the database",
    "before the sync of the database",
    "after the sync of the database",
    "after the commit",
)
"""What there has to be points at, whatever else there is. A step that is gone has to be taken off by hand."""

LOOPS = os.environ.get("HUBBUB_CRASH_LOOPS", "uvloop").split(",")
EVERY_WRITE = "HUBBUB_CRASH_EVERY_WRITE" in os.environ
"""Each single write of a page as well. `test_crashing_stores` does that for the store alone, in no time."""


def is_another_write(point: str) -> bool:
    return "a write to" in point and not point.endswith(" 1")


def is_first(point: str) -> bool:
    return point.endswith(" 1")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("often", ["once", pytest.param("each time", marks=pytest.mark.long)])
@pytest.mark.parametrize("loop", LOOPS)
async def test_at_whatever_step_of_a_commit_a_server_dies_every_promise_is_kept(quick_data, loop, often):
    """A step that comes several times, as for each message, is died at when it comes first, or each time."""
    if loop == "uvloop":
        pytest.importorskip("uvloop")
    async with Matrix(quick_data, loop) as matrix:
        all_points = of_the_commit(await matrix.points())
        assert {point.rpartition(" ")[0] for point in all_points} >= set(STEPS)
        points = [each for each in distinct(all_points) if EVERY_WRITE or not is_another_write(each)]
        if often == "once":
            points = [each for each in points if is_first(each)]
        faults = await matrix.dies_at_each(points)
        print(f"{len(points)} of {len(all_points)} points, {matrix.deliveries} deliveries")
    assert list(faults) == points
    assert {point: found for point, found in faults.items() if found} == {}
