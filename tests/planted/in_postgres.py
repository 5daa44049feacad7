"""Bugs of the store in PostgreSQL: several nodes at one database, and a database that goes away."""

from planted.bug import Bug

_STORE = "storage/postgres/"
_FAULTS = "tests/storage/test_postgres_faults.py::"
_NODES = "tests/storage/test_postgres_nodes.py::"
_OPENING = "tests/storage/test_postgres_opening.py::"
_PLANS = "tests/storage/test_postgres_plans.py::"

BUGS = (
    Bug(
        name="a batch whose commit went unanswered is written again",
        breaks="promise 3, I1: nothing is stored twice",
        file=_STORE + "attempt.py",
        old="        if doubt is not None and await _is_there(connection, doubt):\n",
        new="        if doubt is not None and False:\n",
        caught_by=(_FAULTS + "test_a_post_whose_commit_goes_unanswered_is_stored_once",),
    ),
    Bug(
        name="a commit that went unanswered is taken for made",
        breaks="promise 1, I1",
        file=_STORE + "attempt.py",
        old="        if doubt is not None and await _is_there(connection, doubt):\n",
        new="        if doubt is not None:\n",
        caught_by=(_FAULTS + "test_a_post_whose_commit_goes_unanswered_is_stored_once",),
    ),
    Bug(
        name="what was never committed is acknowledged",
        breaks="promise 1",
        file=_STORE + "attempt.py",
        old="        await commit(connection)\n",
        new='        await connection.execute("ROLLBACK")\n',
        caught_by=(_FAULTS + "test_a_connection_that_an_administrator_ends_is_made_anew",),
    ),
    Bug(
        name="two nodes number a log at once",
        breaks="promise 2",
        file=_STORE + "attempt.py",
        old=" ORDER BY number FOR NO KEY UPDATE OF logs",
        new=" ORDER BY number",
        caught_by=(_NODES + "test_what_all_post_to_the_same_logs_is_numbered_without_holes",),
    ),
    Bug(
        name="what a damaged log is tied to is not looked at",
        breaks="the chain",
        file=_STORE + "attempt.py",
        old="            place.look(last[place.number])\n",
        new="",
        caught_by=(
            "tests/storage/test_contract_damage.py::test_a_log_whose_last_event_is_not_tied_takes_no_posts",
        ),
    ),
    Bug(
        name="a batch that ran into another node's is refused at once",
        breaks="posting from many nodes",
        file=_STORE + "append.py",
        old="                    if conflicts == MAX_CONFLICTS:\n",
        new="                    if conflicts:\n",
        caught_by=(_FAULTS + "test_a_batch_that_ran_into_another_nodes_is_written_again",),
    ),
    Bug(
        name="a server that hangs is waited for",
        breaks="nobody waits for ever",
        file=_STORE + "store.py",
        old="                command_timeout=ANSWER_SECONDS,\n",
        new="",
        caught_by=(_FAULTS + "test_a_server_that_hangs_holds_up_nobody_for_ever",),
    ),
    Bug(
        name="a commit that waits for a replica is cancelled",
        breaks="promise 1, on two disks",
        file=_STORE + "database.py",
        old="call_later(ANSWER_SECONDS, connection.terminate)",
        new="call_later(\n"
        "        ANSWER_SECONDS,\n"
        "        lambda: connection._cancel_current_command(asyncio.get_running_loop().create_future()),\n"
        "    )",
        caught_by=(_FAULTS + "test_a_post_is_not_acknowledged_before_the_replica_that_it_waits_for_has_it",),
    ),
    Bug(
        name="another store under the same address is served from",
        breaks="epochs",
        file=_STORE + "store.py",
        old="            if found != epoch:\n",
        new="            if found is None:\n",
        caught_by=(_FAULTS + "test_a_node_that_finds_another_store_after_a_while_away_breaks",),
    ),
    Bug(
        name="posts go on into another store on an open connection",
        breaks="epochs",
        file=_STORE + "attempt.py",
        old="            if epoch != self._epoch:\n",
        new="            if epoch is None:\n",
        caught_by=(_FAULTS + "test_a_node_does_not_go_on_with_another_store_under_the_same_address",),
    ),
    Bug(
        name="of endings that are gone nothing is said",
        breaks="a sign-out ends streams everywhere",
        file=_STORE + "sessions.py",
        old="        if since is None or len(ended) != upto - since:\n",
        new="        if since is None:\n",
        caught_by=(_NODES + "test_who_asks_for_the_first_time_or_after_too_long_is_not_told_which",),
    ),
    Bug(
        name="disabling a user leaves no word of the sessions it ended",
        breaks="a sign-out ends streams everywhere",
        file=_STORE + "people.py",
        old="            if now_ms is not None:\n",
        new="            if now_ms is None:\n",
        caught_by=(_NODES + "test_no_ending_is_missed_by_another_node",),
    ),
    Bug(
        name="a session ends sooner because another node extended it by less",
        breaks="sessions slide forward",
        file=_STORE + "sessions.py",
        old=" WHERE id = $1 AND expires_at_ms < $2",
        new=" WHERE id = $1",
        caught_by=(_NODES + "test_a_session_ends_no_sooner_because_another_node_extends_it_by_less",),
    ),
    Bug(
        name="two nodes remove from a log at once",
        breaks="gaps are told once",
        file=_STORE + "retention.py",
        old="    FOR NO KEY UPDATE SKIP LOCKED\n",
        new="",
        caught_by=(_NODES + "test_nodes_that_remove_and_post_at_once_leave_no_hole",),
    ),
    Bug(
        name="a node goes by its own clock",
        breaks="one time for all nodes",
        file=_STORE + "clock.py",
        old="        return self._now_ms() + self.offset_ms\n",
        new="        return self._now_ms()\n",
        caught_by=(_NODES + "test_a_node_whose_clock_is_wrong_goes_by_the_databases",),
    ),
    Bug(
        name="commits do not wait for the disk where the database was set up so",
        breaks="promise 1",
        file=_STORE + "opening.py",
        old='        settings["synchronous_commit"] = "on"\n',
        new="",
        caught_by=(_OPENING + "test_commits_that_would_not_wait_for_the_disk_are_made_to",),
    ),
    Bug(
        name="two nodes that start at once both take a step",
        breaks="nodes may start at once",
        file=_STORE + "schema.py",
        old='    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK, timeout=3600)\n',
        new="",
        caught_by=(_OPENING + "test_many_nodes_that_start_at_once_make_one_store",),
    ),
    Bug(
        name="a plan of the first day is kept",
        breaks="no call costs more for a larger store",
        file=_STORE + "database.py",
        old='    "enable_seqscan": "off",\n',
        new="",
        caught_by=(_PLANS + "test_a_plan_that_was_made_while_there_was_nothing_is_good_when_there_is_more",),
    ),
)
