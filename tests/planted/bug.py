"""What a planted bug is."""

from typing import NamedTuple


class Bug(NamedTuple):
    name: str
    breaks: str
    """The promise that does not hold with it: of docs/protocol.md, or of the fault list (I1 to I9)."""
    file: str
    """In src/hubbub."""
    old: str
    """What stands there, exactly once."""
    new: str
    caught_by: tuple[str, ...]
    """Tests, the quickest there are; one of them at least fails with the bug."""
    seldom: bool = False
    """Whether it is planted in `make soak` only."""
