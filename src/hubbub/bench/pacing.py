"""When each post is due. Open loop: the plan does not wait for the server.

A generator that sends the next post when the last was answered slows down together with the server, and
its figures leave out everything the server made wait (Gil Tene calls it coordinated omission). Here post
number n is due at a moment fixed before the load began, and every latency is counted from that moment, also
when the post left late.
"""

NANOSECONDS = 1_000_000_000


class Pace:
    """The posts one process sends of a load that `of` processes share: every `of`-th, evenly in time.

    Always true: every number below `taken` was handed out once and in order, and none at or above it.
    """

    __slots__ = ("_index", "_of", "count", "per_second", "start_ns", "taken")

    def __init__(
        self, *, start_ns: int, per_second: float, seconds: float, index: int = 0, of: int = 1
    ) -> None:
        """`per_second` and `seconds` are of the whole load; `index` says which of the processes this is."""
        self.start_ns = start_ns
        self.per_second = per_second
        self._index = index
        self._of = of
        whole = round(per_second * seconds)
        self.count = max(0, -(-(whole - index) // of))
        """How many there are."""
        self.taken = 0

    def due_ns(self, number: int) -> int:
        return self.start_ns + int((number * self._of + self._index) * NANOSECONDS / self.per_second)

    def take(self, now_ns: int) -> range:
        """The numbers that have come due since the last time."""
        first = self.taken
        elapsed = (now_ns - self.start_ns) * self.per_second / NANOSECONDS
        due = int((elapsed - self._index) // self._of) + 1
        self.taken = max(first, min(self.count, due))
        return range(first, self.taken)

    @property
    def is_over(self) -> bool:
        return self.taken >= self.count
