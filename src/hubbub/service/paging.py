"""How many at once a list may be asked for."""

from hubbub.domain.errors import BadInput
from hubbub.storage.base import MAX_PAGE

DEFAULT_LIMIT = 50


def check_limit(limit: int) -> None:
    """Raises BadInput unless a list may have `limit` entries."""
    if not 1 <= limit <= MAX_PAGE:
        raise BadInput(f"`limit` is between 1 and {MAX_PAGE}.", field="limit")
