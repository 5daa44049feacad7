"""Seeds that found something once, each with what it found. They are run first, for ever."""

KEPT: dict[int, str] = {
    515: "on a slow disk a log whose beginning was just being removed was read with a hole in it",
    1113: "a start after a failed sync moved a log with a hole in it, and a power cut tore the database",
}

KEPT_OF_CLUSTERS: dict[int, str] = {
    320: "a read that was on its way while something was removed was taken for a fault of the server",
}
