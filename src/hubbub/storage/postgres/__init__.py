"""The store in PostgreSQL, which any number of servers share."""

from hubbub.storage.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
