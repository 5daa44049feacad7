"""The store in one SQLite file: nothing to install, nothing to run beside it."""

from hubbub.storage.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
