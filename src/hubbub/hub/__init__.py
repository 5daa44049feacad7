"""Live delivery: logs with listeners, who is at the head and who is behind. No HTTP, no SQL."""

from hubbub.hub.hub import Hub
from hubbub.hub.log import Reader, Subscription

__all__ = ["Hub", "Reader", "Subscription"]
