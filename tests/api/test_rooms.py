"""Rooms over HTTP."""

import pytest

from .checks import check_problem
from .conftest import URL


async def test_without_rooms_the_list_is_empty(site, ada):
    answer = await site.get("/rooms", ada)
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_new_room_has_an_absolute_address_at_which_it_is_found(site, ada):
    answer = await site.post("/rooms", ada, json={"name": "  Lounge "})
    assert answer.status_code == 201
    room = answer.json()
    assert answer.headers["location"] == f"{URL}/room/{room['id']}"
    assert room == {
        "id": room["id"],
        "name": "Lounge",
        "created_at": "1970-01-12T13:46:40.000Z",
        "created_by": "ada",
        "head": 0,
    }
    assert (await site.get(answer.headers["location"], ada)).json() == room
    assert (await site.get("/rooms", ada)).json() == [room]


async def test_addresses_are_of_the_public_url_where_one_is_set(serve):
    async with serve(settings={"public_url": "https://chat.example/"[:-1]}) as site:
        ada = await site.sign_up("ada")
        answer = await site.post("/rooms", ada, json={"name": "Lounge"}, headers={"Host": "inside:8080"})
        assert answer.headers["location"].startswith("https://chat.example/room/")


async def test_a_rooms_name_is_taken_in_any_case(site, ada, lounge):
    answer = await site.post("/rooms", ada, json={"name": "LOUNGE"})
    assert check_problem(answer, 409, "name-taken")["conflicts_with"] == f"/room/{lounge}"


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\u202eb", "a\nb", 3, None, ["a"]])
async def test_a_bad_name_is_refused(site, ada, name):
    answer = await site.post("/rooms", ada, json={"name": name})
    assert check_problem(answer, 400, "bad-input")["field"] == "name"


async def test_rooms_are_listed_by_name_page_by_page(site, ada):
    for name in ("charlie", "Alpha", "bravo"):
        await site.open_room(ada, name)
    page = await site.get("/rooms?limit=2", ada)
    assert [room["name"] for room in page.json()] == ["Alpha", "bravo"]
    page = await site.get(page.links["next"]["url"], ada)
    assert [room["name"] for room in page.json()] == ["charlie"]
    assert "next" not in page.links
    named = await site.get("/rooms", ada, params={"prefix": "ALP"})
    assert [room["name"] for room in named.json()] == ["Alpha"]


async def test_an_unchanged_list_is_not_sent_again(site, ada, lounge):
    first = await site.get("/rooms", ada)
    again = await site.get("/rooms", ada, headers={"If-None-Match": f'"x", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    await site.open_room(ada, "Kitchen")
    again = await site.get("/rooms", ada, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200


async def test_there_is_no_room_under_an_unknown_or_impossible_id(site, ada):
    for id in ("zzzz", "not%20an%20id", "x" * 300):
        check_problem(await site.get(f"/room/{id}", ada), 404, "no-such-room")
        check_problem(await site.get(f"/room/{id}/messages", ada), 404, "no-such-room")
        check_problem(await site.post(f"/room/{id}/messages", ada, json={"text": "hi"}), 404, "no-such-room")
        check_problem(await site.get(f"/room/{id}/subscribe", ada), 404, "no-such-room")
