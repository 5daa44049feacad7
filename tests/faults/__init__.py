"""Servers ill-treated in every way but by their disk, under people who keep ledgers (`hubbub.check`).

    test_kills             killed at any moment under load; stopped kindly; frozen for seconds
                           (for long: `python -m soak kills`)
    test_crash_points      dead at every step of a commit, from before it begins until everybody was told
    test_crashing_stores   dead at every step, each single write of a page among them, of a batch, a
                           checkpoint, a trim, a new room, a sign-up, a sign-in, a sign-out, the making of a
                           store and its opening after a crash
    test_network           reset at any byte; bytes one by one; half-open; a road that leads nowhere;
                           1,000 bytes a second; everybody back at once
    test_dead_readers      readers who never read (slow ones: scenarios/test_slow_readers)
    test_floods            of connections, posts, streams, pings, sign-ins, requests without an end; people
                           who come and go
    test_races             subscribing, unsubscribing, signing out, expiring, going away and trimming while
                           others post; one key or one name used by several at once
                           (also scenarios/test_leaving, scenarios/test_sessions_ending)
    test_cursors           from the future, of another epoch, of somebody else, of nobody
                           (of a removed range or a replaced store: scenarios/test_cursors)
    test_clocks            a wall clock that jumps
    test_descriptors       no descriptor left
    test_disk*             a disk that fails

HUBBUB_CRASH_LOOPS=uvloop,asyncio and HUBBUB_CRASH_EVERY_WRITE=1 make test_crash_points whole,
HUBBUB_NETWORK_STEP=1 cuts at every byte, HUBBUB_FAULT_KILLS=50 kills as often on each event loop.
"""
