"""Bugs to be planted, each a small change of the server's source, to see that the simulation finds them.

A change names what it replaces, so that one that no longer fits is noticed and not planted in vain.
"""

import inspect
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from unittest.mock import patch

import msgspec


class Change(msgspec.Struct, frozen=True):
    """In the source of a method, `old` becomes `new`."""

    where: str
    old: str
    new: str


class Bug(msgspec.Struct, frozen=True):
    """`seed` is the first that found it when it was written down; the ones after it are tried as well."""

    name: str
    changes: tuple[Change, ...]
    seed: int = 1

    @contextmanager
    def planted(self) -> Iterator[None]:
        with ExitStack() as stack:
            for change in self.changes:
                stack.enter_context(_changed(change))
            yield


@contextmanager
def _changed(change: Change) -> Iterator[None]:
    path, _, name = change.where.rpartition(".")
    module_name, _, class_name = path.rpartition(".")
    module = import_module(module_name)
    owner = getattr(module, class_name)
    original = inspect.unwrap(getattr(owner, name))
    source = textwrap.dedent(inspect.getsource(original))
    assert source.count(change.old) == 1, f"{change.where} has no {change.old!r} any more"
    # Compiled in a class, for the names that a class mangles, and among the module's own.
    source = source.replace("super()", f"super({class_name}, self)").replace(change.old, change.new)
    changed = textwrap.indent(source, "    ")
    found: dict[str, type] = {}
    exec(f"class Changed:\n{changed}", module.__dict__, found)
    with patch.object(owner, name, vars(found["Changed"])[name]):
        yield


def _bug(name: str, where: str, old: str, new: str, *, seed: int = 1) -> Bug:
    return Bug(name, (Change(where, old, new),), seed)


_HUB, _BEHIND, _LOG = "hubbub.hub.hub.Hub.", "hubbub.hub.behind.Behind.", "hubbub.hub.log.Log."
_APPEND = "hubbub.storage.sqlite.append.Appending."
_SOCKET, _FRAMED = "hubbub.api.websocket.WebSocket.", "hubbub.api.framed.FramedConnection."
_DATABASE = "hubbub.storage.sqlite.database.Database."

