"""Where the server is looked into, to know which situations a world has met. Nothing is changed by it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from hubbub.api.framed import FramedConnection
from hubbub.hub.behind import Behind
from hubbub.hub.hub import Hub
from hubbub.hub.log import Log, Subscription
from hubbub.service.posting import Posting
from hubbub.storage.sqlite.append import Appending

Happened = Callable[[str], None]


def _seen(what: Callable, note: Callable) -> Callable:
    """`what`, with `note` told its arguments and what it gave."""

    def call(*given, **named):
        result = what(*given, **named)
        note(result, *given, **named)
        return result

    return call


@contextmanager
def watching(
    happened: Happened,
    fault: Callable[[str, str], None],
    subscriptions: Callable[[], Iterable[Subscription]],
    *,
    at_once: bool,
) -> Iterator[None]:
    """`happened` is told the situations; `fault` the promises that only a look inside shows broken.
    `subscriptions` are all there are. `at_once`: the store's answers take no time, so that none is on its way
    while something is removed."""
    # By process: what one was about to do when it died is not done.
    removed: dict[tuple[Behind, str], int] = {}

    def fell(result, log, sub):
        happened("a reader fell behind")

    def recent(result, log, *rest, **more):
        if result is not None:
            happened("a reader caught up from memory")

    def added(result, log, entry):
        if not result and entry.seq > log.head:
            happened("an event came before its turn")

    def repaired(result, hub, log, past):
        happened("what a node had not heard of was read")

    def hearing(hear):
        def call(hub, id, entry):
            log = hub._logs.get(id)
            if log is not None and log.known and entry.seq <= log.head:
                happened("an event was heard of again")
            hear(hub, id, entry)

        return call

    def joined(result, behind, sub):
        if sub.seq:
            happened("a reader joined the head")

    def handed_over(result, behind, sub, entries):
        first, log = entries[0], sub.log.id
        if at_once and first.kind != "gap" and first.seq <= removed.get((behind, log), 0):
            fault("I3", f"{log} {first.seq} was handed out after it was removed")

    def trimmed(result, hub, gap):
        removed[hub._behind, gap.log] = gap.last
        for sub in subscriptions():
            if sub.log.id == gap.log and not sub.live and sub.seq < gap.last:
                happened("what a reader had not read yet was removed")

    def read(page_of):
        async def call(behind, sub):
            entries = await page_of(behind, sub)
            happened("a reader caught up from the store")
            return entries

        return call

    def used(result, appending, place, draft):
        if result is None:
            return
        gone = result.receipt.log == draft.place and result.receipt.seq <= place.floor
        happened("a key answered for a message that was removed" if gone else "a key answered")

    def full(result, posting, *rest):
        if result:
            happened("posting was full")

    def rested(result, connection):
        happened("a connection was read on in the next turn")

    def stalled(result, connection):
        happened("a client was not listened to for a while")

    with ExitStack() as stack:
        for where, name, note in (
            (Log, "fall_behind", fell),
            (Log, "recent", recent),
            (Log, "add", added),
            (Behind, "_join", joined),
            (Hub, "_repaired", repaired),
            (Hub, "trimmed", trimmed),
            (Behind, "_hand_over", handed_over),
            (Appending, "_used", used),
            (Posting, "is_full", full),
            (FramedConnection, "_rest", rested),
            (FramedConnection, "_stall", stalled),
        ):
            stack.enter_context(patch.object(where, name, _seen(getattr(where, name), note)))
        stack.enter_context(patch.object(Behind, "_read", read(Behind._read)))
        stack.enter_context(patch.object(Hub, "hear", hearing(Hub.hear)))
        yield
