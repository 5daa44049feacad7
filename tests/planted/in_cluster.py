"""Bugs of what nodes tell each other: the relay, the bus, and what is read again because nobody told it."""

from planted.bug import Bug

_RELAY = "tests/hub/test_relay.py::"
_AGREEMENT = "tests/nodes/test_agreement.py::"
_BUS = "tests/bus/test_nats_away.py::"
_SPENDING = "tests/service/test_spending.py::"
_VERSIONS = "tests/nodes/test_versions.py::"

BUGS = (
    Bug(
        name="a removed range beyond what was heard of is told twice",
        breaks="promise 3: once",
        file="hub/behind.py",
        old="        if gap and gap.last > log.flushed:",
        new="        if False:",
        caught_by=(_RELAY + "test_a_removed_range_that_reaches_beyond_what_was_heard_of_is_told_once",),
    ),
    Bug(
        name="what is stored here is not told to other nodes",
        breaks="promise 2, on another node",
        file="hub/hub.py",
        old="        self._others.grew(event.log, new)\n",
        new="",
        caught_by=(_RELAY + "test_what_is_stored_there_is_heard_here_without_asking_the_store",),
    ),
    Bug(
        name="a node does not look whether it has missed something",
        breaks="promise 2, when a message of the bus is lost",
        file="hub/hub.py",
        old="            if log is not None and log.known and head > log.head:\n",
        new="            if log is not None and log.known and head > log.head + 1_000:\n",
        caught_by=(_RELAY + "test_the_last_message_that_is_lost_is_found_by_comparing_heads",),
    ),
    Bug(
        name="a log is followed after its head was read",
        breaks="promise 3: what is stored between is not missed",
        file="hub/hub.py",
        old="                await self._others.follow(id)  # before the head is read: "
        "what comes between is heard\n"
        "                log.learn_head(await self._head(id))\n",
        new="                log.learn_head(await self._head(id))\n"
        "                await self._others.follow(id)\n",
        caught_by=(_RELAY + "test_a_log_is_followed_before_its_head_is_read",),
    ),
    Bug(
        name="what comes before its turn is dropped",
        breaks="promise 3: it is not read from the store when it has come",
        file="hub/log.py",
        old="            if len(self.early) < EARLY_ENTRIES:\n",
        new="            if not self.early and not seq:\n",
        caught_by=(_RELAY + "test_what_comes_early_is_heard_when_those_before_it_have_come",),
    ),
    Bug(
        name="what comes before its turn is handed out before its turn",
        breaks="promise 3, I2: in order",
        file="hub/log.py",
        old="        if seq == self.head + 1:\n",
        new="        if seq > self.head:\n",
        caught_by=(_RELAY + "test_messages_that_come_in_any_order_and_twice_are_heard_once_and_in_order",),
    ),
    Bug(
        name="what the bus brings twice is heard twice",
        breaks="promise 3, I2: once",
        file="hub/log.py",
        old="        if seq == self.head + 1:\n",
        new="        if seq in (self.head, self.head + 1):\n",
        caught_by=(_RELAY + "test_messages_that_come_in_any_order_and_twice_are_heard_once_and_in_order",),
    ),
    Bug(
        name="a hole that the bus left is not mended",
        breaks="promise 3, I8",
        file="hub/hub.py",
        old="        if not log.add(entry):\n            self._repairs.soon(log)\n",
        new="        log.add(entry)\n",
        caught_by=(_RELAY + "test_a_message_that_is_lost_is_made_up_for_by_the_store",),
    ),
    Bug(
        name="a database that is away is not asked again for what is missing",
        breaks="I8",
        file="hub/repair.py",
        old="            await asyncio.sleep(AWAY_SECONDS)\n            self.soon(log)\n",
        new="            await asyncio.sleep(AWAY_SECONDS)\n",
        caught_by=(_RELAY + "test_a_hole_that_is_found_while_the_store_is_away_is_mended_once_it_is_back",),
    ),
    Bug(
        name="a cursor that another node gave is taken for one of the future",
        breaks="section 2: never misread",
        file="hub/hub.py",
        old="                log.expected = max(log.expected, await self._head(id))\n"
        "                await self._repairs.at_once(log)\n",
        new="                pass\n",
        caught_by=(_RELAY + "test_who_comes_from_another_node_and_has_seen_more_goes_on_from_there",),
    ),
    Bug(
        name="what one node removed another serves from memory",
        breaks="promise 4, retention",
        file="hub/hub.py",
        old="        self._others.cut(gap.log, gap.last)\n",
        new="",
        caught_by=(_RELAY + "test_what_is_removed_there_is_not_served_from_memory_here",),
    ),
    Bug(
        name="a removal is told when something else is",
        breaks="promise 4, retention",
        file="hub/relay.py",
        old="            self._put(log).cuts.append((log, last))\n            self._soon(self.flush)\n",
        new="            self._put(log).cuts.append((log, last))\n",
        caught_by=(_RELAY + "test_what_is_removed_is_told_though_nothing_is_said_after_it",),
    ),
    Bug(
        name="what was removed while the bus was away is served from memory",
        breaks="promise 4, retention",
        file="hub/relay.py",
        old="            self._hub.doubt_memory()\n",
        new="            pass\n",
        caught_by=(_RELAY + "test_what_was_in_memory_before_the_bus_was_away_is_read_again_once_it_is_back",),
    ),
    Bug(
        name="a mark is told to the devices at this node alone",
        breaks="section 9: a mark is told to all one's devices",
        file="hub/hub.py",
        old="        self._others.told(id, kind, json)\n",
        new="",
        caught_by=(_RELAY + "test_what_is_said_in_passing_there_is_said_here",),
    ),
    Bug(
        name="while the bus is away the database is asked no more often",
        breaks="promise 2, without a bus",
        file="hub/relay.py",
        old="            pause = HEADS_SECONDS if self._bus.up else POLL_SECONDS\n",
        new="            pause = HEADS_SECONDS\n",
        caught_by=(_RELAY + "test_while_the_bus_is_away_heads_are_compared_over_and_over",),
    ),
    Bug(
        name="an error that nobody knows ends the comparison of heads for good",
        breaks="promise 2, I8",
        file="hub/relay.py",
        old="            except Exception:\n",
        new="            except ZeroDivisionError:\n",
        caught_by=(_RELAY + "test_heads_are_compared_again_whatever_went_wrong_the_last_time",),
    ),
    Bug(
        name="a newer node that says more is not understood",
        breaks="nodes of two versions side by side",
        file="hub/relay.py",
        old="class Message(msgspec.Struct, array_like=True):\n",
        new="class Message(msgspec.Struct, array_like=True, forbid_unknown_fields=True):\n",
        caught_by=(_VERSIONS + "test_what_a_newer_server_says_further_is_passed_over",),
    ),
    Bug(
        name="an older node refuses a database that was only added to",
        breaks="nodes of two versions side by side",
        file="storage/postgres/schema.py",
        old="    if form.needs > known:\n",
        new="    if form.form > known:\n",
        caught_by=(_VERSIONS + "test_an_older_server_goes_on_beside_one_that_has_added_to_the_database",),
    ),
    Bug(
        name="a bus that comes back is not listened to",
        breaks="the bus heals",
        file="bus/nats.py",
        old="                await self._subscribe_all(client)\n",
        new="",
        caught_by=(_BUS + "test_a_bus_that_comes_back_is_heard_again_on_every_channel",),
    ),
    Bug(
        name="a bus that hangs is taken to be there",
        breaks="the bus away is seen",
        file="bus/nats.py",
        old="                missed += 1\n",
        new="                missed += 0\n",
        caught_by=(_BUS + "test_a_server_that_hangs_is_taken_to_be_away_and_joined_again_when_it_goes_on",),
    ),
    Bug(
        name="what waits for a bus that hangs grows without end",
        breaks="I7",
        file="bus/nats.py",
        old="        while self._unsent_bytes > MAX_UNSENT_BYTES:\n",
        new="        while self._unsent_bytes < 0:\n",
        caught_by=(_BUS + "test_sending_to_a_server_that_hangs_neither_waits_nor_keeps_more_than_may_wait",),
    ),
    Bug(
        name="clusters that share a bus hear each other",
        breaks="I4",
        file="bus/nats.py",
        old='        self._prefix = f"{prefix}."\n',
        new='        self._prefix = "hubbub."\n',
        caught_by=("tests/bus/test_contract.py::test_clusters_that_share_a_server_do_not_hear_each_other",),
    ),
    Bug(
        name="what others allowed is not counted here",
        breaks="limits hold for all nodes together",
        file="service/spending.py",
        old="            self._limits.charge(policy, key, cost)\n",
        new="            pass\n",
        caught_by=(_SPENDING + "test_what_was_allowed_there_counts_here",),
    ),
    Bug(
        name="sessions that ended at another node are not asked for",
        breaks="a session that ended is not signed in within a second, on any node",
        file="service/accounts.py",
        old="        endings = await self._store.endings(self._endings_seen)\n",
        new="        endings = await self._store.endings(None)\n"
        "        endings = type(endings)(endings.upto, ())\n",
        caught_by=(_AGREEMENT + "test_a_session_that_ends_at_one_server_ends_at_all_by_their_next_look",),
    ),
)
