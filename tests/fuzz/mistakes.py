"""What has to hold of everything that is refused."""

from hubbub.domain.errors import HubbubError
from hubbub.protocol.frames import encode


def check_mistake(error: HubbubError) -> None:
    """What is said of a mistake fits any log and any answer."""
    assert error.detail.isprintable(), "what was given is repeated as it came"
    assert len(error.detail) < 300
    encode(error.detail)
