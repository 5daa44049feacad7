"""Over HTTP: what was read, which rooms are followed, whom one talks to."""

import pytest

from .checks import check_problem


@pytest.fixture
async def bob(site):
    return await site.sign_up("bob")


async def put(site, token, path, seq):
    return await site.ask("PUT", path, token, json={"seq": seq})


async def write(site, token, name, *texts):
    for text in texts:
        assert (await site.post(f"/user/{name}/messages", token, json={"text": text})).status_code == 201


async def test_a_room_with_a_mark_is_followed_until_the_mark_is_taken_away(site, ada, lounge):
    await site.say(ada, lounge, "one", "two", "three")
    answer = await put(site, ada, f"/room/{lounge}/mark", 2)
    assert (answer.status_code, answer.json()) == (200, {"room": lounge, "seq": 2})
    listed = [{"room": lounge, "name": "Lounge", "seq": 2, "head": 3}]
    assert (await site.get("/marks", ada)).json() == listed
    for _ in range(2):
        assert (await site.delete(f"/room/{lounge}/mark", ada)).status_code == 204
    assert (await site.get("/marks", ada)).json() == []


async def test_a_lower_mark_is_answered_with_the_one_there_is(site, ada, lounge):
    await site.say(ada, lounge, "one", "two")
    await put(site, ada, f"/room/{lounge}/mark", 2)
    answer = await put(site, ada, f"/room/{lounge}/mark", 0)
    assert (answer.status_code, answer.json()["seq"]) == (200, 2)


async def test_an_answer_to_a_mark_is_not_kept(site, ada, lounge):
    answer = await put(site, ada, f"/room/{lounge}/mark", 0)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers


async def test_a_conversation_shows_what_is_unread_and_what_was_last_said(site, ada, bob):
    await write(site, bob, "ada", "one", "two")
    await write(site, ada, "bob", "three")
    newest = (await site.get("/inbox/messages/3", ada)).json()
    assert newest["type"] == "sent"
    listed = (await site.get("/conversations", ada)).json()
    assert listed == [{"user": "bob", "seq": 0, "unread": 2, "last": newest}]

    answer = await put(site, ada, "/user/bob/mark", 1)
    assert (answer.status_code, answer.json()) == (200, {"user": "bob", "seq": 1})
    ((theirs,), (mine,)) = [(await site.get("/conversations", each)).json() for each in (bob, ada)]
    assert (mine["seq"], mine["unread"]) == (1, 1)
    assert (theirs["user"], theirs["seq"], theirs["unread"], theirs["last"]["type"]) == (
        "ada",
        0,
        1,
        "message",
    )


async def test_followed_rooms_come_by_id_page_by_page(site, ada):
    rooms = [await site.open_room(ada, name) for name in ("one", "two", "three")]
    for room in rooms:
        await put(site, ada, f"/room/{room}/mark", 0)
    page = await site.get("/marks?limit=2", ada)
    assert [each["room"] for each in page.json()] == sorted(rooms)[:2]
    page = await site.get(page.links["next"]["url"], ada)
    assert [each["room"] for each in page.json()] == sorted(rooms)[2:]
    assert "next" not in page.links


async def test_conversations_come_by_name_page_by_page(site, ada, bob):
    await write(site, bob, "ada", "psst")
    await write(site, ada, "ada", "milk")
    page = await site.get("/conversations?limit=1", ada)
    assert [each["user"] for each in page.json()] == ["ada"]
    page = await site.get(page.links["next"]["url"], ada)
    assert [each["user"] for each in page.json()] == ["bob"]
    assert "next" not in page.links


@pytest.mark.parametrize("path", ["/marks", "/conversations"])
async def test_an_unchanged_list_of_what_was_read_is_not_sent_again(site, ada, bob, lounge, path):
    first = await site.get(path, ada)
    again = await site.get(path, ada, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    await put(site, ada, f"/room/{lounge}/mark", 0)
    await write(site, bob, "ada", "psst")
    again = await site.get(path, ada, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 200


@pytest.mark.parametrize("seq", [-1, 1.5, "1", None, True, 2**53])
async def test_what_is_no_seq_is_bad_input(site, ada, lounge, seq):
    for path in (f"/room/{lounge}/mark", "/user/ada/mark"):
        assert check_problem(await put(site, ada, path, seq), 400, "bad-input")["field"] == "seq"


@pytest.mark.parametrize("limit", ["0", "501", "x"])
@pytest.mark.parametrize("path", ["/marks", "/conversations"])
async def test_a_page_of_no_size_is_bad_input(site, ada, path, limit):
    assert check_problem(await site.get(f"{path}?limit={limit}", ada), 400, "bad-input")["field"] == "limit"


async def test_a_mark_beyond_the_head_is_refused_with_the_head_there_is(site, ada, lounge):
    await site.say(ada, lounge, "one")
    for path, head in ((f"/room/{lounge}/mark", 1), ("/user/ada/mark", 0)):
        assert check_problem(await put(site, ada, path, 2), 409, "stale-cursor")["head"] == head


async def test_there_is_no_mark_where_there_is_nothing(site, ada):
    check_problem(await put(site, ada, "/room/nosuchroom00/mark", 0), 404, "no-such-room")
    check_problem(await site.delete("/room/nosuchroom00/mark", ada), 404, "no-such-room")
    check_problem(await put(site, ada, "/user/nobody/mark", 0), 404, "no-such-user")
