"""`hubbub login` and `logout`: sessions begin, are kept for one person alone, and end at the server, too."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest

from hubbub.client import Client, SignedOut
from hubbub.terminal import Session, Sessions
from support.deadline import deadline
from support.seeded import PASSWORD, token_of

from .home import Terminal


def kept_token(home):
    (session,) = json.loads((home.config / "sessions.json").read_text())["sessions"]
    return session["token"]


async def test_a_password_on_standard_input_signs_in_and_says_who(empty_home):
    told = await empty_home.run("login", empty_home.url, "ADA", said=f"{PASSWORD}\n")

    assert told.code == 0
    assert told.out.startswith(f"signed in at {empty_home.url} as ada, until ")
    assert told.err == ""
    async with Client(empty_home.url, token=kept_token(empty_home)) as ada:
        assert {each.user for each in await ada.sessions()} == {"ada"}


async def test_signing_up_makes_the_account_first(empty_home):
    told = await empty_home.run("login", "--sign-up", empty_home.url, "zoe", said="a good password\n")

    assert told.code == 0
    assert "as zoe" in told.out


async def test_secrets_are_neither_printed_nor_readable_by_others(empty_home):
    told = await empty_home.run("login", empty_home.url, "ada", said=f"{PASSWORD}\n")
    more = [await empty_home.run("rooms"), await empty_home.run("rooms", "--server", "http://127.0.0.1:9")]

    printed = "".join(each.out + each.err for each in (told, *more))
    assert kept_token(empty_home) not in printed
    assert PASSWORD not in printed
    assert PASSWORD not in empty_home.texts()
    for path in empty_home.config.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    assert empty_home.config.stat().st_mode & 0o777 == 0o700


async def test_a_wrong_password_is_told_and_nothing_is_kept(empty_home):
    told = await empty_home.run("login", empty_home.url, "ada", said="wrong password\n")

    assert told.code == 1
    assert told.out == ""
    assert len(told.err.splitlines()) == 1
    assert not (empty_home.config / "sessions.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [(["http://127.0.0.1:1?x", "ada"], "x\n"), (["ftp://127.0.0.1", "ada"], "x\n")],
)
async def test_what_is_no_address_is_misuse(words, said, empty_home):
    assert (await empty_home.run("login", *words, said=said)).code == 2


async def test_without_a_name_or_a_password_it_is_misuse(empty_home):
    assert (await empty_home.run("login", empty_home.url, said=f"{PASSWORD}\n")).code == 2
    assert (await empty_home.run("login", empty_home.url, "ada", said="")).code == 2


async def test_where_nobody_listens_it_is_told(empty_home):
    told = await empty_home.run("login", "http://127.0.0.1:9", "ada", said="x\n")

    assert told.code == 1
    assert "no connection to http://127.0.0.1:9" in told.err


@asynccontextmanager
async def another_server(answer):
    """Something that answers HTTP and is not hubbub; the bytes it was sent."""
    heard = bytearray()

    async def talk(reader, writer):
        while chunk := await reader.read(65536):
            heard.extend(chunk)
            writer.write(answer)
        writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}", heard
    finally:
        listening.close()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nno!",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 6\r\n\r\n<html>",
        b"HTTP/1.1 302 Found\r\nLocation: /login\r\nContent-Length: 0\r\n\r\n",
    ],
)
async def test_a_server_that_is_not_hubbub_gets_no_password(answer, empty_home):
    async with another_server(answer) as (url, heard):
        told = await empty_home.run("login", url, "ada", said=f"{PASSWORD}\n")

    assert told.code == 1
    assert "not hubbub" in told.err
    assert PASSWORD.encode() not in heard


async def test_a_server_that_answers_nonsense_is_told_in_one_line(home):
    async with another_server(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>") as (url, _):
        Sessions(home.config).keep(Session(server=url, user="ada", token="hb_x"))
        for words in (("rooms",), ("post", "Lounge", "hello"), ("tail", "Lounge"), ("dm", "bob")):
            told = await home.run(*words)

            assert (told.code, told.out) == (1, "")
            assert len(told.err.splitlines()) == 1


async def test_a_way_on_which_others_can_read_along_is_warned_of(empty_home):
    port = empty_home.url.rpartition(":")[2]

    told = await empty_home.run("login", f"http://0.0.0.0:{port}", "ada", said=f"{PASSWORD}\n")

    assert "can read along" in told.err


async def test_at_a_terminal_the_password_is_asked_for_and_not_shown(empty_home):
    terminal = await Terminal.start(empty_home, "login", empty_home.url)
    await terminal.shows("Name: ")
    terminal.type("ada\n")
    await terminal.shows("Password: ")
    terminal.type(f"{PASSWORD}\n")

    assert await terminal.ends() == 0
    assert b"as ada" in terminal.shown
    assert PASSWORD.encode() not in terminal.shown


async def test_at_a_terminal_no_password_is_none(empty_home):
    terminal = await Terminal.start(empty_home, "login", empty_home.url, "ada")
    await terminal.shows("Password: ")
    terminal.type("\x04")

    assert await terminal.ends() == 2
    assert b"Traceback" not in terminal.shown


async def test_signing_in_again_ends_the_session_before(home):
    assert (await home.run("login", home.url, "ada", said=f"{PASSWORD}\n")).code == 0

    async with Client(home.url, token=token_of("ada")) as before:
        with pytest.raises(SignedOut):
            await before.sessions()


async def test_signing_out_ends_the_session_at_the_server_and_here(home):
    told = await home.run("logout")

    assert (told.code, told.out) == (0, f"signed out at {home.url}\n")
    assert token_of("ada") not in home.texts()
    async with Client(home.url, token=token_of("ada")) as before:
        with pytest.raises(SignedOut):
            await before.sessions()


async def test_signing_out_everywhere_forgets_every_server(home):
    Sessions(home.config).keep(Session(server="http://127.0.0.1:9", user="ada", token="hb_gone"))

    told = await home.run("logout", "--all")

    assert told.code == 1
    assert f"signed out at {home.url}" in told.out
    assert "http://127.0.0.1:9" in told.err
    assert Sessions(home.config).all() == ()


async def test_who_is_signed_out_is_told_what_to_do(empty_home):
    for words in (["rooms"], ["post", "Lounge", "hello"], ["tail", "Lounge"], ["inbox"], ["dm", "bob"]):
        told = await empty_home.run(*words)

        assert (told.code, told.out) == (1, "")
        assert told.err == "hubbub: you are not signed in: hubbub login http://… first\n"


async def test_a_session_that_was_ended_elsewhere_is_told(home):
    async with Client(home.url, token=token_of("ada")) as elsewhere:
        await elsewhere.sign_out()

    told = await home.run("rooms")

    assert told.code == 1
    assert f"hubbub login {home.url} again" in told.err


async def test_a_script_needs_no_file(empty_home, lounge):
    told = await empty_home.run(
        "tail", "Lounge", "--no-follow", "--resume",
        HUBBUB_SERVER=empty_home.url, HUBBUB_TOKEN=token_of("ada"),
    )  # fmt: skip

    assert told.code == 0
    assert not empty_home.config.exists()
    assert token_of("ada") not in empty_home.texts()


async def test_a_server_starts_where_the_variables_of_clients_are_set(home):
    told = await home.run("serve", "--help", HUBBUB_SERVER=home.url, HUBBUB_TOKEN="hb_x")
    assert told.code == 0

    process = await home.start(
        "serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data", str(home.directory / "data"),
        HUBBUB_SERVER=home.url, HUBBUB_TOKEN="hb_x",
    )  # fmt: skip
    async with deadline():
        assert (await process.stdout.readline()).startswith(b"hubbub listens on ")
        process.terminate()
        await process.communicate()


async def test_the_token_is_in_no_argument_and_no_environment_of_a_running_command(home, lounge):
    process = await home.start("tail", "Lounge", "--json")
    bob, room = lounge
    await bob.post("hello", room=room)
    async with deadline():
        await process.stdout.readline()

    for name in ("cmdline", "environ"):
        with open(f"/proc/{process.pid}/{name}", "rb") as file:
            assert token_of("ada").encode() not in file.read()
    process.terminate()
    await process.communicate()


@pytest.mark.parametrize("words", ["login {url} ada", "user add ada --data data"])
async def test_a_password_that_is_no_utf_8_is_refused_and_not_shown(words, empty_home):
    told = await empty_home.shell(rf"printf 'secret\351\n' | hubbub {words.format(url=empty_home.url)}")

    assert (told.code, told.out) == (2, "")
    assert told.err == "hubbub: the password is not UTF-8; nothing was done\n"
