"""What the errors of PostgreSQL and of its driver mean."""

import asyncpg

from hubbub.domain.errors import BadInput, Damaged, Overloaded, StorageAway, StorageFull

DRIVER = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
"""All that the driver raises."""

_LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.DatabaseDroppedError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby: the one to write to is elsewhere
    asyncpg.TooManyConnectionsError,
)
_CONFLICTS = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.OutOfMemoryError,
)
_DAMAGES = (
    asyncpg.DataCorruptedError,
    asyncpg.IndexCorruptedError,
    asyncpg.PostgresIOError,
    asyncpg.UndefinedFileError,
    asyncpg.InternalServerError,
)


def is_loss(error: BaseException) -> bool:
    """Whether the connection is gone, or of no more use. What was under way is done, or not."""
    return isinstance(error, _LOST) or (
        # The driver's own word for one that was closed meanwhile; its others are for a caller's mistakes.
        isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)
    )


def is_conflict(error: BaseException) -> bool:
    """Whether the transaction ran into another one, and was undone."""
    return isinstance(error, _CONFLICTS)


def meaning(error: BaseException) -> BaseException:
    """What the error is to the caller; itself when it is a bug."""
    if is_loss(error):
        return StorageAway()
    if is_conflict(error):
        return Overloaded("The database was held by others for too long.")
    match error:
        case asyncpg.DiskFullError():
            return StorageFull()
        case asyncpg.CharacterNotInRepertoireError():
            return BadInput("A text has a character that no text can have.")
        case _ if isinstance(error, _DAMAGES):
            return Damaged()
    return error
