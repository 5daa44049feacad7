"""Bugs of the store: what is acknowledged, numbered, kept and removed."""

from planted.bug import Bug

_CONTRACT = "tests/storage/test_contract.py::"
_FAULTS = "tests/storage/test_sqlite_faults.py::"
_SYNC = "tests/storage/test_sqlite_sync.py::"

BUGS = (
    Bug(
        name="a post is acknowledged before its commit",
        breaks="promise 1, I1",
        file="storage/sqlite/append.py",
        old="                outcomes = [self._outcome(cursor, draft) for draft in drafts]\n",
        new="                outcomes = [self._outcome(cursor, draft) for draft in drafts]\n"
        "                done, told = (lambda outcomes: None), done\n"
        "                told(outcomes)\n",
        caught_by=(_FAULTS + "test_a_store_whose_commit_failed_is_broken_for_good_and_says_so_once",),
    ),
    Bug(
        name="a commit is not synced (synchronous=NORMAL)",
        breaks="promise 1",
        file="storage/sqlite/database.py",
        old='"synchronous": 2,',
        new='"synchronous": 1,',
        caught_by=(_SYNC + "test_every_batch_is_synced_before_it_is_acknowledged",),
    ),
    Bug(
        name="syncing is switched off after it was checked",
        breaks="promise 1",
        file="storage/sqlite/database.py",
        old='        connection.pragma("cache_size", -CACHE_KIB)\n',
        new='        connection.pragma("cache_size", -CACHE_KIB)\n'
        '        connection.pragma("synchronous", 0)\n',
        caught_by=(_SYNC + "test_every_batch_is_synced_before_it_is_acknowledged",),
    ),
    Bug(
        name="a store whose commit failed goes on",
        breaks="promise 1: a failed commit is never retried",
        file="storage/sqlite/database.py",
        old="                meaning = self.give_up(error)\n",
        new='                meaning = Overloaded("try again")\n',
        caught_by=(_FAULTS + "test_a_store_whose_commit_failed_is_broken_for_good_and_says_so_once",),
    ),
    Bug(
        name="a full disk breaks the store",
        breaks="storage-full: reading goes on",
        file="storage/sqlite/database.py",
        old="            case apsw.FullError():\n                meaning = StorageFull()\n",
        new="            case apsw.FullError():\n                meaning = self.give_up(error)\n",
        caught_by=(_FAULTS + "test_when_the_disk_is_full_nothing_is_posted_and_reading_goes_on",),
    ),
    Bug(
        name="what a crash left is not written anew",
        breaks="promise 1, after a failed sync",
        file="storage/sqlite/database.py",
        old="        self._wal_pages = CHECKPOINT_PAGES\n        self.tidy()\n",
        new="        self.tidy()\n",
        caught_by=(_FAULTS + "test_what_a_crash_left_in_the_write_ahead_log_is_written_anew_at_the_start",),
    ),
    Bug(
        name="a batch that was refused keeps its numbers",
        breaks="promise 2: no hole",
        file="storage/sqlite/append.py",
        old="        except Unavailable as refusal:\n            self._places.forget()\n",
        new="        except Unavailable as refusal:\n",
        caught_by=(_FAULTS + "test_posting_works_again_once_there_is_room",),
    ),
    Bug(
        name="a seq is given twice, after all of a log was removed",
        breaks="promise 2",
        file="storage/sqlite/places.py",
        old="    return floor if last is None else seq_at(last)",
        new="    return 0 if last is None else seq_at(last)",
        caught_by=(_CONTRACT + "test_a_log_of_which_all_was_removed_goes_on_counting",),
    ),
    Bug(
        name="two posts of one turn change places",
        breaks="promise 2",
        file="service/posting.py",
        old="        drafts, dones = self._drafts, self._dones\n",
        new="        drafts, dones = self._drafts[::-1], self._dones[::-1]\n",
        caught_by=("tests/service/test_posting.py::test_what_was_posted_first_comes_first",),
    ),
    Bug(
        name="a key is forgotten",
        breaks="promise 6, I5",
        file="storage/sqlite/append.py",
        old="        return bool(self._db.connection.changes())",
        new="        return True",
        caught_by=(_CONTRACT + "test_a_key_used_again_answers_with_the_first_message",),
    ),
    Bug(
        name="a key is forgotten with its message",
        breaks="promise 6: for ever",
        file="storage/sqlite/retention.py",
        old='                if event.key is not None and event.kind == "message":',
        new='                if event.key is None and event.kind == "message":',
        caught_by=(_CONTRACT + "test_a_key_is_safe_for_ever_also_when_its_message_was_removed",),
    ),
    Bug(
        name="a key is accepted with another text",
        breaks="promise 6: 409 key-reused",
        file="storage/sqlite/append.py",
        old="        if not same:\n",
        new="        if not id:\n",
        caught_by=(_CONTRACT + "test_a_key_used_for_another_text_is_refused_and_names_the_first",),
    ),
    Bug(
        name="If-Match is looked at before the key",
        breaks="section 6: a retry succeeds as the first try did",
        file="storage/sqlite/append.py",
        old="            if draft.key is not None and (used := self._used(place, draft)):\n"
        "                return used\n",
        new="",
        caught_by=(_CONTRACT + "test_a_known_key_answers_before_the_expected_head_is_looked_at",),
    ),
    Bug(
        name="the sender's copy is not stored",
        breaks="section 2: the inbox",
        file="storage/sqlite/append.py",
        old="            self._put(cursor, own, receipt)\n",
        new="",
        caught_by=(_CONTRACT + "test_a_direct_message_stands_in_both_inboxes_under_one_id",),
    ),
    Bug(
        name="the sender's copy is not told",
        breaks="section 2: all devices agree",
        file="storage/sqlite/append.py",
        old="            events = (event, receipt)\n",
        new="            events = (receipt,)\n",
        caught_by=("tests/scenarios/test_direct_messages.py::test_a_message_to_a_person_arrives_at_once",),
    ),
    Bug(
        name="the copy goes to the inbox of the other",
        breaks="I4",
        file="storage/sqlite/append.py",
        old="            own = self._place(inbox_log(draft.sender))\n",
        new="            own = place\n",
        caught_by=(_CONTRACT + "test_a_direct_message_stands_in_both_inboxes_under_one_id",),
    ),
    Bug(
        name="a conversation shows what others wrote",
        breaks="section 6: of the two of you",
        file="storage/sqlite/logs.py",
        old="position >> 36 = ?4 AND peer = ?5",
        new="position >> 36 = ?4 AND (peer = ?5 OR 1)",
        caught_by=(_CONTRACT + "test_an_inbox_shows_what_was_received_or_what_two_wrote_to_each_other",),
    ),
    Bug(
        name="what was removed is not told",
        breaks="promise 4",
        file="storage/pages.py",
        old="        gap = _gap(log, after + 1, floor)\n",
        new="        gap = None\n",
        caught_by=(_CONTRACT + "test_retention_removes_what_is_old_from_the_start_and_says_so",),
    ),
    Bug(
        name="a gap is one too short",
        breaks="promise 4",
        file="storage/pages.py",
        old="        gap = _gap(log, after + 1, floor)\n",
        new="        gap = _gap(log, after + 1, floor - 1)\n",
        caught_by=(_CONTRACT + "test_retention_removes_what_is_old_from_the_start_and_says_so",),
    ),
    Bug(
        name="a log that was trimmed is remembered as it was",
        breaks="promise 4",
        file="storage/sqlite/retention.py",
        old="            self._places.forget(log)\n        self._cuts",
        new="            pass\n        self._cuts",
        caught_by=(_CONTRACT + "test_retention_removes_what_is_old_from_the_start_and_says_so",),
    ),
    Bug(
        name="after= reads the newest page",
        breaks="section 6: the oldest events after the cursor",
        file="storage/sqlite/logs.py",
        old="_select(view, place.number, after is not None)",
        new="_select(view, place.number, False)",
        caught_by=(_CONTRACT + "test_pages_leave_nothing_out_in_either_direction",),
    ),
    Bug(
        name="a page of rooms hides the last",
        breaks="section 5: lists",
        file="storage/sqlite/rooms.py",
        old="        return [_room(row, self._held) for row in rows[:limit]], len(rows) > limit",
        new="        return [_room(row, self._held) for row in rows[: limit - 1]], len(rows) > limit",
        caught_by=(
            "tests/storage/test_contract_people.py::"
            "test_rooms_come_in_the_order_of_their_names_a_page_at_a_time",
        ),
    ),
    Bug(
        name="a second server opens the same store",
        breaks="promise 2: one writer",
        file="storage/sqlite/directory.py",
        old="            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)\n",
        new="            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)\n",
        caught_by=(
            "tests/storage/test_sqlite_directory.py::test_a_second_server_is_refused_and_told_by_whom",
        ),
    ),
)
