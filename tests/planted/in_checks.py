"""Bugs of what checks others: the checker of ledgers, and the verdict of the load generator. And bugs of the
server that those have to notice who look at all of it: the model, and the checker of what happens at once."""

from planted.bug import Bug

_CHECK = "tests/check/test_promises.py::"

BUGS = (
    Bug(
        name="the check takes repeats for order",
        breaks="I2",
        file="check/promises.py",
        old="        if stands_at is not None and first(each) != stands_at + 1:\n",
        new="        if stands_at is not None and first(each) > stands_at + 1:\n",
        caught_by=(_CHECK + "test_i2_a_reader_is_told_with_a",),
    ),
    Bug(
        name="the check takes holes for order",
        breaks="I2",
        file="check/promises.py",
        old="        if stands_at is not None and first(each) != stands_at + 1:\n",
        new="        if stands_at is not None and first(each) <= stands_at:\n",
        caught_by=(_CHECK + "test_i2_a_reader_is_told_with_a",),
    ),
    Bug(
        name="the check misses what is missing",
        breaks="I1",
        file="check/promises.py",
        old='                yield Fault("I1", f"{what} is not stored")\n',
        new="",
        caught_by=(_CHECK + "test_i1_an_acknowledged_message_is_missing",),
    ),
    Bug(
        name="the check does not mind what was never stored",
        breaks="I3",
        file="check/promises.py",
        old="            if found != seen and not isinstance(found, GapFrame):\n",
        new="            if found is not None and found != seen and not isinstance(found, GapFrame):\n",
        caught_by=(_CHECK + "test_i3_what_was_seen_is_not_stored",),
    ),
    Bug(
        name="the check does not mind whose a message is",
        breaks="I4",
        file="check/promises.py",
        old="            if reading.reader != (seen.sender",
        new="            if not (seen.sender",
        caught_by=(_CHECK + "test_i4_a_direct_message_reached_somebody_else",),
    ),
    Bug(
        name="the check forgives another number for a key",
        breaks="I5",
        file="check/promises.py",
        old="            if len(answers) > 1:\n",
        new="            if len(answers) > 2:\n",
        caught_by=(_CHECK + "test_i5_a_retry_was_given_another_number",),
    ),
    Bug(
        name="the check does not wait for who is behind",
        breaks="I8",
        file="check/promises.py",
        old="        if reading.stands_at < head:\n",
        new="        if reading.stands_at > head:\n",
        caught_by=(_CHECK + "test_i8_a_reader_has_not_caught_up",),
    ),
    Bug(
        name="the verdict overlooks what is missing",
        breaks="the load generator's verdict",
        file="bench/verdict.py",
        old="            self.missing\n            + self.misplaced\n",
        new="            self.misplaced\n",
        caught_by=("tests/bench/test_verdict.py::test_an_acknowledged_message_nobody_was_told_is_missing",),
    ),
    Bug(
        name="the verdict overlooks a lost tail",
        breaks="the load generator's verdict",
        file="bench/verdict.py",
        old="missing=sum(max(0, heads[at.log] - at.last) + at.holes for",
        new="missing=sum(at.holes for",
        caught_by=("tests/bench/test_verdict.py::test_a_room_that_stays_silent_is_missing",),
    ),
    Bug(
        name="the generator does not count repeats",
        breaks="the load generator's verdict",
        file="bench/places.py",
        old="                faults.twice += 1\n",
        new="                pass\n",
        caught_by=("tests/bench/test_places.py::test_a_repeat_is_told",),
    ),
    Bug(
        name="a direct message is told to its sender under the number of the other",
        breaks="section 8: the number in the sender's own inbox",
        file="api/websocket.py",
        old="                seq=receipt.seq,\n",
        new="                seq=outcome.events[0].seq if outcome.events else receipt.seq,\n",
        caught_by=("tests/model/test_model.py",),
    ),
    Bug(
        name="a page is read of a log as it was a moment ago",
        breaks="I6",
        file="storage/pages.py",
        old="    high = head + 1 if before is None else",
        new="    high = max(head, 1) if before is None else",
        caught_by=("tests/model/test_at_once.py",),
    ),
)
