"""What is said with --check: each invariant is broken in what a run found or the server stores, and named."""

import pytest

from bench.events import RUN, hear, hearing, message, reader, written
from bench.liar import Lie, lying
from bench.test_verdict import findings
from hubbub.bench.kept import Again, StoredLog, kept, mark
from hubbub.bench.ledger import REFUSED
from hubbub.bench.orders import Standing
from hubbub.bench.readback import Readback, sample
from hubbub.bench.seats import People, Person
from hubbub.bench.server import ServerFailed
from hubbub.check import Resources

ONE, TWO, THREE = (mark(0, number) for number in range(3))
IDLE = Resources(memory_bytes=100 << 20, descriptors=19, tasks=7, connections=0, listeners=0)


def found(**more):
    """By one process that posted three messages to a room, and by a reader who was told of them."""
    heard, one = hearing(), reader()
    for seq in (1, 2, 3):
        hear(heard, one, written(message(seq)))
    return findings(heard, [one], **more)


def stored(*marks, log="room", began=0):
    held = StoredLog(began)
    held.marks.extend(marks)
    return {log: held}


def checked(each=None, logs=None, again=None, **more):
    """What was broken, and how often."""
    told = kept(RUN, [each or found()], logs or stored(ONE, TWO, THREE), again or Again(), **more)
    assert [one.invariant for one in told] == [f"I{n}" for n in range(1, 10)]
    return {one.invariant: one.broken for one in told if one.broken}


def test_all_promises_were_kept():
    assert checked(before=IDLE, after=IDLE) == {}


def test_each_invariant_says_what_it_was_checked_on():
    again = Again(repeated=2, read_back=1)
    told = kept(RUN, [found()], stored(ONE, TWO, THREE), again, before=IDLE, after=IDLE)
    assert [str(each) for each in told] == [
        "I1 kept: 3 acknowledged",
        "I2 kept: 3 deliveries, 3 events in 1 logs",
        "I3 kept: 3 events in 1 logs",
        "I4 kept: 3 deliveries",
        "I5 kept: 2 posted again",
        "I6 kept: 1 read back",
        "I7 kept: 100.0 MiB before, 100.0 MiB after, 0.0 MiB more allowed",
        "I8 kept: 1 places of readers",
        "I9 kept: 19 descriptors, 7 tasks, 0 connections, 0 listeners",
    ]


def test_what_could_not_be_checked_is_not_said_to_be_kept():
    told = {each.invariant: str(each) for each in kept(RUN, [found()], stored(ONE, TWO, THREE), Again())}
    assert [name for name, says in told.items() if "not checked" in says] == ["I5", "I6", "I7", "I9"]


def test_i1_an_acknowledged_post_is_not_stored():
    assert checked(logs=stored(ONE, TWO)) == {"I1": 1, "I3": 1}


def test_i1_two_posts_have_changed_places():
    assert checked(logs=stored(TWO, ONE, THREE)) == {"I1": 2, "I3": 2}


def test_i1_a_post_is_stored_twice():
    assert checked(logs=stored(ONE, TWO, THREE, THREE)) == {"I1": 1, "I8": 1}


def test_i1_a_text_has_changed():
    logs = stored(ONE, TWO, THREE)
    logs["room"].changed = 1
    assert checked(logs=logs) == {"I1": 1}


def test_i1_a_direct_message_is_in_its_senders_inbox_only():
    one = found(room="inbox/user-00002")
    logs = stored(ONE, TWO, THREE, log="inbox/user-00001") | stored(ONE, THREE, log="inbox/user-00002")
    one.seen, one.standings = {}, []
    assert checked(one, logs) == {"I1": 1}


def test_i2_the_store_has_a_hole():
    logs = stored(ONE, TWO, THREE)
    logs["room"].misnumbered = 1
    assert checked(logs=logs) == {"I2": 1}


@pytest.mark.parametrize("fault", ["twice", "out_of_order", "gaps"])
def test_i2_a_reader_was_told(fault):
    one = found()
    setattr(one.faults, fault, 2)
    assert checked(one) == {"I2": 1}


def test_i2_a_reader_was_not_told():
    one = found()
    one.standings = [Standing("room", 0, 3, 1)]
    assert checked(one) == {"I2": 1}


