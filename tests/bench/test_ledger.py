"""What was posted and what was answered."""

import pytest

from bench.events import DUE_NS, RUN, Clock
from hubbub.bench import words
from hubbub.bench.ledger import OPEN, REFUSED, SHED, Ledger
from hubbub.bench.refusals import Refusal


def ledger(clock=None):
    return Ledger(RUN, 3, 80, clock or Clock())


def test_a_post_is_open_until_it_is_answered():
    book = ledger()
    number = book.send("room", DUE_NS, "ada")
    assert (book.seqs, book.waiting, book.open()) == ([OPEN], 1, [number])
    book.answered(number, 7)
    assert (book.seqs, book.waiting, book.acknowledged) == ([7], 0, 1)


def test_latency_counts_from_when_a_post_was_due_and_not_from_when_it_left():
    clock = Clock(DUE_NS + 50_000_000)
    book = ledger(clock)
    number = book.send("room", DUE_NS, "ada")
    clock.now_ns += 10_000_000
    book.answered(number, 1)
    assert 50_000 <= book.lateness.at(100) <= 50_500
    assert 60_000 <= book.latency.at(100) <= 60_500


def test_the_answer_to_a_repeated_post_has_to_be_the_same():
    book = ledger()
    number = book.send("room", DUE_NS, "ada")
    book.answered(number, 7)
    book.answered(number, 7)
    assert book.contradicted == 0
    book.answered(number, 8)
    assert (book.contradicted, book.seqs) == (1, [7])


def test_a_refusal_is_counted_by_its_kind():
    book = ledger()
    book.refuse(book.send("room", DUE_NS, "ada"), Refusal(status=404, problem="/problems/no-such-room"))
    assert (book.seqs, book.waiting, book.shed) == ([REFUSED], 0, 0)
    assert book.refused == {"/problems/no-such-room": 1}


@pytest.mark.parametrize(
    "refusal",
    [
        Refusal(status=503, problem="/problems/overloaded"),
        Refusal(status=429, problem="/problems/too-fast"),
        Refusal(status=429, problem="/problems/too-fast", policy="load"),
    ],
    ids=lambda refusal: f"{refusal.status} {refusal.policy}",
)
def test_a_post_that_is_shed_is_counted_by_itself_and_its_latency_too(refusal):
    clock = Clock(DUE_NS)
    book = ledger(clock)
    number = book.send("room", DUE_NS, "ada")
    clock.now_ns += 2_000_000
    book.refuse(number, refusal)
    assert (book.seqs, book.waiting, book.shed, book.acknowledged) == ([SHED], 0, 1, 0)
    assert (book.refused, book.limit) == ({}, None)
    assert (book.shed_latency.total, book.latency.total) == (1, 0)
    assert 2_000 <= book.shed_latency.at(100) <= 2_020


@pytest.mark.parametrize("policy", ["posts", "requests"])
def test_a_rate_limit_is_no_shedding(policy):
    book = ledger()
    refusal = Refusal(status=429, problem="/problems/too-fast", policy=policy)
    book.refuse(book.send("room", DUE_NS, "ada"), refusal)
    assert (book.seqs, book.shed, book.limit) == ([REFUSED], 0, refusal)


def test_a_direct_message_is_answered_with_the_number_in_its_authors_inbox():
    book = ledger()
    book.answered(book.send("inbox/bob", DUE_NS, "ada"), 4)
    book.answered(book.send("room", DUE_NS, "ada"), 9)
    assert book.heads() == {"inbox/ada": 4, "room": 9}


def test_a_text_says_whose_it_is_and_when_it_was_due():
    book = ledger()
    number = book.send("room", DUE_NS, "ada")
    text = book.text(number)
    assert len(text) == 80
    assert words.due_ns(book.key(number), text) == DUE_NS
    assert words.author(RUN, book.key(number)) == (3, 0)
