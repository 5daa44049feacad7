"""What `storage.names` says of the rooms of an older store, done in SQLite."""

import apsw

from hubbub.storage.names import BEYOND_ASCII, Named, settled

NAMED = 4
"""The form of the database from which on what is not seen makes no other name."""

_FIND = "SELECT id, name, folded, created_at_ms FROM rooms WHERE folded = ?"
_CALL = "UPDATE rooms SET name = ?, folded = ? WHERE id = ?"


def refold(connection: apsw.Connection) -> None:
    """In the transaction of the step."""
    rooms = (Named(*row) for row in connection.execute(BEYOND_ASCII))
    settling = settled([room for room in rooms if room.outdated])
    found = None
    try:
        while True:
            row = connection.execute(_FIND, (settling.send(found),)).fetchone()
            found = None if row is None else Named(*row)
    except StopIteration as end:
        connection.executemany(_CALL, end.value)
