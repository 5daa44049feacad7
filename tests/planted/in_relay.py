"""Bugs of what nodes hear of each other: over a bus that loses and reorders, and from the store."""

from planted.bug import Bug

_RELAY = "tests/hub/test_relay.py::"

BUGS = (
    Bug(
        name="what the bus doubles is told twice",
        breaks="promise 3: once",
        file="hub/log.py",
        old="        if seq == self.head + 1:\n",
        new="        if seq in (self.head, self.head + 1):\n",
        caught_by=(_RELAY + "test_messages_that_come_in_any_order_and_twice_are_heard_once_and_in_order",),
    ),
    Bug(
        name="a message between two nodes that is missed is passed over",
        breaks="promise 4, I2",
        file="hub/log.py",
        old="        if seq == self.head + 1:\n",
        new="        if seq > self.head:\n",
        caught_by=(_RELAY + "test_a_message_that_is_lost_is_made_up_for_by_the_store",),
    ),
    Bug(
        name="a removed range beyond what was heard of is told twice",
        breaks="promise 3: once",
        file="hub/hub.py",
        old="        if gap and gap.last > log.flushed:",
        new="        if False:",
        caught_by=(_RELAY + "test_a_removed_range_that_reaches_beyond_what_was_heard_of_is_told_once",),
    ),
    Bug(
        name="a log is listened to after its head was read",
        breaks="promise 4",
        file="hub/hub.py",
        old="                await self._others.follow(id)  # before the head is read: what comes between is "
        "heard\n                log.learn_head(await self._head(id))\n",
        new="                head = await self._head(id)\n"
        "                await self._others.follow(id)\n"
        "                log.learn_head(head)\n",
        caught_by=(_RELAY + "test_a_log_is_followed_before_its_head_is_read",),
    ),
    Bug(
        name="a mark that moved on another node is not told here",
        breaks="section 6, marks",
        file="hub/relay.py",
        old="            self._hub.hear_told(log, kind, json)\n",
        new="            pass\n",
        caught_by=(_RELAY + "test_what_is_said_in_passing_there_is_said_here",),
    ),
)