def test_i3_what_was_seen_is_not_stored():
    one = found(seqs=(1, 2))
    one.logs, one.authors, one.seqs = ["room"] * 3, ["user-00001"] * 3, [1, 2, 0]
    assert checked(one, stored(ONE, TWO)) == {"I3": 1}


def test_i3_something_is_stored_that_was_never_posted():
    assert checked(logs=stored(ONE, TWO, THREE, mark(0, 9))) == {"I3": 1, "I8": 1}


def test_i3_something_is_stored_in_another_room():
    one = found()
    assert checked(one, stored(ONE, TWO, THREE) | stored(TWO, log="attic")) == {"I3": 1}


def test_i3_something_is_stored_that_was_refused():
    assert checked(found(seqs=(1, 2, REFUSED))) == {"I3": 1}


def test_i4_somebody_was_told_what_was_not_for_them():
    one = found()
    one.faults.foreign = 1
    assert checked(one) == {"I4": 1}


def test_i5_a_post_that_is_made_again_gets_another_number():
    assert checked(again=Again(repeated=1, answered_otherwise=["k"])) == {"I5": 1}


def test_i5_a_post_was_answered_twice_and_not_alike():
    one = found()
    one.contradicted = 1
    assert checked(one) == {"I5": 1}


def test_i6_what_was_acknowledged_could_not_be_read():
    assert checked(again=Again(read_back=1, not_there=["k"])) == {"I6": 1}


def test_i7_memory_has_grown_past_its_bound():
    grown = Resources(memory_bytes=160 << 20)
    assert checked(before=IDLE, after=grown, memory_bound_bytes=60 << 20) == {}
    assert checked(before=IDLE, after=grown, memory_bound_bytes=59 << 20) == {"I7": 1}


def test_i8_a_reader_has_not_caught_up():
    one = found()
    one.standings = [Standing("room", 0, 2, 0)]
    assert checked(one) == {"I8": 1}


def test_i9_something_is_left_over():
    left = Resources(descriptors=20, tasks=7, connections=1, listeners=0)
    assert checked(before=IDLE, after=left) == {"I9": 2}


# -- read from a server -----------------------------------------------------

POSTS = 20
AT = 5
ADA = People(users=[Person("user-00001", "t")], rooms=[])


async def found_of(lie):
    """What is broken of a server that lies so when what it stores is read again."""
    async with lying(lie) as liar:
        for number in range(POSTS):
            liar._store(message(0, room="a", number=number))
        one = found(room="a", seqs=range(1, POSTS + 1))
        one.seen, one.standings = {}, []
        readback = Readback([f"http://127.0.0.1:{liar.port}"], RUN, ADA)
        logs = await readback.stored({"a": 0}, sample([one]))
        again = await readback.again([one], ["a"])
        return checked(one, logs, again), again


async def test_a_server_that_stores_what_it_said_has_kept_all_it_promised():
    broken, again = await found_of(Lie())
    assert broken == {}
    assert (again.repeated, again.read_back) == (POSTS, 100)


@pytest.mark.parametrize(
    ("shows", "broken"),
    [
        (lambda messages: [*messages[: AT - 1], *messages[AT:]], {"I1": 1, "I2": 1, "I6": 0}),
        (lambda messages: messages[: POSTS - 1], {"I1": 1, "I6": 100}),
        (lambda messages: [m for m in messages if m.seq <= POSTS], {"I6": 100}),
    ],
    ids=["one is lost", "the tail is lost", "what was posted just now"],
)
async def test_what_is_not_shown_again_is_missed(shows, broken):
    found, _ = await found_of(Lie(shows=shows))
    assert found == {name: count for name, count in broken.items() if count}


async def test_a_number_that_changes_with_the_next_attempt_is_noticed():
    found, _ = await found_of(Lie(repeats=lambda seq: seq + (seq == AT)))
    assert found == {"I5": 1}


async def test_a_server_that_is_gone_is_told():
    with pytest.raises(ServerFailed):
        await Readback(["http://127.0.0.1:1"], RUN, ADA, patience_seconds=0).stored({"a": 0}, [])
