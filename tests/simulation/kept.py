"""Seeds that found something once, each with what it found. They are run first, for ever."""

KEPT: dict[int, str] = {}
