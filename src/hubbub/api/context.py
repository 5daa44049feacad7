"""What every transport is handed: the services behind it, and the bounds it keeps."""

import msgspec

from hubbub.api.connections import Connections
from hubbub.api.outbox import Outbox
from hubbub.api.settings import Settings
from hubbub.bus.base import Bus
from hubbub.hub import Hub
from hubbub.service.accounts import Accounts
from hubbub.service.history import History
from hubbub.service.limits import Limits
from hubbub.service.marks import Marks
from hubbub.service.posting import Posting
from hubbub.service.rooms import Rooms
from hubbub.service.security import SecurityLog
from hubbub.service.tickets import Tickets
from hubbub.storage.base import StoreInfo


class Context(msgspec.Struct, frozen=True, kw_only=True):
    accounts: Accounts
    rooms: Rooms
    posting: Posting
    history: History
    marks: Marks
    tickets: Tickets
    hub: Hub
    limits: Limits
    security: SecurityLog
    connections: Connections
    outbox: Outbox
    bus: Bus | None
    """None where no other server shares the store."""
    info: StoreInfo
    settings: Settings
