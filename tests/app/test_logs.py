"""The log: for people or for programs, and never with a secret in it."""

import io
import json
import logging

import pytest
import structlog

from hubbub import logs

TOKEN = "hb_Yj8-kL7OpLhPBT_Uooh2Ka6XlMG61iczMeIRGiEx8qc"


@pytest.fixture
def log():
    """What `configure` writes to; everything is put back afterwards."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("form", ["console", "json"])
def test_what_was_logged_by_us_and_by_libraries_is_there_once_each(log, form):
    logs.configure(form, stream=log)
    logs.configure(form, stream=log)

    structlog.get_logger("hubbub.security").info("signed in", user="ada")
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/1.1" %d', "::1", "GET", "/rooms", 200)

    first, second = log.getvalue().splitlines()
    assert "signed in" in first
    assert "ada" in first
    assert '"GET /rooms HTTP/1.1" 200'.replace('"', "") in second.replace('\\"', "").replace('"', "")


def test_for_programs_each_line_is_one_object(log):
    logs.configure("json", stream=log)

    structlog.get_logger("hubbub.security").warning("sign-in failed", user="ada", tries=3)

    line = json.loads(log.getvalue())
    assert (line["event"], line["user"], line["tries"]) == ("sign-in failed", "ada", 3)
    assert (line["level"], line["logger"]) == ("warning", "hubbub.security")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize(
    "say",
    [
        lambda log: log.info(f"hello {TOKEN}"),
        lambda log: log.info("hello", where=f"/ws?ticket={TOKEN[3:]}&after=1"),
        lambda log: log.info("hello", token=TOKEN[3:]),
        lambda log: log.info("hello", headers={"authorization": f"Basic {TOKEN[3:]}"}),
        lambda log: log.info("hello", headers=[("authorization", f"Bearer {TOKEN[3:]}")]),
        lambda log: log.info("hello", raw=f"Authorization: Bearer {TOKEN[3:]}".encode()),
        lambda log: log.error("hello", exc_info=ValueError(f"password={TOKEN[3:]} is wrong")),
    ],
)
def test_no_secret_leaves_however_it_got_in(log, form, say):
    logs.configure(form, stream=log)

    say(structlog.get_logger("hubbub"))

    assert "hello" in log.getvalue()
    assert TOKEN[3:] not in log.getvalue()
    assert "[secret]" in log.getvalue()


def test_an_address_keeps_what_is_no_secret():
    assert logs.redacted("GET /room/r/subscribe?ticket=abc.def&after=e:1 200") == (
        "GET /room/r/subscribe?ticket=[secret]&after=e:1 200"
    )


def test_a_level_hides_what_is_below_it(log):
    logs.configure("json", "warning", stream=log)

    structlog.get_logger("hubbub").info("not this")
    structlog.get_logger("hubbub").warning("but this")

    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()] == ["but this"]
