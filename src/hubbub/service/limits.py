"""How often one may do what, and the arithmetic that says so.

GCRA, the generic cell rate algorithm (ITU-T I.371, annex A), as a virtual schedule: each key has one number,
the moment by which everything it took would have been paid for at the even rate. Nothing is counted per
window, so there is no edge at which twice the quota fits.

Pure but for the clock, which is handed in. Nothing here knows who is signed in.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Final

import msgspec

from hubbub.domain.errors import TooFast

MAX_KEYS = 1 << 17
"""What one limiter remembers at most, about 25 MB if every key is an address. Beyond it the keys used least
recently are forgotten, and may start afresh."""

_NANOSECONDS = 1_000_000_000


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """`quota` at once, and as much again over each `window_seconds`, evenly."""

    name: str
    quota: int
    window_seconds: int

    def __post_init__(self) -> None:
        if self.quota < 1 or self.window_seconds < 1:
            raise ValueError(f"{self.name}: the quota and the window's seconds are 1 or more")


DEFAULTS: Final[Mapping[str, Policy]] = {
    policy.name: policy
    for policy in (
        # Per user. Ten a second without end, a hundred at once: more than anyone types and enough for a bot
        # that serves a busy room. In a room of 10,000 it is 100,000 deliveries a second, a tenth of a core.
        Policy(name="posts", quota=100, window_seconds=10),
        # Per address. An office of a thousand behind one address comes back after a restart in one burst;
        # a hundred a second without end is about one part in a hundred of what a core can answer.
        Policy(name="requests", quota=1000, window_seconds=10),
        # Per user, what is said over WebSocket beside posts (subscriptions, their ends, mistakes, pings, the
        # parts of a message behind its first), and each log that an address subscribes to.
        # Three devices with as many logs as one stream carries (1,000) come back at once; three hundred a
        # second without end is a few parts in a hundred of a core.
        Policy(name="frames", quota=3000, window_seconds=10),
        # Per account and place (an address, or a browser that was signed in before), failures only. Nobody
        # mistypes ten times in ten minutes. Whoever guesses closes the account to themselves alone.
        Policy(name="sign_ins_by_place", quota=10, window_seconds=600),
        # Per account, failures from all places where nobody has signed in to it: a guesser with thousands of
        # addresses has 2,400 tries a day. More than one address can use up: 10 and 60 in an hour.
        Policy(name="sign_ins_by_account", quota=100, window_seconds=3600),
        # Per address, each try, for each costs tens of milliseconds of a core whether right or wrong. An
        # office on Monday morning fits the burst; one every three seconds costs below 1 % of a core.
        Policy(name="sign_ins_by_address", quota=200, window_seconds=600),
        # Per address. A class of thirty behind one address, each with a mishap, signs up in one lesson;
        # whoever makes accounts to get round the other limits gets one a minute.
        Policy(name="sign_ups", quota=60, window_seconds=3600),
        # Per user. Rooms stay for ever and everyone sees them in the list: fifty in an hour is a day's
        # work of setting up a community, and a nuisance makes 1,200 a day at most.
        Policy(name="rooms", quota=50, window_seconds=3600),
    )
}


class Allowance(msgspec.Struct, frozen=True, gc=False):
    """What is left after a take."""

    policy: Policy | None
    """None when there is no limit."""
    remaining: int
    """How many more would be allowed this moment."""
    reset_seconds: float
    """When the whole quota is there again, if nothing more is taken."""


UNLIMITED = Allowance(None, (1 << 31) - 1, 0.0)


@lru_cache(maxsize=4096)
def neighbourhood(address: str) -> str:
    """Whom an address stands for: an IPv4 address for itself, an IPv6 address for its /64, since that
    is what one customer is given (RFC 6177). Text that is no address stands for itself."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return f"{IPv6Address(int(ip) >> 64 << 64)}/64"


def _itself(key: str) -> str:
    return key


Refused = Callable[[str, str], None]
"""Told of a refusal: the policy's name, and whom it refused."""

Taken = Callable[[str, str, int], None]
"""Told of what was taken here, for who keeps count elsewhere: the policy's name, the key, and the cost; less
than nothing for what was given back."""

_UNTOLD = 8
"""Nobody elsewhere is told of a key of which less than one part in this is used: most people are far from
any bound, and so nobody counts them twice. N nodes together may allow (N - 1)/8 more than the quota."""

_LARGE = 100
"""… of a quota from this on; of a smaller one, such as of wrong guesses, all is told."""


def _unheard(_policy: str, _key: str) -> None:
    pass


def uncounted(_policy: str, _key: str, _cost: int) -> None:
    pass


