"""How long things took, counted in buckets whose width grows with the value.

The scheme is that of HdrHistogram: linear up to 256 µs, and from there on 128 buckets for each doubling, so
every figure read back is at most 0.8 % too high and never too low. Adding is one list index, and merging
the histograms of several processes is adding up their counts.
"""

from collections.abc import Iterator, Sequence

_LINEAR = 256
_PER_DOUBLING = 128
_DOUBLINGS = 24
SIZE = _LINEAR + _DOUBLINGS * _PER_DOUBLING
"""The last bucket ends above an hour; what took longer is counted there."""


def bucket(microseconds: int) -> int:
    """Which bucket counts a duration. Below zero there is none: clocks that disagree count as no time."""
    if microseconds < _LINEAR:
        return max(0, microseconds)
    shift = microseconds.bit_length() - 8
    return min(shift * _PER_DOUBLING + (microseconds >> shift), SIZE - 1)


def highest(index: int) -> int:
    """The longest duration a bucket counts, in microseconds."""
    if index < _LINEAR:
        return index
    shift = index // _PER_DOUBLING - 1
    return ((index - shift * _PER_DOUBLING + 1) << shift) - 1


class Histogram:
    """Always true: `total` is the sum of `counts`."""

    __slots__ = ("counts", "total")

    def __init__(self) -> None:
        self.counts = [0] * SIZE
        self.total = 0

    def add(self, microseconds: int, times: int = 1) -> None:
        self.counts[bucket(microseconds)] += times
        self.total += times

    def merge(self, other: "Histogram") -> None:
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.total += other.total

    def at(self, percent: float) -> int | None:
        """The duration in microseconds that so many percent stayed within; None when nothing was added."""
        if not self.total:
            return None
        wanted = max(1, -(-self.total * percent // 100))
        seen = 0
        for index, count in enumerate(self.counts):
            seen += count
            if seen >= wanted:
                return highest(index)
        raise AssertionError("the counts add up to the total")

    def rows(self) -> Iterator[tuple[int, int]]:
        """The buckets that counted something: up to how many microseconds, how often."""
        return ((highest(index), count) for index, count in enumerate(self.counts) if count)


def merged(histograms: Sequence[Histogram]) -> Histogram:
    whole = Histogram()
    for each in histograms:
        whole.merge(each)
    return whole
