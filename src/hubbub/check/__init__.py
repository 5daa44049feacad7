"""Whether a server kept its promises: ledgers that clients keep, and what they are held against.

On the clients' side of the wire: it knows frames, the names of logs and the Python client, and nothing of the
server.
"""

from hubbub.check.ledger import Ledger, Reading, Receipt, deliveries
from hubbub.check.promises import INVARIANTS, Fault, Resources, Stored, broken, left_over
from hubbub.check.stored import at_rest, counted, resources, stored, together
from hubbub.check.witness import Progress, Wish, Witness

__all__ = [
    "INVARIANTS",
    "Fault",
    "Ledger",
    "Progress",
    "Reading",
    "Receipt",
    "Resources",
    "Stored",
    "Wish",
    "Witness",
    "at_rest",
    "broken",
    "counted",
    "deliveries",
    "left_over",
    "resources",
    "stored",
    "together",
]
