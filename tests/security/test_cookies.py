"""A browser's cookie, from the sign-in to the sign-out, as a page of this server's own would use it."""

import json
from http.cookies import SimpleCookie

import pytest

from conformance.sockets import UPGRADE
from conformance.wire import wire
from hubbub.api.gate import COOKIE, DEVICE_COOKIE
from security.proofs import body
from support.seeded import PASSWORD, token_of
from support.serving import serving

PUBLIC = "https://chat.example.org"


class Browser:
    """Keeps cookies, and says on each request whose page it comes from."""

    def __init__(self, server, origin):
        self.server = server
        self.origin = origin
        self.jar = {}
        self.told = []

    async def asks(self, method, path, content=b"", *, origin="own", site=None, typed=True, **fields):
        if content and typed:
            fields.setdefault("Content_Type", "application/json")
        if origin is not None:
            fields["Origin"] = self.origin if origin == "own" else origin
        if site is not None:
            fields["Sec_Fetch_Site"] = site
        if self.jar:
            fields["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.jar.items())
        async with wire(self.server.address) as way:
            way.request(method, path, None, content, **fields)
            raw = (await way.reader.readuntil(b"\r\n\r\n")).decode()
            status = int(raw.split()[1])
            lines = [line.partition(": ") for line in raw.split("\r\n")[1:]]
            self.told = [value for name, _, value in lines if name.lower() == "set-cookie"]
            size = next((int(value) for name, _, value in lines if name.lower() == "content-length"), 0)
            answer = await way.reader.readexactly(size) if method != "HEAD" else b""
        for said in self.told:
            for name, morsel in SimpleCookie(said).items():
                if morsel["max-age"] == "0":
                    self.jar.pop(name, None)
                else:
                    self.jar[name] = morsel.value
        return status, answer

    async def signs_in(self, name="ada", **more):
        return await self.asks("POST", "/sessions", body(name=name, password=PASSWORD, cookie=True), **more)


@pytest.fixture
async def browser(target):
    return Browser(target.server, target.server.url)


async def test_a_page_signs_in_stays_in_and_signs_out(browser):
    status, answer = await browser.signs_in(site="same-origin")
    assert status == 201
    assert "token" not in json.loads(answer)
    status, answer = await browser.asks("GET", "/sessions/current", origin=None, site="same-origin")
    assert (status, json.loads(answer)["user"]) == (200, "ada")
    token = browser.jar[COOKIE]
    assert token.encode() not in answer
    status, _ = await browser.asks("DELETE", "/sessions/current")
    assert status == 204
    assert COOKIE not in browser.jar
    assert DEVICE_COOKIE in browser.jar  # it signs nobody in, and spares the next sign-in strangers' guesses
    assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 401
    browser.jar[COOKIE] = token
    assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 401


async def test_no_script_can_read_either_cookie_and_no_other_site_makes_a_browser_send_it(browser):
    await browser.signs_in()
    assert len(browser.told) == 2
    for said in browser.told:
        ((_, morsel),) = SimpleCookie(said).items()
        assert morsel["httponly"]
        assert morsel["samesite"] == "Strict"
        assert morsel["path"] == "/"
        assert not morsel["domain"]
        assert not morsel["secure"]  # over plain HTTP a browser would not keep it


async def test_under_tls_the_cookies_are_this_hosts_alone(data):
    async with serving(data, settings={"public_url": PUBLIC}) as server:
        browser = Browser(server, PUBLIC)
        assert (await browser.signs_in())[0] == 201
        for said in browser.told:
            assert said.startswith("__Host-hubbub_")
            assert said.endswith("; Secure")
            assert "; Path=/;" in said
            assert "Domain" not in said
        assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 200
        # One that a neighbour in the domain planted, or somebody on a way without TLS, is not looked at.
        browser.jar = {COOKIE: token_of("eve")}
        assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 401
        await browser.signs_in()
        assert (await browser.asks("DELETE", "/sessions/current"))[0] == 204
        assert f"__Host-{COOKIE}=; Max-Age=0" in browser.told[0]


@pytest.mark.parametrize(
    ("origin", "site"),
    [
        (None, None),
        ("null", None),
        ("https://elsewhere.example", "cross-site"),
        ("http://127.0.0.1", "same-site"),
        ("own", "cross-site"),
        ("own", "same-site"),
        ("OWN", None),
        ("own/", None),
    ],
)
async def test_another_site_signs_no_browser_in_changes_nothing_and_opens_nothing(browser, origin, site):
    """Signing somebody in as somebody else (login CSRF) is as good a trick as acting in their name."""
    own = browser.origin
    given = {"OWN": own.upper(), "own/": own + "/", "own": own}.get(origin, origin)
    status, _ = await browser.signs_in(origin=given, site=site)
    assert status == 403
    assert not browser.told
    await browser.signs_in()
    for method, path, content in (
        ("DELETE", "/sessions/current", b""),
        ("POST", "/rooms", body(name="Attic")),
        ("POST", "/user/bob/messages", body(text="hi")),
    ):
        assert (await browser.asks(method, path, content, origin=given, site=site))[0] == 403
    assert (await browser.asks("GET", "/ws", origin=given, site=site, **UPGRADE))[0] == 403
    assert (await browser.asks("GET", "/rooms", origin=None))[1] == b"[]"


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
async def test_a_page_elsewhere_does_not_even_read_by_the_cookie(browser, site):
    """An image on a neighbour's page is asked for without an Origin, and SameSite lets neighbours send it."""
    await browser.signs_in()
    for path in ("/inbox/messages", "/sessions", "/inbox/subscribe"):
        assert (await browser.asks("GET", path, origin=None, site=site))[0] == 403
    for ours in (None, "same-origin", "none"):
        assert (await browser.asks("GET", "/inbox/messages", origin=None, site=ours))[0] == 200


async def test_streams_and_sockets_open_and_reopen_with_the_cookie_alone(browser):
    await browser.signs_in()
    for _ in range(2):
        sse = {"Accept": "text/event-stream", "Last_Event_ID": "0"}
        assert (await browser.asks("GET", "/inbox/subscribe", origin=None, **sse))[0] == 200
        assert (await browser.asks("GET", "/ws", **UPGRADE))[0] == 101
    await browser.asks("DELETE", "/sessions/current")
    # An EventSource is told to stop for good; a WebSocket is refused.
    assert (await browser.asks("GET", "/inbox/subscribe", origin=None, **sse))[0] == 204
    assert (await browser.asks("GET", "/ws", **UPGRADE))[0] == 401


async def test_a_browser_that_signs_in_again_leaves_no_session_behind(browser, target):
    await browser.signs_in()
    first = browser.jar[COOKIE]
    await browser.signs_in("bob")
    assert browser.jar[COOKIE] != first
    async with wire(target.server.address) as way:
        assert (await way.asks("GET", "/sessions/current", first)).status == 401
        # A wrong password ends nothing.
        wrong = body(name="ada", password="wrong horse", cookie=True)
        assert (await browser.asks("POST", "/sessions", wrong))[0] == 401
        assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 200


async def test_ending_another_session_leaves_the_cookie(browser):
    await browser.signs_in()
    status, _ = await browser.asks("DELETE", "/sessions/session-of-ada")
    assert status == 204
    assert not browser.told
    assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 200


async def test_the_device_cookie_alone_signs_nobody_in_and_says_no_name(browser):
    await browser.signs_in()
    browser.jar.pop(COOKIE)
    assert b"ada" not in browser.jar[DEVICE_COOKIE].encode()
    assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 401
    browser.jar[COOKIE] = browser.jar[DEVICE_COOKIE]
    assert (await browser.asks("GET", "/sessions/current", origin=None))[0] == 401
    # Neither does a proof pass for a ticket, which the same secret signs.
    assert (await browser.asks("GET", f"/ws?ticket={browser.jar.pop(COOKIE)}", **UPGRADE))[0] == 401


async def test_a_token_that_was_asked_for_in_the_body_sets_no_cookie(browser):
    content = body(name="ada", password=PASSWORD)
    status, answer = await browser.asks("POST", "/sessions", content, origin="https://elsewhere.example")
    assert status == 201
    assert json.loads(answer)["token"].startswith("hb_")
    assert not browser.told


async def test_a_page_of_another_site_cannot_ask_without_saying_what_it_sends(browser):
    """Browsers ask nobody before they send a body without a type; else a page makes accounts, and tries
    passwords, wherever its visitors are."""
    for origin in ("https://elsewhere.example", "null"):
        for path, name in (("/users", "mallory"), ("/sessions", "ada")):
            content = body(name=name, password=PASSWORD)
            assert (await browser.asks("POST", path, content, origin=origin, typed=False))[0] == 415
    content = body(name="ada", password=PASSWORD)
    assert (await browser.asks("POST", "/sessions", content, origin=None, typed=False))[0] == 201


async def test_a_form_of_another_site_cannot_even_ask(browser):
    """What a form can send without a preflight is no JSON here."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        content = body(name="ada", password=PASSWORD)
        status, _ = await browser.asks("POST", "/sessions", content, origin=None, Content_Type=kind)
        assert status == 415
