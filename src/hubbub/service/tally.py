"""Counting what happens, in plain numbers: the hot paths add, whoever shows metrics reads."""

from bisect import bisect_left


class Histogram:
    """How often a value fell at or below each bound, and above the last."""

    __slots__ = ("bounds", "count", "counts", "total")

    def __init__(self, *bounds: float) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.count = 0
        self.total = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.count += 1
        self.total += value
