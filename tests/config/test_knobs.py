"""Reading one setting from text."""

import hashlib

import pytest

from hubbub import knobs


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("127.0.0.1:80", ("127.0.0.1", 80)),
        ("[::1]:80", ("::1", 80)),
        ("[::]:0", ("::", 0)),
        ("chat.example.org:65535", ("chat.example.org", 65535)),
    ],
)
def test_an_address_is_host_and_port(text, meant):
    assert knobs.address(text) == meant


@pytest.mark.parametrize(
    "text", ["", "80", ":80", "host", "host:", "host:x", "host:65536", "host:-1", "host:٣"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="HOST:PORT"):
        knobs.address(text)


def test_an_address_reads_back_as_it_was_written():
    for text in ("127.0.0.1:80", "[::1]:80"):
        assert str(knobs.address(text)) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https://Chat.Example.org/", "https://chat.example.org"),
        ("https://chat.example.org:443", "https://chat.example.org"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_scheme_and_host_as_a_browser_would_say_it(text, meant):
    assert knobs.origin(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "chat.example.org",
        "ftp://a",
        "https://",
        "https://a/b",
        "https://a?b",
        "https://u:p@a",
        "https://a:x",
        "http://[:",
    ],
)
def test_what_is_no_origin_is_refused(text):
    with pytest.raises(ValueError, match="scheme and host"):
        knobs.origin(text)


@pytest.mark.parametrize("text", ["0", "11", "-1", "1.5", "", "x", "²"])
def test_a_number_out_of_bounds_is_refused_with_the_bounds(text):
    with pytest.raises(ValueError, match="from 1 to 10"):
        knobs.whole(1, 10)(text)


@pytest.mark.parametrize("text", ["0", "nan", "inf", "x", ""])
def test_a_duration_out_of_bounds_is_refused_with_the_bounds(text):
    with pytest.raises(ValueError, match=r"from 0\.1 to 10"):
        knobs.seconds(0.1, 10)(text)


def test_off_is_a_word_where_it_is_allowed():
    assert knobs.address_or_off("off") is None
    assert knobs.whole_or_off(1, 2)("off") is None
    with pytest.raises(ValueError, match="or off"):
        knobs.whole_or_off(1, 2)("3")


def test_a_network_is_an_address_or_a_range():
    assert knobs.network("10.1.2.3/8") == "10.0.0.0/8"
    with pytest.raises(ValueError, match="such as"):
        knobs.network("10.1.2.3/99")


def test_a_token_is_known_by_its_hash_and_may_end_with_a_line(tmp_path):
    file = tmp_path / "token"
    file.write_text("t" * 43 + "\n")
    assert knobs.token_file(str(file)) == hashlib.sha256(b"t" * 43).digest()


@pytest.mark.parametrize("text", [b"", b"t" * 31, b"t" * 20 + b" " + b"t" * 20, b"t" * 1025, b"\xff" * 40])
def test_what_is_no_token_is_refused(tmp_path, text):
    file = tmp_path / "token"
    file.write_bytes(text)
    with pytest.raises(ValueError, match="32 visible ASCII"):
        knobs.token_file(str(file))


def test_a_directory_may_be_missing_but_not_be_a_file(tmp_path):
    assert knobs.directory(str(tmp_path / "new")) == tmp_path / "new"
    with pytest.raises(ValueError, match="a file of that name"):
        knobs.directory(__file__)
    with pytest.raises(ValueError, match="no such file"):
        knobs.file(str(tmp_path))


def test_where_another_server_is_can_be_shown_and_its_password_cannot():
    url = knobs.server_url("postgresql", example="x")(
        "postgresql://ada:se%40cret@db.internal:5433/chat?sslmode=require"
    )
    assert str(url) == repr(url) == "postgresql://db.internal:5433/chat"
    assert "se%40cret" in url.secret


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://hubbub:geh/eim@db/hubbub",
        "postgresql://hubbub:geh?eim@db/hubbub",
        "postgresql://hubbub:1#geheim@db/hubbub",
        "postgresql://hubbub:1?geheim@db/hubbub",
        "postgresql://hubbub:geh[eim@db/hubbub",
        "postgresql://hubbub:pass@db:geheim/hubbub",
        "postgresql://hubbub:pass@db:99999/hubbub",
        "postgresql://hubbub:pass@one:1,two:0/hubbub",
    ],
)
def test_an_address_of_which_a_part_of_the_password_could_be_taken_for_the_host_is_refused(written):
    """Passwords that programs make up have slashes in them, and what an address says behind one is shown."""
    with pytest.raises(ValueError, match="%2F") as refused:
        knobs.database_url(written)
    assert "geheim" not in str(refused.value)
    assert "eim" not in str(refused.value)


@pytest.mark.parametrize(
    "written",
    [
        "postgresql://hubbub:ge%2Fheim@one:5432,two/hubbub",
        "postgresql://[::1]:5432/hubbub",
        "postgres:///hubbub?host=/run/postgresql",
        "postgresql://h/d?user=u&password=p%40",
    ],
)
def test_every_address_a_database_can_have_is_taken(written):
    assert knobs.database_url(written).secret == written
