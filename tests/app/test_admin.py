"""What the operators' listener answers beside metrics: POST /verify, to who has the admin token."""

import asyncio
import hashlib

import apsw
import httpx2
import msgspec
import pytest

from hubbub import admin
from hubbub.client import Client
from hubbub.knobs import Address
from hubbub.storage.errors import StoreUnusable
from hubbub.verify import Done, Progress
from hubbub.verify.walk import Walk
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving

TOKEN = "an-admin-token-of-some-forty-characters-or-so"
HASH = hashlib.sha256(TOKEN.encode()).digest()
SIGNED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
async def server(data):
    async with serving(data, admin_listen=Address("127.0.0.1", 0), admin_token_hash=HASH) as server:
        yield server


@pytest.fixture
async def http(server):
    async with httpx2.AsyncClient(base_url=f"http://{server.admin}") as http:
        yield http


def lines(answer) -> list[Done | Progress]:
    return [msgspec.json.decode(line, type=Done | Progress) for line in answer.text.splitlines()]


async def test_the_report_comes_as_the_last_line(server, http):
    async with Client(server.url, token=token_of("ada")) as ada, deadline():
        room = await ada.create_room("Lounge")
        await ada.post("hello", room=room)
        answer = await http.post("/verify", headers=SIGNED)

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    report = lines(answer)[-1].report
    assert (report.whole, report.checked.events, report.epoch) == (True, 1, server.store.info.epoch)


async def test_what_is_wrong_is_told_and_breaks_nothing(server, http, data):
    async with Client(server.url, token=token_of("ada")) as ada, deadline():
        room = await ada.create_room("Lounge")
        await ada.post("hello", room=room)
        apsw.Connection(str(data / "hubbub.db")).execute("UPDATE events SET text = 'never said'")
        answer = await http.post("/verify", headers=SIGNED)
        await ada.post("and on", room=room)

    report = lines(answer)[-1].report
    assert [problem.kind for problem in report.problems] == ["altered"]
    assert server.broken is None
    assert server.damages == 0, "nobody was refused anything"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", f"Basic {TOKEN}", f"Bearer {TOKEN}x", TOKEN, f"Bearer {TOKEN[:-1]}"],
)
async def test_without_the_token_nobody_is_told_anything(http, authorization):
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await http.post("/verify", headers=headers)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert TOKEN not in answer.text


async def test_a_users_token_is_no_admins(http):
    answer = await http.post("/verify", headers={"Authorization": f"Bearer {token_of('ada')}"})

    assert answer.status_code == 401


async def test_where_no_token_is_set_there_is_nothing_to_ask_for(data):
    async with (
        serving(data, admin_listen=Address("127.0.0.1", 0)) as server,
        httpx2.AsyncClient(base_url=f"http://{server.admin}") as http,
    ):
        answer = await http.post("/verify", headers=SIGNED)

    assert answer.status_code == 404
    assert "--admin-token-file" in answer.text


async def test_it_is_not_on_the_public_listener(server):
    async with httpx2.AsyncClient(base_url=server.url) as http:
        answer = await http.post("/verify", headers=SIGNED)

    assert answer.status_code == 404


async def test_it_is_asked_for_by_post(http):
    answer = await http.get("/verify", headers=SIGNED)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("body", [b"nonsense", b"{}", b'{"anchors":[1]}'])
async def test_what_is_no_report_cannot_be_compared_with(http, body):
    first = await http.post("/verify", headers=SIGNED, content=body)
    second = await http.post("/verify", headers=SIGNED)

    assert (first.status_code, second.status_code) == (400, 200)


async def test_one_check_goes_on_at_a_time_and_ends_with_who_asked_for_it(http, monkeypatch):
    begun = asyncio.Event()

    async def endless(self, **_):
        begun.set()
        await asyncio.Event().wait()

    async with deadline():
        with monkeypatch.context() as patched:
            patched.setattr(Walk, "run", endless)
            patched.setattr(admin, "TOLD_SECONDS", 0.01)
            async with http.stream("POST", "/verify", headers=SIGNED) as going:
                await begun.wait()
                first = await anext(going.aiter_lines())
                refused = await http.post("/verify", headers=SIGNED)
        assert isinstance(msgspec.json.decode(first, type=Done | Progress), Progress)
        assert refused.status_code == 409
        while (answer := await http.post("/verify", headers=SIGNED)).status_code == 409:
            await asyncio.sleep(0)
    assert answer.status_code == 200


async def test_a_database_that_cannot_be_looked_at_is_said_so(http, monkeypatch):
    def refuse(file):
        raise StoreUnusable("postgresql://db.internal/x: the database cannot be read or written.")

    with monkeypatch.context() as patched:
        patched.setattr("hubbub.backends.SqliteAudit", refuse)
        refused = await http.post("/verify", headers=SIGNED)
    answer = await http.post("/verify", headers=SIGNED)

    assert refused.status_code == 503
    assert "cannot be read" in refused.text
    assert answer.status_code == 200


async def test_a_check_whose_database_goes_away_ends_without_a_report_and_the_server_goes_on(
    http, server, monkeypatch
):
    async def cut_off(self, **_):
        raise StoreUnusable("the database is gone")

    with monkeypatch.context() as patched:
        patched.setattr(Walk, "run", cut_off)
        cut = await http.post("/verify", headers=SIGNED)
    answer = await http.post("/verify", headers=SIGNED)

    assert (cut.status_code, cut.text) == (200, "")
    assert answer.status_code == 200
    assert server.broken is None


async def test_half_of_the_loops_time_is_left_to_everyone_else(monkeypatch):
    now, slept = 100.0, []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr(admin, "monotonic", lambda: now)
    monkeypatch.setattr(admin.asyncio, "sleep", sleep)
    half = admin.Half()
    for worked in (0.002, 0.004):
        now += worked
        await half()

    assert slept == pytest.approx([0.002, 0.004])
