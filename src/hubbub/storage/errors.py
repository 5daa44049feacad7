"""Why a store could not be opened. Told to the person who starts the server, never to a client."""


class StoreInUse(Exception):
    """Another server has the directory. The text names it, and the other's process when that is known."""


class StoreUnusable(Exception):
    """The directory or what lies in it cannot be served from; the text says what to do."""
