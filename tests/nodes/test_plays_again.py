"""The plays of tests/scenarios, in the same words, on two servers: whoever comes is at the other one in turn.

Left out are those that turn on one server's disk, directory or own clock.
"""

# A play is a test wherever it is named: what is imported here is given on this stage.
# ruff: noqa: F401
import pytest

from scenarios.test_client import (
    small_pages,
    test_from_nothing_to_a_conversation,
    test_history_is_read_both_ways_as_far_as_one_goes,
    test_lists_are_read_page_after_page,
    test_sessions_are_listed_and_another_one_can_be_ended,
)
from scenarios.test_cursors import (
    test_a_cursor_from_the_future_is_refused_with_the_head_there_is,
    test_a_cursor_of_another_epoch_is_refused,
    test_last_event_id_wins_over_after,
    test_the_id_of_a_stream_of_many_logs_is_a_place_in_all_of_them,
)
from scenarios.test_direct_messages import (
    test_a_message_to_a_person_arrives_at_once,
    test_a_note_to_oneself_is_one_message,
    test_an_inbox_can_be_caught_up_with_after_an_absence,
    test_both_ends_of_a_message_have_the_same_id_and_each_its_own_number,
    test_nobody_else_hears_or_reads_it,
    test_the_inbox_lists_what_was_posted_to_me_and_a_conversation_both_ways,
    test_the_senders_other_devices_get_a_copy,
)
from scenarios.test_hearing import (
    test_a_message_says_where_who_what_and_when,
    test_a_newcomer_hears_from_the_head_and_may_begin_at_the_beginning,
    test_a_reader_who_comes_back_has_missed_nothing,
    test_a_reader_who_never_heard_a_thing_comes_back_to_where_it_left,
    test_an_absence_may_be_long,
    test_everyone_hears_the_same_order_whoever_speaks_at_once,
    test_nobody_joins_to_post,
    test_the_longest_text_comes_through_whole,
    test_what_one_says_all_who_listen_hear,
    test_who_begins_to_listen_amid_a_conversation_gets_it_from_there_without_a_hole,
)
from scenarios.test_many_logs import (
    test_coming_back_to_many_logs_misses_nothing_in_any,
    test_each_log_goes_on_from_its_own_place,
    test_one_stream_carries_rooms_and_the_inbox,
    test_what_is_no_longer_wanted_is_no_longer_heard,
    three,
)
from scenarios.test_marks import (
    devices,
    test_a_mark_is_not_repeated_to_who_was_away_and_moves_no_cursor,
    test_devices_agree_whatever_the_order_of_their_requests,
    test_nobody_else_is_told_what_was_read,
    test_over_server_sent_events_a_mark_has_no_id,
    test_what_is_read_on_one_device_is_told_to_the_other,
    test_who_listens_to_many_logs_is_told_too,
)
from scenarios.test_posting import (
    rest,
    test_a_conditional_post_is_stored_only_when_nothing_came_between,
    test_a_conditional_post_that_was_stored_is_told_so_when_it_is_sent_again,
    test_a_direct_message_sent_again_is_delivered_once,
    test_a_key_is_ones_own_and_of_one_place,
    test_a_place_that_does_not_exist_takes_no_post,
    test_all_who_send_one_key_at_once_are_told_the_same,
    test_another_text_under_the_same_key_is_a_conflict,
    test_of_many_conditional_posts_at_once_one_wins,
    test_the_etag_of_a_list_is_a_condition_for_a_post,
    test_the_same_key_answers_with_the_first_message,
)
from scenarios.test_sessions_ending import (
    test_a_long_poll_ends_with_its_session_too,
    test_a_stream_that_ended_does_not_open_again,
    test_nothing_said_after_the_sign_out_is_heard,
    test_the_streams_of_other_sessions_go_on,
)

from .stage import town as open_town


@pytest.fixture(params=["ws", pytest.param("poll", marks=pytest.mark.long)])
async def lounge(request, database, nats):
    """Two transports will do: what a stream looks like is not the cluster's."""
    async with open_town(database, nats.url, request.param) as place:
        yield place


@pytest.fixture(params=["ws", pytest.param("sse", marks=pytest.mark.long)])
async def hall(request, database, nats):
    async with open_town(database, nats.url, request.param) as place:
        yield place
