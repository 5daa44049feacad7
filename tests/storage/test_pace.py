"""When the disk is taken to be slow, and when it is trusted again."""

from hubbub.storage.sqlite.syncing import SLOW_SECONDS, STALL_SECONDS, SWIFT_SECONDS, Pace


def commits(pace, *seconds):
    for each in seconds:
        pace.committed(each)
    return pace.apart


def syncs(pace, count, seconds=SWIFT_SECONDS / 2):
    for _ in range(count):
        pace.synced(seconds)
    return pace.apart


def swift_syncs_until_back(pace):
    count = 0
    while pace.apart:
        pace.synced(SWIFT_SECONDS / 2)
        count += 1
    return count


def test_a_disk_whose_every_commit_is_slow_is_slow():
    pace = Pace()
    assert not commits(pace, *[2 * SLOW_SECONDS] * 7)
    assert commits(pace, 2 * SLOW_SECONDS)


def test_a_commit_that_is_slow_now_and_then_is_not_the_disk():
    assert not commits(Pace(), *[2 * SLOW_SECONDS, 2 * SLOW_SECONDS, SLOW_SECONDS / 2] * 20)


def test_one_commit_that_stalls_everybody_is_enough():
    assert commits(Pace(), SLOW_SECONDS / 10, 1.1 * STALL_SECONDS)


def test_a_disk_that_syncs_swiftly_again_is_trusted():
    pace = Pace(apart=True)
    assert syncs(pace, 63)
    assert not syncs(pace, 1)


def test_one_slow_sync_and_the_waiting_begins_anew():
    pace = Pace(apart=True)
    syncs(pace, 63)
    syncs(pace, 1, seconds=SWIFT_SECONDS)
    assert syncs(pace, 63)
    assert not syncs(pace, 1)


def test_a_disk_that_was_slow_before_has_to_be_swift_for_longer():
    pace = Pace()
    commits(pace, 2 * STALL_SECONDS)
    first = swift_syncs_until_back(pace)
    commits(pace, 2 * STALL_SECONDS)
    assert swift_syncs_until_back(pace) == 2 * first


def test_commits_that_are_slow_by_themselves_are_soon_taken_for_what_they_are():
    """Thousands of posts in a commit take as long as a slow sync; apart, it shows that the sync does not."""
    pace = Pace()
    commits(pace, *[1.5 * SLOW_SECONDS] * 8)
    swift_syncs_until_back(pace)
    assert not commits(pace, *[1.5 * SLOW_SECONDS] * 100)


def test_a_store_can_never_be_made_to_trust_a_stall():
    pace = Pace()
    for _ in range(12):
        assert commits(pace, 1.1 * STALL_SECONDS)
        swift_syncs_until_back(pace)
