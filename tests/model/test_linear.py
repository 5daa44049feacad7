"""The checker of what happens at once is checked: what cannot be is found, and what can be is not."""

import pytest

from model.linear import History, Look, Post


def event(seq, text, key=None, sender="ada"):
    return {"seq": seq, "text": text, "sender": sender} | ({"key": key} if key else {})


ONE_TWO = [event(1, "one"), event(2, "two")]


def posted(text, asked, answered, seq, key=None):
    return Post("ada", text, key, asked, answered, seq)


def test_two_at_once_may_come_in_either_order():
    history = History([posted("one", 1, 4, 1), posted("two", 0, 3, 2)], [Look(0, 0, 5), Look(1, 2, 5)])
    assert history.faults(ONE_TWO) == []


def test_those_who_saw_the_same_need_not_have_looked_at_the_same_moment():
    history = History([posted("one", 0, 9, 1)], [Look(1, 7, 8), Look(1, 1, 2)])
    assert history.faults([event(1, "one")]) == []


def test_what_nobody_knows_of_may_be_there_or_not():
    history = History([Post("ada", "one", None, 0), posted("two", 1, 2, 2)])
    assert history.faults(ONE_TWO) == []
    assert History([Post("ada", "lost", None, 0)]).faults([]) == []


@pytest.mark.parametrize(
    ("history", "log"),
    {
        "acknowledged and not there": (History([posted("one", 0, 1, 1)]), []),
        "there twice": (History([posted("one", 0, 1, 1)]), [event(1, "one"), event(2, "one")]),
        "posted by nobody": (History(), [event(1, "one")]),
        "a number twice": (
            History([posted("one", 0, 1, 1), posted("one", 0, 1, 1), Post("ada", "one", None, 0)]),
            [event(1, "one"), event(2, "one")],
        ),
        "a hole": (History([posted("two", 0, 1, 2)]), [event(2, "two")]),
        "asked after the next was answered": (
            History([posted("one", 3, 4, 1), posted("two", 0, 2, 2)]),
            ONE_TWO,
        ),
        "not seen though it was acknowledged": (
            History([posted("one", 0, 1, 1)], [Look(0, 2, 3)]),
            [event(1, "one")],
        ),
        "seen before it was posted": (History([posted("one", 2, 3, 1)], [Look(1, 0, 1)]), [event(1, "one")]),
        "heard before it was posted": (
            History([posted("one", 2, 3, 1)], heard=[(1, 1)]),
            [event(1, "one")],
        ),
        "seen longer and then shorter": (
            History(
                [posted("one", 0, 9, 1), posted("two", 0, 9, 2)],
                [Look(2, 1, 2), Look(1, 3, 4)],
            ),
            ONE_TWO,
        ),
        "a key twice": (
            History([posted("one", 0, 1, 1, "k"), posted("one", 2, 3, 2, "k")]),
            [event(1, "one", "k"), event(2, "one", "k")],
        ),
        "refused for a free key": (
            History([Post("ada", "one", "k", 0, 1, refused="key-reused")]),
            [],
        ),
        "refused for a key that was used later": (
            History(
                [
                    Post("ada", "one", "k", 0, 1, refused="key-reused"),
                    posted("two", 2, 3, 1, "k"),
                ]
            ),
            [event(1, "two", "k")],
        ),
        "posted upon another head": (
            History([posted("one", 0, 1, 1), Post("ada", "two", None, 0, 1, 2, upon=0)]),
            ONE_TWO,
        ),
        "refused though the head was right": (
            History([Post("ada", "one", None, 0, 1, upon=0, refused="head-moved", head=0)]),
            [],
        ),
    }.values(),
)
def test_what_cannot_have_happened_is_found(history, log):
    assert history.faults(log)
