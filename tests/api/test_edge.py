"""What holds for every request, whatever it asks for."""

import pytest

from hubbub.api.guard import SECURITY_FIELDS
from hubbub.domain.errors import ShuttingDown, StorageFailed

from .checks import check_problem
from .raw import RawClient, part


@pytest.mark.parametrize("path", ["/nothing", "/rooms/", "/room", "/room//messages", "/metrics", "/Rooms"])
async def test_what_is_not_there_is_a_problem_too(site, path):
    check_problem(await site.get(path), 404, "no-such-page")


async def test_another_method_is_told_which_there_are(site, ada):
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "BREW"):
        answer = await site.ask(method, "/rooms", ada)
        check_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, POST, HEAD, OPTIONS"
    check_problem(await site.get("/sessions/another", ada), 405, "method-not-allowed")


async def test_options_tells_what_there_is_to_anyone(site):
    answer = await site.ask("OPTIONS", "/room/x/messages")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["allow"] == "GET, POST, HEAD, OPTIONS"
    assert "access-control-allow-origin" not in answer.headers


async def test_head_is_get_without_the_body(site, ada, lounge):
    for path in (
        "/rooms",
        f"/room/{lounge}",
        f"/room/{lounge}/messages",
        "/openapi.json",
        "/",
        "/about",
        "/health/live",
    ):
        whole, head = await site.get(path, ada), await site.ask("HEAD", path, ada)
        assert (head.status_code, head.content) == (200, b"")
        assert {**head.headers} == {**whole.headers}
    refused = await site.ask("HEAD", "/rooms")
    assert (refused.status_code, refused.content) == (401, b"")


async def test_the_body_of_a_head_is_not_even_handed_to_the_connection(site):
    client = RawClient(site.app, "HEAD", "/health/live")
    await client.ask()
    assert (client.status, client.body) == (200, b"")
    assert int(client.headers["content-length"]) > 0


async def test_a_stream_has_no_head(site, ada, lounge):
    answer = await site.ask("HEAD", f"/room/{lounge}/subscribe", ada)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, OPTIONS")


async def test_every_answer_is_guarded(site, ada, lounge):
    pages = ("/", "/about", "/docs", "/assets/site.css")
    for path in (*pages, "/rooms", "/nothing", f"/room/{lounge}/subscribe"):
        answer = await site.get(path, ada)
        for name, value in SECURITY_FIELDS:
            assert answer.headers[name.decode()] == value.decode()
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src 'self';" in policy


async def test_a_bug_is_logged_and_tells_nothing(site, ada, monkeypatch):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("swordfish")

    monkeypatch.setattr(type(site.context.rooms), "list", broken)
    answer = await site.get("/rooms", ada)
    check_problem(answer, 500, "internal")
    assert "swordfish" not in answer.text


async def test_the_websockets_address_asks_for_the_upgrade(site, ada):
    answer = await site.get("/ws", ada)
    check_problem(answer, 426, "upgrade-required")
    assert answer.headers["upgrade"] == "websocket"


async def test_requests_of_one_address_are_limited_but_health_is_not(site, ada):
    for _ in range(1000):
        answer = await site.get("/nobody-counts-this")
    assert answer.status_code == 404
    while (answer := await site.get("/rooms", ada)).status_code == 200:
        pass
    assert check_problem(answer, 429, "too-fast")["policy"] == "requests"
    assert (await site.get("/health/live")).status_code == 200


# -- bodies -----------------------------------------------------------------


async def test_a_body_too_large_is_refused_before_it_is_read(site, ada):
    headers = {"content-length": str(128 * 1024 + 1)}
    client = RawClient(site.app, "POST", "/rooms", ada, headers=headers)
    await client.ask()  # nothing was ever sent
    assert client.status == 413


async def test_a_body_in_chunks_is_bounded_too(site, ada):
    client = RawClient(site.app, "POST", "/rooms", ada)
    client.says(*[part(b" " * 65_536)] * 3)
    await client.ask()
    assert client.status == 413
    assert b"/problems/too-large" in client.body


async def test_a_body_in_chunks_is_put_together(site, ada):
    client = RawClient(site.app, "POST", "/rooms", ada)
    client.says(part(b'{"na'), part(b""), part(b'me":"Lounge"}', more=False))
    await client.ask()
    assert client.status == 201


async def test_a_client_that_goes_amid_its_body_has_asked_nothing(site, ada):
    client = RawClient(site.app, "POST", "/rooms", ada)
    client.says(part(b'{"name":"Lounge"'), {"type": "http.disconnect"})
    await client.ask()
    assert client.status == 408
    assert (await site.get("/rooms", ada)).json() == []


async def test_a_body_that_never_ends_is_not_waited_for(serve):
    async with serve(settings={"body_seconds": 0.01}) as site:
        ada = await site.sign_up("ada")
        client = RawClient(site.app, "POST", "/rooms", ada)
        client.says(part(b"{"))
        await client.ask()
        assert (client.status, client.headers["connection"]) == (408, "close")


async def test_who_is_not_signed_in_is_told_before_the_body_is_read(site):
    client = RawClient(site.app, "POST", "/rooms")
    await client.ask()
    assert client.status == 401


@pytest.mark.parametrize("host", ["", "a b", "evil/../x", 'x"><script>'])
async def test_a_host_that_is_none_is_refused(site, ada, host):
    client = RawClient(site.app, "GET", "/rooms", ada, headers={"host": host})
    await client.ask()
    assert client.status == 400
    assert b'"field":"Host"' in client.body


async def test_two_authorizations_are_none(site, ada):
    answer = await site.client.get(
        "/rooms", headers=[("Authorization", f"Bearer {ada}"), ("Authorization", f"Bearer {ada}")]
    )
    check_problem(answer, 401, "not-signed-in")


# -- other sites ------------------------------------------------------------


async def test_no_other_site_may_read_answers_unless_it_is_named(serve):
    async with serve(settings={"cors_origins": ("https://app.example",)}) as site:
        ada = await site.sign_up("ada")
        ours = await site.get("/rooms", ada, headers={"Origin": "https://app.example"})
        assert ours.headers["access-control-allow-origin"] == "https://app.example"
        assert "ETag" in ours.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in ours.headers
        theirs = await site.get("/rooms", ada, headers={"Origin": "https://app.example.evil"})
        assert "access-control-allow-origin" not in theirs.headers
        assert ours.headers["vary"] == theirs.headers["vary"] == "Origin"
        asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
        preflight = await site.ask("OPTIONS", "/rooms", headers=asked)
        assert preflight.status_code == 204
        assert "Idempotency-Key" in preflight.headers["access-control-allow-headers"]


# -- health -----------------------------------------------------------------


async def test_a_ready_server_says_what_it_runs_on(site):
    body = (await site.get("/health/ready")).json()
    assert body["status"] == "ready"
    assert body["store"] == "sqlite"
    assert body["store_version"].startswith("3.")
    assert "FULL" in body["durability"]
    assert body["epoch"] == site.context.info.epoch


@pytest.mark.parametrize("trouble", [ShuttingDown(), StorageFailed()], ids=lambda error: error.code)
async def test_a_server_in_trouble_is_alive_but_not_ready(site, trouble):
    site.trouble = trouble
    check_problem(await site.get("/health/ready"), 503, trouble.code)
    assert (await site.get("/health/live")).json() == {"status": "live"}