class Limiter:
    """One policy, applied to each key by itself.

    Always true:
    * over any stretch of `t` seconds a key that was not forgotten got at most `quota` × (1 + t / window);
    * at most `max_keys` keys are remembered.

    A key that has its whole quota again is forgotten by the takes of others, the least recently used first.
    """

    def __init__(
        self,
        policy: Policy | None,
        monotonic: Callable[[], float],
        *,
        group: Callable[[str], str] = _itself,
        max_keys: int = MAX_KEYS,
        refused: Refused = _unheard,
        taken: Taken = uncounted,
    ) -> None:
        """Without a policy nothing is refused. Keys that `group` makes the same share a quota."""
        self.policy = policy
        self._monotonic = monotonic
        self._group = group
        self._max_keys = max_keys
        self._refused = refused
        self._taken = taken
        # Whole nanoseconds, so that a quota's parts add up to the quota exactly.
        self._each = policy.window_seconds * _NANOSECONDS // policy.quota if policy else 0
        self._burst = self._each * policy.quota if policy else 0
        self._untold = self._burst // _UNTOLD if policy and policy.quota >= _LARGE else 0
        self._paid_by: OrderedDict[str, int] = OrderedDict()  # least recently used first

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._paid_by)

    def take(self, key: str, cost: int = 1) -> Allowance:
        """Raises TooFast when `cost`, at most the quota, is more than what is left."""
        policy = self.policy
        if policy is None:
            return UNLIMITED
        if not 1 <= cost <= policy.quota:
            raise ValueError(f"{policy.name}: a cost is between 1 and the quota {policy.quota}, not {cost}")
        key = self._group(key)
        now = self._now()
        owed = self._owed(key, now) + cost * self._each
        if owed > self._burst:
            wait_seconds = (owed - self._burst) / _NANOSECONDS
            self._refused(policy.name, key)
            raise TooFast(
                f"At most {policy.quota} in {policy.window_seconds} seconds; wait and try again.",
                retry_after_seconds=wait_seconds,
                policy=policy.name,
                quota=policy.quota,
                window_seconds=policy.window_seconds,
            )
        if owed >= self._untold:
            self._taken(policy.name, key, cost)
        self._owe(key, now, owed)
        return self._allowance(policy, owed)

    def give_back(self, key: str, cost: int = 1) -> None:
        """Undo a take: what it was for did not happen, or is not to be counted."""
        if self.policy is None:
            return
        key = self._group(key)
        if self._owed(key, self._now()) >= self._untold:
            self._taken(self.policy.name, key, -cost)
        self._return(key, cost)

    def charge(self, key: str, cost: int) -> None:
        """Count what was taken elsewhere, or given back there; it was allowed there, and so is not refused.
        `key` is as it was told to the Taken there."""
        if self.policy is None:
            return
        if cost < 0:
            self._return(key, -cost)
        else:
            now = self._now()
            self._owe(key, now, min(self._owed(key, now) + cost * self._each, self._burst))

    def _owe(self, key: str, now: int, owed: int) -> None:
        self._paid_by[key] = now + owed
        self._paid_by.move_to_end(key)
        self._forget(now)

    def _return(self, key: str, cost: int) -> None:
        paid_by = self._paid_by.get(key)
        if paid_by is not None:
            self._paid_by[key] = paid_by - cost * self._each

    def peek(self, key: str) -> Allowance:
        """What is left, taking nothing."""
        if self.policy is None:
            return UNLIMITED
        return self._allowance(self.policy, self._owed(self._group(key), self._now()))

    def _now(self) -> int:
        return int(self._monotonic() * _NANOSECONDS)

    def _owed(self, key: str, now: int) -> int:
        return max(self._paid_by.get(key, 0) - now, 0)

    def _allowance(self, policy: Policy, owed: int) -> Allowance:
        return Allowance(policy, (self._burst - owed) // self._each, owed / _NANOSECONDS)

    def _forget(self, now: int) -> None:
        """Two for each take, so that forgetting keeps up with remembering and never takes long."""
        keys = self._paid_by
        for _ in range(2):
            oldest = next(iter(keys))
            if keys[oldest] > now and len(keys) <= self._max_keys:
                return
            del keys[oldest]
            if not keys:
                return


class Limits:
    """The limiters of a server, by name. Those by address treat an IPv6 /64 as one."""

    def __init__(
        self,
        monotonic: Callable[[], float],
        policies: Mapping[str, Policy | None] = DEFAULTS,
        *,
        refused: Refused = _unheard,
        taken: Taken = uncounted,
    ) -> None:
        """What `policies` does not name has its default; what it gives None for is not limited. `refused`
        is told of every refusal, but for those whose keys are names as somebody typed them."""
        in_force = {**DEFAULTS, **policies}
        self._by_name: dict[str, Limiter] = {}

        def limiter(name: str, group: Callable[[str], str] = _itself, told: Refused = refused) -> Limiter:
            made = Limiter(in_force[name], monotonic, group=group, refused=told, taken=taken)
            self._by_name[name] = made
            return made

        self.posts = limiter("posts")
        self.frames = limiter("frames")
        self.requests = limiter("requests", neighbourhood)
        self.sign_ins_by_place = limiter("sign_ins_by_place", told=_unheard)
        self.sign_ins_by_account = limiter("sign_ins_by_account", told=_unheard)
        self.sign_ins_by_address = limiter("sign_ins_by_address", neighbourhood)
        self.sign_ups = limiter("sign_ups", neighbourhood)
        self.rooms = limiter("rooms")

    def charge(self, policy: str, key: str, cost: int) -> None:
        """Count what another node allowed; see Limiter.charge. A policy that is not known here is passed
        over: the node may be a newer one."""
        limiter = self._by_name.get(policy)
        if limiter is not None:
            limiter.charge(key, cost)

    @classmethod
    def off(cls) -> "Limits":
        """Nothing is refused: for load tests."""
        return cls(lambda: 0.0, dict.fromkeys(DEFAULTS))


def parse_policies(given: Mapping[str, str]) -> dict[str, Policy | None]:
    """Policies as written in a configuration: name → `QUOTA/SECONDS`, or `off`.

    Raises ValueError with every mistake, one a line.
    """
    policies: dict[str, Policy | None] = {}
    mistakes = []
    for name, text in given.items():
        quota, slash, seconds = text.strip().partition("/")
        if name not in DEFAULTS:
            mistakes.append(f"there is no limit {name!r}; there are {', '.join(DEFAULTS)}")
        elif text.strip() == "off":
            policies[name] = None
        elif slash and _positive(quota) and _positive(seconds):
            policies[name] = Policy(name=name, quota=int(quota), window_seconds=int(seconds))
        else:
            mistakes.append(f"{name}: {text!r} is neither QUOTA/SECONDS, like 100/10, nor off")
    if mistakes:
        raise ValueError("\n".join(mistakes))
    return policies


def _positive(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0
