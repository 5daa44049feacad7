"""What the generator's posts say: whose they are and when they were due, so that a reader can check both.

A text is `RUN.PROCESS.NUMBER DUE xxx…`: the post's idempotency key, the nanoseconds of the machine's
monotonic clock at which it was due, and filler up to the size that was asked for.
"""

SHORTEST_BYTES = 48
"""A text that holds a key and a time, with room to grow."""


def key(run: str, process: int, number: int) -> str:
    return f"{run}.{process}.{number}"


def author(run: str, key: str) -> tuple[int, int] | None:
    """The process and the number that a key of this run names; None for a key of anybody else."""
    parts = key.split(".")
    if len(parts) != 3 or parts[0] != run or not (parts[1].isdecimal() and parts[2].isdecimal()):
        return None
    return int(parts[1]), int(parts[2])


def text(key: str, due_ns: int, size_bytes: int) -> str:
    return f"{key} {due_ns} ".ljust(size_bytes, "x")


def due_ns(key: str | None, text: str) -> int:
    """When the post was due, or 0 when the text is not one that belongs to the key."""
    parts = text.split(" ", 2)
    if len(parts) != 3 or parts[0] != key or not parts[1].isdecimal() or parts[2].strip("x"):
        return 0
    return int(parts[1])
