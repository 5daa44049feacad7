"""Seeds that found something once, each with what it found. They are run first, for ever."""

KEPT: dict[int, str] = {
    515: "on a slow disk a log whose beginning was just being removed was read with a hole in it",
}
