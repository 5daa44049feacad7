"""The judge is judged: each broken promise is planted, and found."""

from collections import Counter

import pytest

from bench.events import RUN, hear, hearing, message, reader, written
from hubbub.bench.ledger import REFUSED, SHED
from hubbub.bench.orders import Findings, Standing
from hubbub.bench.verdict import Verdict, judge
from hubbub.protocol.frames import Message, Sent


def findings(heard, readers, *, process=0, seqs=(1, 2, 3), room="room"):
    """What a process found which posted to one room and was answered with `seqs`."""
    return Findings(
        process=process,
        logs=[room] * len(seqs),
        authors=["user-00001"] * len(seqs),
        seqs=list(seqs),
        seen=heard.seen,
        standings=[
            Standing(log, each.began[log], last, len(each.holes.get(log, ())))
            for each in readers
            for log, last in each.last.items()
        ],
        faults=heard.faults,
        refused=Counter(),
        contradicted=0,
        lost_connections=0,
    )


def judged(*told, readers=2, **more):
    """The verdict on a server that wrote `told` to each of its readers, a write each."""
    heard, those = hearing(), [reader() for _ in range(readers)]
    for each in those:
        for data in told:
            hear(heard, each, data)
    return judge(RUN, [findings(heard, those, **more)])


ALL = [written(message(seq)) for seq in (1, 2, 3)]


def test_a_server_that_keeps_its_promises_is_told_so():
    assert judged(*ALL) == Verdict(posted=3, acknowledged=3, expected_deliveries=6)
    assert not judged(*ALL).broken


def test_an_acknowledged_message_nobody_was_told_is_missing():
    verdict = judged(*ALL[:2])
    assert (verdict.missing, verdict.misplaced, verdict.broken) == (2, 1, 3)


def test_a_message_that_only_one_was_not_told_is_missing():
    heard, (first, second) = hearing(), (reader(), reader())
    for data in ALL:
        hear(heard, first, data)
    hear(heard, second, ALL[0])
    hear(heard, second, ALL[2])
    assert judge(RUN, [findings(heard, [first, second])]).missing == 1


def test_a_room_that_stays_silent_is_missing():
    assert judged().missing == 6


def test_a_repeat_is_found():
    assert judged(*ALL, ALL[2]).twice == 2


def test_a_wrong_order_is_found():
    assert judged(ALL[0], ALL[2], ALL[1]).out_of_order == 2


def test_a_message_of_nobody_is_found():
    verdict = judged(*ALL, written(message(4, number=99)))
    assert (verdict.foreign, verdict.broken) == (1, 1)


def test_a_message_stored_twice_is_found():
    verdict = judged(*ALL, written(message(4, number=0)))
    assert verdict.stored_twice == 1


def test_a_message_under_another_number_than_was_acknowledged_is_found():
    assert judged(*ALL, seqs=(1, 3, 2)).misplaced == 2


def test_a_message_that_was_never_answered_may_have_been_stored():
    verdict = judged(*ALL, seqs=(1, 2, 0))
    assert (verdict.unanswered, verdict.broken) == (1, 0)


def test_a_message_that_was_never_answered_may_not_have_been_stored():
    assert not judged(*ALL[:2], seqs=(1, 2, 0)).broken


def test_a_message_that_was_shed_is_nobodys_loss():
    verdict = judged(*ALL[:2], seqs=(1, 2, SHED))
    assert (verdict.acknowledged, verdict.shed, verdict.unanswered, verdict.broken) == (2, 1, 0, 0)
    assert verdict.expected_deliveries == 4


@pytest.mark.parametrize("refusal", [SHED, REFUSED])
def test_a_message_that_was_refused_and_told_all_the_same_is_found(refusal):
    verdict = judged(*ALL, seqs=(1, 2, refusal))
    assert (verdict.refused_and_told, verdict.broken) == (1, 1)


def test_two_processes_who_were_told_different_things_are_found():
    heard, other = hearing(), hearing()
    one, two = reader(), reader()
    hear(heard, one, written(message(1)))
    hear(other, two, written(message(1, number=1)))
    verdict = judge(
        RUN,
        [findings(heard, [one], seqs=(1, 0)), findings(other, [two], seqs=(), process=1)],
    )
    assert verdict.contradicting == 1


def test_a_message_another_process_has_posted_is_not_foreign():
    heard, one = hearing(), reader()
    hear(heard, one, written(message(1, process=1, number=0)))
    poster = findings(hearing(), [], process=1, seqs=(1,))
    verdict = judge(RUN, [findings(heard, [one], seqs=()), poster])
    assert (verdict.expected_deliveries, verdict.broken) == (1, 0)


def direct(**seqs):
    """Ada writes to Bob; where each of their inboxes has it."""
    heard = hearing()
    ada, bob = reader("inbox/ada"), reader("inbox/bob")
    key = f"{RUN}.0.0"
    common = {"id": "m", "to": "bob", "sender": "ada", "text": f"{key} 1 ", "sent_at": "", "key": key}
    if "ada" in seqs:
        hear(heard, ada, written(Sent(seq=seqs["ada"], **common)))
    if "bob" in seqs:
        hear(heard, bob, written(Message(seq=seqs["bob"], **common)))
    found = findings(heard, [ada, bob], seqs=(1,), room="inbox/bob")
    found.authors = ["ada"]
    return judge(RUN, [found])


def test_a_direct_message_is_in_both_inboxes():
    verdict = direct(ada=1, bob=1)
    assert (verdict.expected_deliveries, verdict.broken) == (2, 0)


def test_a_direct_message_that_its_author_was_not_told_is_missing():
    assert direct(bob=1).missing == 1


def test_a_direct_message_that_did_not_arrive_is_found():
    assert direct(ada=1).broken
