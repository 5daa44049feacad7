"""Time that passes only when a test says so."""


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def pass_(self, seconds: float) -> None:
        self.seconds += seconds

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return int(self.seconds * 1000)
