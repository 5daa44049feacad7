"""A page of ours is told by its whole origin: scheme, host and port."""

from types import SimpleNamespace

import pytest

from hubbub.api.gate import check_origin
from hubbub.domain.errors import ForeignOrigin

OURS = "https://chat.example"


def check(headers, *, required):
    unheard = SimpleNamespace(security=SimpleNamespace(warn_seldom=lambda *_, **__: None))
    check_origin(unheard, headers, OURS, address="192.0.2.1", required=required)


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
        check({"origin": origin}, required=required)


def test_only_a_plain_read_needs_none():
    check({"origin": OURS}, required=True)
    check({}, required=False)
    with pytest.raises(ForeignOrigin):
        check({}, required=True)
