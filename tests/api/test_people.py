"""Users and sessions over HTTP."""

import pytest

from .checks import check_problem
from .conftest import PASSWORD, URL


async def test_signing_up_gives_the_user_and_its_address(site):
    answer = await site.post("/users", json={"name": "Ada", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{URL}/user/ada"
    assert answer.json() == {"name": "ada", "created_at": "1970-01-12T13:46:40.000Z"}
    token = await site.sign_in("ADA")
    found = await site.get(answer.headers["location"], token)
    assert found.json() == answer.json()


async def test_a_name_is_taken_once_in_any_case(site, ada):
    answer = await site.post("/users", json={"name": "ADA", "password": PASSWORD})
    assert check_problem(answer, 409, "name-taken")["conflicts_with"] == "/user/ada"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "a b", "password": PASSWORD}, "name"),
        ({"name": 3, "password": PASSWORD}, "name"),
        ({"password": PASSWORD}, "name"),
        ({"name": "ada", "password": "short"}, "password"),
        ({"name": "ada", "password": None}, "password"),
        ({"name": "ada"}, "password"),
    ],
)
async def test_a_bad_sign_up_names_the_field(site, body, field):
    assert check_problem(await site.post("/users", json=body), 400, "bad-input")["field"] == field


async def test_where_sign_up_is_closed_it_says_so(serve):
    async with serve(sign_up_open=False) as site:
        answer = await site.post("/users", json={"name": "ada", "password": PASSWORD})
        check_problem(answer, 403, "sign-up-closed")


async def test_signing_in_gives_a_token_that_is_not_to_be_kept_by_anyone_between(site, ada):
    answer = await site.post("/sessions", json={"name": "ada", "password": PASSWORD})
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert set(body) == {"token", "id", "user", "expires_at"}
    assert body["user"] == "ada"
    assert (await site.get("/rooms", body["token"])).status_code == 200


async def test_who_is_unknown_gets_the_same_answer_as_a_wrong_password(site, ada):
    wrong = await site.post("/sessions", json={"name": "ada", "password": "wrong horse"})
    unknown = await site.post("/sessions", json={"name": "eve", "password": "wrong horse"})
    check_problem(wrong, 401, "wrong-credentials")
    assert wrong.text == unknown.text


async def test_guessing_a_password_is_slowed_down(site, ada):
    answers = [await site.post("/sessions", json={"name": "ada", "password": "wrong"}) for _ in range(11)]
    assert {answer.status_code for answer in answers[:10]} == {401}
    members = check_problem(answers[10], 429, "too-fast")
    assert members["policy"] == "sign_ins_by_place"
    assert answers[10].headers["ratelimit-policy"] == '"sign_ins_by_place";q=10;w=600'


async def test_sessions_are_listed_and_ended_one_by_one(site, clock, ada):
    clock.pass_(1)
    other = await site.sign_in("ada")
    listed = (await site.get("/sessions", ada)).json()
    assert [session["current"] for session in listed] == [True, False]
    assert listed[0]["agent"].startswith("python-httpx")
    assert (await site.delete(f"/sessions/{listed[1]['id']}", ada)).status_code == 204
    assert (await site.get("/sessions", other)).status_code == 401
    check_problem(await site.delete(f"/sessions/{listed[1]['id']}", ada), 404, "no-such-session")


async def test_nobody_ends_the_session_of_another(site, ada, bob):
    (theirs,) = (await site.get("/sessions", bob)).json()
    check_problem(await site.delete(f"/sessions/{theirs['id']}", ada), 404, "no-such-session")
    assert (await site.get("/sessions", bob)).status_code == 200


async def test_after_signing_out_the_token_is_nobodys(site, ada):
    answer = await site.delete("/sessions/current", ada)
    assert (answer.status_code, answer.content) == (204, b"")
    check_problem(await site.get("/rooms", ada), 401, "not-signed-in")


async def test_a_session_expires_when_it_is_not_used(site, clock, ada):
    clock.pass_(31 * 86_400)
    check_problem(await site.get("/rooms", ada), 401, "not-signed-in")


async def test_people_are_found_by_prefix_page_by_page(site, ada):
    for name in ("bob", "bea", "boris"):
        await site.sign_up(name)
    page = await site.get("/users?prefix=B&limit=2", ada)
    assert [user["name"] for user in page.json()] == ["bea", "bob"]
    assert page.links["next"]["url"] == f"{URL}/users?prefix=B&limit=2&after=bob"
    page = await site.get(page.links["next"]["url"], ada)
    assert [user["name"] for user in page.json()] == ["boris"]
    assert "link" not in page.headers


async def test_nobody_is_found_under_an_unknown_or_impossible_name(site, ada):
    for name in ("eve", "not%20a%20name", "%F0%9F%99%82"):
        check_problem(await site.get(f"/user/{name}", ada), 404, "no-such-user")
