"""How a command fails, apart from what is wrong below it."""


class Misused(Exception):
    """The command was not asked for in a way it understands."""


class Failed(Exception):
    """The command could not be done."""
