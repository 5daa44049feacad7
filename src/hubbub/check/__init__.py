"""Whether a server kept its promises: ledgers that clients keep, and what they are held against.

Pure, and on the clients' side of the wire: it knows frames and names of logs, and nothing of the server.
"""

from hubbub.check.ledger import Ledger, Reading
from hubbub.check.promises import Fault, Resources, Stored, broken

__all__ = ["Fault", "Ledger", "Reading", "Resources", "Stored", "broken"]
