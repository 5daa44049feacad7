"""Bugs of what was read: marks that go back, that others hear of, messages counted wrong."""

from planted.bug import Bug

_CONTRACT = "tests/storage/test_contract_marks.py::"
_SERVICE = "tests/service/test_marks.py::"

BUGS = (
    Bug(
        name="a mark goes back",
        breaks="section 6: a mark only moves forward",
        file="storage/sqlite/marks.py",
        old="DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq\n",
        new="DO UPDATE SET seq = excluded.seq WHERE excluded.seq <> seq\n",
        caught_by=(_CONTRACT + "test_of_marks_moved_at_once_the_larger_stays",),
    ),
    Bug(
        name="the person written to hears how far one has read",
        breaks="section 6: nobody but the user is told",
        file="service/marks.py",
        old="        self._hub.tell(inbox_log(user), ",
        new="        self._hub.tell(inbox_log(owner_of(place) or user), ",
        caught_by=(_SERVICE + "test_only_the_readers_own_inbox_is_told_that_a_mark_moved",),
    ),
    Bug(
        name="what one wrote oneself is unread",
        breaks="section 6: unread are the other's messages",
        file="storage/sqlite/marks.py",
        old="count(*) FILTER (WHERE sent = 0)",
        new="count(*) FILTER (WHERE sent >= 0)",
        caught_by=(_CONTRACT + "test_both_sides_have_their_conversation_with_what_the_other_said_unread",),
    ),
    Bug(
        name="a mark lies beyond the head",
        breaks="section 6: 409 stale-cursor",
        file="service/marks.py",
        old="        check_reached(seq, await self._store.head(counted_in) or 0)\n",
        new="",
        caught_by=(_SERVICE + "test_nobody_can_have_read_what_was_never_posted",),
    ),
    Bug(
        name="what is told in passing is written to a full socket",
        breaks="promise 5, I7",
        file="hub/hub.py",
        old="                if not reader.paused:\n",
        new="                if readers:\n",
        caught_by=("tests/hub/test_hub.py::test_a_full_socket_is_passed_over_by_what_is_told_in_passing",),
    ),
    Bug(
        name="a mark carries a cursor over server-sent events",
        breaks="section 7: a mark has no id",
        file="protocol/framing.py",
        old='    return chunk(b"event: %b\\ndata: %b\\n\\n" % (kind.encode(), json))\n',
        new='    return chunk(b"id: 0\\nevent: %b\\ndata: %b\\n\\n" % (kind.encode(), json))\n',
        caught_by=(
            "tests/protocol/test_framing.py::test_what_is_told_in_passing_is_an_event_without_a_cursor",
        ),
    ),
)
