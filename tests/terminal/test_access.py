"""Which server is meant and with which token; a token goes where it belongs."""

import pytest

from hubbub.terminal import (
    BadAddress,
    NoSession,
    Session,
    Sessions,
    UnusableToken,
    choose,
    is_private,
    server_address,
)

ONE = Session(server="http://one.test", user="ada", token="hb_one")
TWO = Session(server="http://two.test", user="ada", token="hb_two")


@pytest.fixture
def sessions(tmp_path):
    kept = Sessions(tmp_path)
    kept.keep(ONE)
    kept.keep(TWO)
    return kept


@pytest.mark.parametrize(
    ("flag", "environment", "used"),
    [
        (None, {}, TWO),
        ("http://one.test/", {}, ONE),
        (None, {"HUBBUB_SERVER": "http://one.test"}, ONE),
        ("http://two.test", {"HUBBUB_SERVER": "http://one.test"}, TWO),
        (None, {"HUBBUB_SERVER": "", "HUBBUB_TOKEN": ""}, TWO),
    ],
)
def test_a_flag_is_over_the_environment_and_that_over_what_was_saved(flag, environment, used, sessions):
    assert choose(flag, environment, sessions) == used


@pytest.mark.parametrize(
    ("flag", "environment"),
    [
        (None, {"HUBBUB_SERVER": "http://one.test"}),
        ("http://one.test", {}),
        ("http://one.test", {"HUBBUB_SERVER": "http://one.test"}),
    ],
)
def test_a_token_from_the_environment_is_used_at_its_server(flag, environment, sessions):
    chosen = choose(flag, {**environment, "HUBBUB_TOKEN": "hb_script\n"}, sessions)

    assert (chosen.server, chosen.user, chosen.token) == ("http://one.test", "", "hb_script")


def test_a_token_from_the_environment_goes_to_no_other_server(sessions):
    environment = {"HUBBUB_SERVER": "http://one.test", "HUBBUB_TOKEN": "hb_script"}

    assert choose("http://two.test", environment, sessions) == TWO
    with pytest.raises(NoSession):
        choose("http://three.test", environment, sessions)


def test_a_token_without_a_server_goes_nowhere(sessions):
    with pytest.raises(UnusableToken, match="HUBBUB_SERVER"):
        choose(None, {"HUBBUB_TOKEN": "hb_script"}, sessions)


def test_what_is_no_token_is_refused_without_showing_it(sessions):
    with pytest.raises(UnusableToken) as told:
        choose("http://one.test", {"HUBBUB_TOKEN": "hb_one\r\nX-Evil: 1"}, sessions)

    assert "hb_one" not in str(told.value)


def test_who_is_signed_out_is_told_what_to_do(tmp_path):
    with pytest.raises(NoSession, match=r"hubbub login http://…"):
        choose(None, {}, Sessions(tmp_path))
    with pytest.raises(NoSession, match=r"hubbub login http://one\.test"):
        choose("http://one.test", {}, Sessions(tmp_path))


@pytest.mark.parametrize(
    ("given", "address", "private"),
    [
        ("localhost:8080", "http://localhost:8080", True),
        ("127.0.0.1:8080/", "http://127.0.0.1:8080", True),
        ("[::1]:8080", "http://[::1]:8080", True),
        ("chat.example.org", "https://chat.example.org", True),
        ("chat.example.org:8443", "https://chat.example.org:8443", True),
        ("HTTP://Chat.Example.org:80/Team/", "http://chat.example.org/Team", False),
        ("https://chat.example.org:443", "https://chat.example.org", True),
        ("http://10.0.0.1:8080", "http://10.0.0.1:8080", False),
        ("http://localhost.evil.test", "http://localhost.evil.test", False),
        ("http://127.0.0.1.evil.test", "http://127.0.0.1.evil.test", False),
    ],
)
def test_a_server_has_one_spelling_and_a_way_to_it_that_is_private_or_not(given, address, private):
    assert server_address(given) == address
    assert server_address(address) == address
    assert is_private(address) is private


@pytest.mark.parametrize(
    "given",
    ["", "ftp://x", "http://", "http://a b", "http://x:99999", "http://x:y", "http://x?a=1", "http://x#f",
     "http://[::1", "http://x\x1b[31m", "http://-x"],
)  # fmt: skip
def test_what_is_no_address_is_refused(given):
    with pytest.raises(BadAddress) as told:
        server_address(given)
    assert "\x1b" not in str(told.value)


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(BadAddress) as told:
        server_address("https://ada:secret@chat.example.org")
    assert "secret" not in str(told.value)
