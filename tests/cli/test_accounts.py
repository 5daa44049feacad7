"""`hubbub seed` and `hubbub user`: people made and looked after from the command line."""

import json

import httpx2
import pytest

from hubbub.client import Client, Problem, SignedOut
from support.deadline import deadline
from support.seeded import PASSWORD, token_of

from .commands import hubbub, serving


async def test_seeded_people_post_with_the_tokens_that_were_written(tmp_path):
    out, data = tmp_path / "people.json", tmp_path / "data"

    told = await hubbub("seed", "--data", data, "--users", "3", "--rooms", "2", "--out", out, cwd=tmp_path)

    assert told.code == 0
    assert out.stat().st_mode & 0o077 == 0
    seeded = json.loads(out.read_text())
    assert [user["name"] for user in seeded["users"]] == ["user-00001", "user-00002", "user-00003"]
    assert [room["name"] for room in seeded["rooms"]] == ["Room 1", "Room 2"]
    async with serving(data) as server, deadline():
        for user in seeded["users"]:
            async with Client(server.url, token=user["token"]) as person:
                await person.post("hello", room=seeded["rooms"][1]["id"])
        async with Client(server.url, token=seeded["users"][0]["token"]) as person:
            heard = [event.sender async for event in person.history(seeded["rooms"][1]["id"], after=0)]
    assert heard == ["user-00001", "user-00002", "user-00003"]


async def test_seeding_needs_a_store_that_no_server_has_and_nobody_was_seeded_in(tmp_path, data):
    words = ("seed", "--users", "1", "--rooms", "0", "--out", "-", "--data")
    async with serving(data):
        beside = await hubbub(*words, data, cwd=tmp_path)
    first = await hubbub(*words, data, cwd=tmp_path)
    again = await hubbub(*words, data, cwd=tmp_path)

    assert (beside.code, first.code, again.code) == (1, 0, 1)
    assert "is using" in beside.err
    assert json.loads(first.out)["users"][0]["token"].startswith("hb_")
    assert "user-00001" in again.err


async def test_an_account_is_made_while_the_server_runs_with_sign_up_closed(data):
    async with serving(data, "--sign-up", "closed") as server, Client(server.url) as person, deadline():
        added = await hubbub("user", "add", "Newcomer", "--data", data, said=PASSWORD + "\n", cwd=data.parent)
        signed_in = await person.sign_in("newcomer", PASSWORD)

    assert (added.code, added.out) == (0, "added newcomer\n")
    assert signed_in.user == "newcomer"


async def test_an_account_in_a_directory_without_a_store_says_where_it_was_made(tmp_path):
    told = await hubbub("user", "add", "ada", "--data", tmp_path / "new", said=PASSWORD, cwd=tmp_path)

    assert told.out == f"added ada to a new store in {tmp_path / 'new'}\n"


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("ada", PASSWORD, "There is a user named ada."),
        ("new comer", PASSWORD, "A name is"),
        ("newcomer", "short", "A password has"),
    ],
)
async def test_an_account_that_cannot_be_is_refused(data, name, password, why):
    told = await hubbub("user", "add", name, "--data", data, said=password, cwd=data.parent)

    assert told.code == 1
    assert why in told.err
    assert password not in told.err + told.out


async def test_whoever_is_disabled_hears_of_it_and_cannot_come_back_until_enabled(data):
    async def user(*words: str) -> None:
        assert (await hubbub("user", *words, "--data", data, cwd=data.parent)).code == 0

    async with serving(data) as server, Client(server.url, token=token_of("ada")) as ada, deadline():
        stream = ada.subscribe(inbox=True)
        await stream.open()
        await user("disable", "ada")
        with pytest.raises(SignedOut) as told:
            await anext(stream)
        with pytest.raises(Problem) as refused:
            await ada.sign_in("ada", PASSWORD)
        await user("enable", "ada")
        await ada.sign_in("ada", PASSWORD)

    assert told.value.reason == "disabled"
    assert refused.value.code == "wrong-credentials"


async def test_another_password_ends_the_sessions_of_the_one_before(data):
    async with serving(data) as server, httpx2.AsyncClient(base_url=server.url, trust_env=False) as raw:
        told = await hubbub(
            "user", "password", "ada", "--data", data, said="another long one\n", cwd=data.parent
        )
        async with deadline():
            for password, status in ((PASSWORD, 401), ("another long one", 201)):
                answer = await raw.post("/sessions", json={"name": "ada", "password": password})
                assert answer.status_code == status
            async with Client(server.url, token=token_of("ada")) as before:
                with pytest.raises(SignedOut):
                    await before.subscribe(inbox=True).open()

    assert told.out == "ada has a new password; sessions ended: 1\n"


async def test_sessions_are_listed_and_ended(data):
    listed = await hubbub("user", "sessions", "ada", "--data", data, cwd=data.parent)
    ended = await hubbub("user", "sessions", "ada", "--end", "--data", data, cwd=data.parent)
    after = await hubbub("user", "sessions", "ada", "--data", data, cwd=data.parent)

    assert listed.out.startswith("session-of-ada ")
    assert ended.out.endswith("sessions ended: 1\n")
    assert (after.code, after.out) == (0, "")


@pytest.mark.parametrize("verb", ["password", "disable", "enable", "sessions"])
async def test_nobody_of_that_name_is_told_and_fails(data, verb):
    told = await hubbub("user", verb, "nobody", "--data", data, said=PASSWORD, cwd=data.parent)

    assert (told.code, told.err) == (1, "hubbub: there is no user nobody\n")


async def test_a_directory_without_a_store_is_told_and_left_alone(tmp_path):
    told = await hubbub("user", "disable", "ada", "--data", tmp_path / "none", cwd=tmp_path)

    assert told.code == 1
    assert str(tmp_path / "none") in told.err
    assert not (tmp_path / "none").exists()
