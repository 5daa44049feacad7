"""What is believed of Host and X-Forwarded-*."""

import pytest

from hubbub.api.address import client_address, networks, public_url
from hubbub.api.settings import Settings
from hubbub.domain.errors import BadInput

PROXIES = networks(("10.0.0.0/8", "2001:db8::1"))


def test_the_client_is_the_peer_when_no_proxy_is_trusted():
    assert client_address("10.0.0.1", {"x-forwarded-for": "192.0.2.7"}, ()) == "10.0.0.1"


def test_a_stranger_cannot_say_it_is_somebody_else():
    assert client_address("192.0.2.7", {"x-forwarded-for": "198.51.100.1"}, PROXIES) == "192.0.2.7"


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("198.51.100.1, 192.0.2.7", "192.0.2.7"),
        ("192.0.2.7, 10.9.9.9", "192.0.2.7"),
        ("10.1.1.1", "10.1.1.1"),
        ("nonsense", "10.0.0.1"),
        ("nonsense, 10.2.2.2", "10.2.2.2"),
        ("", "10.0.0.1"),
    ],
)
def test_behind_proxies_the_client_is_the_last_that_no_proxy_vouches_for(chain, client):
    assert client_address("10.0.0.1", {"x-forwarded-for": chain}, PROXIES) == client


def test_a_proxy_is_known_by_its_ipv4_address_in_ipv6_form():
    assert client_address("::ffff:10.0.0.1", {"x-forwarded-for": "192.0.2.7"}, PROXIES) == "192.0.2.7"


@pytest.mark.parametrize(
    ("host", "scheme", "url"),
    [
        ("chat.example", "http", "http://chat.example"),
        ("Chat.Example:8080", "http", "http://chat.example:8080"),
        ("chat.example:80", "http", "http://chat.example"),
        ("chat.example:443", "https", "https://chat.example"),
        ("chat.example:80", "https", "https://chat.example:80"),
        ("[::1]:8080", "ws", "http://[::1]:8080"),
        ("chat.example", "wss", "https://chat.example"),
    ],
)
def test_without_a_public_url_it_is_the_requests_own_host(host, scheme, url):
    assert public_url({"host": host}, scheme, Settings()) == url


def test_the_public_url_wins_over_any_host():
    settings = Settings(public_url="https://chat.example", trusted_proxies=("10.0.0.0/8",))
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example"}
    assert public_url(headers, "http", settings, peer="10.0.0.1") == "https://chat.example"


@pytest.mark.parametrize(
    "host", ["", "a b", "a/b", "a@b", "a:b", "http://a", "a:999999", '"><script>', "a\r\nb", "[::1", "-"]
)
def test_a_host_that_is_none_is_refused(host):
    with pytest.raises(BadInput) as refused:
        public_url({"host": host}, "http", Settings())
    assert refused.value.members["field"] == "Host"


def test_what_a_proxy_forwards_counts_from_trusted_ones_only():
    settings = Settings(trusted_proxies=("10.0.0.0/8",))
    headers = {"host": "inside", "x-forwarded-host": "chat.example", "x-forwarded-proto": "https"}
    assert public_url(headers, "http", settings, peer="10.0.0.1") == "https://chat.example"
    assert public_url(headers, "http", settings, peer="192.0.2.7") == "http://inside"


def test_a_forwarded_scheme_that_is_none_is_refused():
    settings = Settings(trusted_proxies=("10.0.0.0/8",))
    with pytest.raises(BadInput):
        public_url({"host": "a", "x-forwarded-proto": "gopher"}, "http", settings, peer="10.0.0.1")
