"""The one gate."""

import pytest

from hubbub.api.gate import COOKIE, admit
from hubbub.domain.errors import ForeignOrigin, NotAllowed, NotSignedIn
from hubbub.domain.ids import inbox_log, room_log

from .conftest import PASSWORD, URL


async def enter(site, headers=None, *, ticket=None, safe=True):
    return await admit(
        site.context, headers or {}, ticket=ticket, public_origin=URL, address="192.0.2.1", safe=safe
    )


async def test_a_bearer_token_opens_everything_whatever_the_origin(site, ada):
    headers = {"authorization": f"Bearer {ada}", "origin": "https://elsewhere.example"}
    caller = await enter(site, headers, safe=False)
    assert (caller.session.user, caller.via, caller.scope) == ("ada", "bearer", None)


async def test_the_scheme_is_known_in_any_case(site, ada):
    assert (await enter(site, {"authorization": f"bEARER  {ada}"})).session.user == "ada"


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic YTpi", "{token}", "Token {token}"])
async def test_anything_but_a_bearer_token_is_not_signed_in(site, ada, given):
    with pytest.raises(NotSignedIn):
        await enter(site, {"authorization": given.format(token=ada)})


async def test_a_wrong_token_is_not_made_good_by_a_cookie(site, ada):
    with pytest.raises(NotSignedIn):
        await enter(site, {"authorization": "Bearer hb_wrong", "cookie": f"{COOKIE}={ada}"})


async def test_the_cookie_reads_without_an_origin(site, ada):
    caller = await enter(site, {"cookie": f"theme=dark; {COOKIE}={ada}"})
    assert (caller.session.user, caller.via) == ("ada", "cookie")


async def test_the_cookie_changes_something_only_from_our_own_pages(site, ada):
    cookie = {"cookie": f"{COOKIE}={ada}"}
    assert (await enter(site, {**cookie, "origin": URL}, safe=False)).via == "cookie"
    for origin in ({}, {"origin": "null"}, {"origin": f"{URL}.evil.example"}, {"origin": f"{URL}:81"}):
        with pytest.raises(ForeignOrigin):
            await enter(site, {**cookie, **origin}, safe=False)


async def test_the_cookie_does_not_even_read_for_another_site(site, ada):
    with pytest.raises(ForeignOrigin):
        await enter(site, {"cookie": f"{COOKIE}={ada}", "origin": "https://elsewhere.example"})


async def test_a_cookie_of_a_similar_name_is_another_cookie(site, ada):
    with pytest.raises(NotSignedIn):
        await enter(site, {"cookie": f"x{COOKIE}={ada}; {COOKIE}x={ada}"})


async def test_a_ticket_opens_the_logs_it_names(site, ada):
    session = (await enter(site, {"authorization": f"Bearer {ada}"})).session
    ticket, _ = site.context.tickets.issue(session.id, session.user, [room_log("A")])
    caller = await enter(site, ticket=ticket, safe=False)
    assert (caller.session.user, caller.via) == ("ada", "ticket")
    caller.check_may_read(room_log("A"))
    for log in (room_log("B"), inbox_log("ada")):
        with pytest.raises(NotAllowed):
            caller.check_may_read(log)


async def test_a_ticket_ends_with_its_half_minute_and_with_its_session(site, clock, ada):
    session = (await enter(site, {"authorization": f"Bearer {ada}"})).session
    old, _ = site.context.tickets.issue(session.id, session.user, [room_log("A")])
    clock.pass_(31)
    with pytest.raises(NotSignedIn):
        await enter(site, ticket=old)
    fresh, _ = site.context.tickets.issue(session.id, session.user, [room_log("A")])
    await site.context.accounts.sign_out(session)
    with pytest.raises(NotSignedIn):
        await enter(site, ticket=fresh)


async def test_signing_in_by_cookie_hides_the_token(site, ada):
    body = {"name": "ada", "password": PASSWORD, "cookie": True}
    answer = await site.post("/sessions", json=body, headers={"Origin": URL})
    assert answer.status_code == 201
    assert "token" not in answer.json()
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=hb_")
    assert "; HttpOnly; SameSite=Strict" in cookie
    assert "; Path=/" in cookie
    assert "Secure" not in cookie

    assert (await site.get("/sessions")).status_code == 200  # the client keeps it as a browser does
    assert (await site.delete("/sessions/current")).status_code == 403
    gone = await site.delete("/sessions/current", headers={"Origin": URL})
    assert gone.status_code == 204
    assert f"{COOKIE}=; Max-Age=0" in gone.headers["set-cookie"]
    assert (await site.get("/sessions")).status_code == 401


async def test_another_site_cannot_sign_a_browser_in(site, ada):
    body = {"name": "ada", "password": PASSWORD, "cookie": True}
    for headers in ({}, {"Origin": "https://elsewhere.example"}):
        answer = await site.post("/sessions", json=body, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers


async def test_under_https_the_cookie_is_secure(serve):
    async with serve(settings={"public_url": "https://chat.example"}) as site:
        await site.sign_up("ada")
        body = {"name": "ada", "password": PASSWORD, "cookie": True}
        answer = await site.post("/sessions", json=body, headers={"Origin": "https://chat.example"})
        assert answer.headers["set-cookie"].endswith("; Secure")
