"""A page of ours is told by its whole origin: scheme, host and port."""

import pytest

from hubbub.api.gate import check_origin
from hubbub.domain.errors import ForeignOrigin

OURS = "https://chat.example"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evilchat.example",
        "https://evil.chat.example",
        "https://evil.example/https://chat.example",
        "https://chat.example.evil.example",
        "https://chat.example:8443",
        "http://chat.example",
        "HTTPS://CHAT.EXAMPLE",
        "chat.example",
        "//chat.example",
        "https://chat.example/",
        "https://chat.example, https://evil.example",
        "null",
        "",
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_an_origin_that_resembles_ours_is_foreign(origin, required):
    with pytest.raises(ForeignOrigin):
        check_origin({"origin": origin}, OURS, required=required)


def test_only_a_plain_read_needs_none():
    check_origin({"origin": OURS}, OURS, required=True)
    check_origin({}, OURS, required=False)
    with pytest.raises(ForeignOrigin):
        check_origin({}, OURS, required=True)
