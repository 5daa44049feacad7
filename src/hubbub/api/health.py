"""For whoever runs the server: is it alive, and may it be sent requests."""

from typing import Literal

import msgspec

import hubbub
from hubbub.api.answer import NOT_KEPT, Answer
from hubbub.api.call import Call
from hubbub.api.context import Context
from hubbub.protocol.frames import encode


class Live(msgspec.Struct, frozen=True, kw_only=True):
    status: str = "live"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    status: str = "ready"
    version: str
    """Of hubbub."""
    store: str
    """Which database holds the messages."""
    store_version: str
    durability: str
    """What stands between an acknowledgement and a power cut, read back from the database."""
    epoch: str
    """Changes when the store is restored from a backup; cursors of another epoch are refused."""
    bus: Literal["none", "up", "away"]
    """How other servers of the same store are heard of; while it is away they are, by asking the database."""


def _bus(context: Context) -> Literal["none", "up", "away"]:
    if context.bus is None:
        return "none"
    return "up" if context.bus.up else "away"


async def live(call: Call) -> Answer:
    return Answer(encode(Live()), headers=[NOT_KEPT])


async def ready(call: Call) -> Answer:
    trouble = call.site.trouble()
    if trouble is not None:
        raise trouble
    info = call.context.info
    body = Ready(
        version=hubbub.__version__,
        store=info.backend,
        store_version=info.version,
        durability=info.durability,
        epoch=info.epoch,
        bus=_bus(call.context),
    )
    return Answer(encode(body), headers=[NOT_KEPT])