BUGS = (
    _bug(
        "it acknowledges before it commits",
        _APPEND + "append",
        "outcomes = [self._outcome(cursor, draft) for draft in drafts]",
        "outcomes = [self._outcome(cursor, draft) for draft in drafts]; done(outcomes); done = len",
        seed=5,
    ),
    _bug(
        "it acknowledges what is committed and not synced",
        _DATABASE + "_set_up",
        'connection.pragma("temp_store", 2)',
        'connection.pragma("synchronous", 1)',
        seed=5,
    ),
    Bug(
        "it tells the readers before it commits",
        (
            Change(
                "hubbub.service.posting.Posting.commit",
                "self._store.append(drafts, told)",
                "self._store.early = lambda events: ([self._hub.publish(each) for each in events],"
                " self._hub.flush()); self._store.append(drafts, told)",
            ),
            Change(
                _APPEND + "append",
                "outcomes = [self._outcome(cursor, draft) for draft in drafts]",
                "outcomes = [self._outcome(cursor, draft) for draft in drafts]; self.early("
                "[e for each in outcomes if not isinstance(each, HubbubError) for e in each.events])",
            ),
        ),
        seed=5,
    ),
    _bug(
        "one reader of many is passed over",
        _HUB + "_flush",
        "reader.write(joined)",
        "len(readers) > 2 and reader is next(iter(readers)) or reader.write(joined)",
    ),
    _bug(
        "who comes back is told the last event again",
        _HUB + "open",
        "log.head if after is None else after",
        "log.head if after is None else max(after - 1, 0)",
    ),
    _bug(
        "a full socket loses what came while it was full",
        _HUB + "_flush",
        "fallen.append(readers[reader])",
        "pass",
        seed=4,
    ),
    _bug(
        "a full socket is written to all the same",
        _HUB + "_flush",
        "if reader.paused:",
        "if False:",
        seed=4,
    ),
    _bug(
        "a socket that has drained is not resumed",
        _SOCKET + "resume_writing",
        "self.context.hub.resume(self)",
        "pass",
        seed=37,
    ),
    _bug(
        "a reader goes live before it has caught up",
        _BEHIND + "_catch_up_by_one",
        "if sub.seq < log.flushed:\n        self.catch_up(sub)",
        "if sub.seq < log.flushed - 2:\n        self.catch_up(sub)",
    ),
    _bug(
        "memory gives one event too few",
        _LOG + "recent",
        "start = after + 1 - ring[0].seq",
        "start = min(after + 2, self.flushed) - ring[0].seq",
        seed=2,
    ),
    _bug(
        "a key is not written down",
        _APPEND + "_add",
        "if draft.key is not None and not self._claim(cursor, place, own, draft):",
        "if False:",
    ),
    _bug(
        "a key is forgotten with its message",
        "hubbub.storage.sqlite.retention.Retention._keep",
        "cursor.execute(_KEEP, (event.id, event.sent_at_ms, receipt, number, event.sender, event.key))",
        'cursor.execute("DELETE FROM keys WHERE log = ? AND key = ?", (number, event.key))',
        seed=5,
    ),
    _bug(
        "a removed range is not named",
        "hubbub.storage.sqlite.logs.Logs.page",
        "return page_of(",
        'return (lambda *a, **k: __import__("msgspec").structs.replace(page_of(*a, **k), gap=None))(',
        seed=5,
    ),
    _bug(
        "memory keeps what was removed",
        _LOG + "forget",
        "if e.seq > through",
        "",
        seed=5,
    ),
    _bug(
        "the sender's copy is not stored",
        _APPEND + "_add",
        "self._put(cursor, own, receipt)",
        "own.head += 1  # and it is skipped",
    ),
    _bug(
        "the sender's other devices are not told",
        _APPEND + "_add",
        "events = (event, receipt)",
        "events = (event,)",
    ),
    _bug(
        "what a full disk undid is still counted",
        _APPEND + "append",
        "except Unavailable as refusal:\n        self._places.forget()",
        "except Unavailable as refusal:",
        seed=6,
    ),
    _bug(
        "a sign-out leaves the streams alone",
        "hubbub.service.watchers.Watchers.end",
        "stream.end(reason)",
        "pass",
        seed=14,
    ),
    _bug(
        "a reader who left is kept",
        _HUB + "_close",
        "self._release(sub.log)",
        "sub.live and self._release(sub.log)",
    ),
    _bug(
        "a reply overtakes another",
        "hubbub.protocol.dialogue.Dialogue.answer",
        "while waiting and waiting[0].answer is not None:\n        yield waiting.popleft()",
        "waiting.remove(ask)\n    yield ask",
    ),
    _bug(
        "a post is told nothing when its turn was long",
        _SOCKET + "_shed",
        "self._give(ask, _TOO_MUCH.to(ask.ref))",
        "pass",
        seed=2,
    ),
    _bug(
        "a message in fragments loses one",
        _FRAMED + "_take_frame",
        "self._fragments += frame.data",
        "self._fragments = bytearray(frame.data) if frame.fin else self._fragments + frame.data",
    ),
    _bug(
        "on a slow disk readers see what is not on it yet",
        "hubbub.storage.sqlite.held.Held.visible",
        "return head if held is None else held[0]",
        "return head",
        seed=545,
    ),
    _bug(
        "a sync is taken to cover what was committed while it ran",
        "hubbub.storage.sqlite.syncing.Syncs._ended",
        "self._under_way if failure is None else len(self._waiting)",
        "len(self._waiting)",
        seed=103,
    ),
    _bug(
        "on a slow disk a removal is told of before it is on it",
        "hubbub.storage.sqlite.logs.Logs._cuts_are_on_disk",
        "self._cuts[log]",
        "False",
        seed=3160,
    ),
    _bug(
        "a removed range is remembered until its removal is on disk",
        "hubbub.storage.sqlite.retention.Retention.trim",
        "self._places.forget(log)",
        "self._db.after_sync(lambda failure, log=log: self._places.forget(log))",
        seed=37,
    ),
    _bug(
        "the inbox of another is open",
        _SOCKET + "_log_of",
        "inbox_log(self.caller.session.user)",
        'inbox_log("ada")',
    ),
)
