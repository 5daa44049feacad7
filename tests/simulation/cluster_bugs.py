"""Bugs of what nodes hear of each other, to be planted as those of `bugs.py` are."""

from simulation.bugs import Bug, Change

_HUB, _LOG, _RELAY = "hubbub.hub.hub.Hub.", "hubbub.hub.log.Log.", "hubbub.hub.relay.Relay."


def _bug(name: str, where: str, old: str, new: str, *, seed: int = 1) -> Bug:
    return Bug(name, (Change(where, old, new),), seed)


BUGS = (
    _bug(
        "what comes early is dropped, and nobody looks for what was missed",
        _LOG + "add",
        "self.expected = max(self.expected, seq)",
        "return True",
        seed=2,
    ),
    _bug("heads are never compared", _RELAY + "watch", "await self.compare()", "pass", seed=47),
    _bug(
        "a gap is skipped",
        _LOG + "add",
        "if seq == self.head + 1:",
        "if seq > self.head:",
    ),
    _bug(
        "what the bus doubles is told twice",
        _LOG + "add",
        "if seq == self.head + 1:",
        "if seq in (self.head, self.head + 1):",
    ),
    _bug(
        "what waited for those before it is forgotten when they come",
        _LOG + "_take_early",
        "self.fresh.append(entry)",
        "pass",
    ),
    _bug(
        "a sign-out is not heard by the other nodes",
        "hubbub.service.accounts.Accounts.tick",
        "doubtful = (*endings.sessions, *self._watchers.doubtful(now_ms))",
        "doubtful = self._watchers.doubtful(now_ms)",
        seed=10,
    ),
    _bug(
        "the head is read before the channel is listened to",
        _HUB + "_hold",
        "await self._others.follow(id)  # before the head is read: what comes between is heard\n"
        "            await self._look(log)\n",
        "await self._look(log)\n            await self._others.follow(id)\n",
        seed=247,
    ),
    _bug(
        "the others are not told",
        _HUB + "publish",
        "self._others.grew(event.log, new)",
        "pass",
        seed=1,
    ),
    _bug(
        "the others are not told of a mark",
        _HUB + "tell",
        "self._others.told(id, kind, json)",
        "pass",
    ),
    _bug(
        "a mark that was told elsewhere is not handed out",
        _RELAY + "heard",
        "self._hub.hear_told(log, kind, json)",
        "pass",
    ),
    _bug(
        "a channel is left with the first of its logs",
        _RELAY + "unfollow",
        "if not joined.logs:",
        "if True:",
        seed=16,
    ),
    _bug(
        "what is read for a gap is handed out with the next message only",
        _HUB + "_repaired",
        "self.flush()",
        "pass",
        seed=20,
    ),
    _bug(
        "who was at the head is forgotten when there is too much to keep",
        _HUB + "_repaired",
        "self._behind.fell(log.skip_to(max(log.expected, log.head, past.head if past else 0)))",
        "log.skip_to(max(log.expected, log.head, past.head if past else 0))",
        seed=2,
    ),
    _bug(
        "who comes from another node is told that there is no such cursor",
        _HUB + "_hold",
        "elif as_it_is_now and self._heads is not None:",
        "elif False:",
        seed=54,
    ),
    _bug(
        "of a log that was opened with others the head is told as it is later",
        "hubbub.api.websocket.WebSocket._greet",
        "head=head",
        "head=subscription.log.head",
        seed=29,
    ),
    _bug(
        "a node goes by its own clock",
        "hubbub.storage.postgres.clock.Clock.now_ms",
        "self._now_ms() + self.offset_ms",
        "self._now_ms()",
        seed=2,
    ),
    _bug(
        "a database that is away loses a reader for good",
        "hubbub.hub.behind.Behind._work",
        "asyncio.get_running_loop().call_later(AWAY_SECONDS, self._catch_up_if_wanted, sub)",
        "pass",
        seed=48,
    ),
)
