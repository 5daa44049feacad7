"""Messages over HTTP."""

import asyncio

import pytest

from hubbub.domain.errors import ShuttingDown

from .checks import check_problem
from .conftest import URL
from .raw import RawClient


async def test_a_post_answers_with_the_message_at_its_absolute_address(site, ada, lounge):
    answer = await site.post(f"/room/{lounge}/messages", ada, json={"text": "hello"})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{URL}/room/{lounge}/messages/1"
    message = answer.json()
    assert message == {
        "type": "message",
        "id": message["id"],
        "room": lounge,
        "seq": 1,
        "sender": "ada",
        "text": "hello",
        "sent_at": "1970-01-12T13:46:40.000Z",
    }
    assert (await site.get(answer.headers["location"], ada)).json() == message


async def test_nobody_has_to_join_a_room(site, lounge, bob):
    assert (await site.post(f"/room/{lounge}/messages", bob, json={"text": "hi"})).status_code == 201
    assert [each["sender"] for each in (await site.get(f"/room/{lounge}/messages", bob)).json()] == ["bob"]


async def test_what_one_may_still_post_is_told_with_each_post(site, ada, lounge):
    answer = await site.post(f"/room/{lounge}/messages", ada, json={"text": "hello"})
    assert answer.headers["ratelimit-policy"] == '"posts";q=100;w=10'
    assert answer.headers["ratelimit"] == '"posts";r=99;t=1'


async def test_without_limits_there_is_nothing_to_tell(serve):
    async with serve(limits=None) as site:
        ada = await site.sign_up("ada")
        room = await site.open_room(ada)
        answer = await site.post(f"/room/{room}/messages", ada, json={"text": "hello"})
        assert "ratelimit" not in answer.headers


async def test_posting_too_fast_is_told_when_to_come_back(site, ada, lounge):
    await site.say(ada, lounge, *(str(n) for n in range(100)))
    answer = await site.post(f"/room/{lounge}/messages", ada, json={"text": "one more"})
    assert check_problem(answer, 429, "too-fast")["policy"] == "posts"
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["ratelimit"] == '"posts";r=0;t=1'


# -- once -------------------------------------------------------------------


async def test_a_retry_gets_the_same_answer_and_stores_nothing(site, clock, ada, lounge):
    for path in (f"/room/{lounge}/messages", "/user/ada/messages"):
        ask = {"json": {"text": "once"}, "headers": {"Idempotency-Key": "k1"}}
        first = await site.post(path, ada, **ask)
        clock.pass_(100)
        again = await site.post(path, ada, **ask)
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert again.json()["key"] == "k1"
        assert again.headers["location"] == first.headers["location"]
        assert len((await site.get(path, ada)).json()) == 1


async def test_a_key_used_for_another_text_is_a_conflict(site, ada, lounge):
    path, headers = f"/room/{lounge}/messages", {"Idempotency-Key": "k1"}
    first = await site.post(path, ada, json={"text": "one"}, headers=headers)
    answer = await site.post(path, ada, json={"text": "two"}, headers=headers)
    assert check_problem(answer, 409, "key-reused")["conflicts_with"] == first.json()["id"]


@pytest.mark.parametrize("key", ["", "a b", "x" * 129, b"\xe4"])
async def test_a_key_that_is_none_is_refused(site, ada, lounge, key):
    headers = {"Idempotency-Key": key}
    answer = await site.post(f"/room/{lounge}/messages", ada, json={"text": "x"}, headers=headers)
    assert check_problem(answer, 400, "bad-input")["field"] == "Idempotency-Key"


# -- only if ----------------------------------------------------------------


async def test_a_post_may_depend_on_nothing_having_been_posted_since(site, ada, lounge):
    path = f"/room/{lounge}/messages"
    epoch = site.context.info.epoch
    for seq, tag in enumerate(('"0"', f'"{epoch}:1"', "*"), 1):
        answer = await site.post(path, ada, json={"text": "x"}, headers={"If-Match": tag})
        assert (answer.status_code, answer.json()["seq"]) == (201, seq)
    etag = (await site.get(path, ada)).headers["etag"]
    assert etag == f'"{epoch}:3"'
    assert (await site.post(path, ada, json={"text": "x"}, headers={"If-Match": etag})).status_code == 201
    answer = await site.post(path, ada, json={"text": "x"}, headers={"If-Match": etag})
    assert check_problem(answer, 412, "head-moved")["head"] == 4


@pytest.mark.parametrize("tag", ["15", '""', 'W/"0"', '"x"', '"0", "1"', '"-1"', '"99999999999999999999"'])
async def test_a_condition_that_is_none_is_refused(site, ada, lounge, tag):
    answer = await site.post(f"/room/{lounge}/messages", ada, json={"text": "x"}, headers={"If-Match": tag})
    assert check_problem(answer, 400, "bad-input")["field"] == "If-Match"


async def test_a_condition_of_another_epoch_is_a_stale_cursor(site, ada, lounge):
    answer = await site.post(
        f"/room/{lounge}/messages", ada, json={"text": "x"}, headers={"If-Match": '"old:0"'}
    )
    check_problem(answer, 409, "stale-cursor")


async def test_only_rooms_have_a_head_to_depend_on(site, ada):
    answer = await site.post("/user/ada/messages", ada, json={"text": "x"}, headers={"If-Match": '"0"'})
    assert check_problem(answer, 400, "bad-input")["field"] == "If-Match"


# -- direct -----------------------------------------------------------------


async def test_a_direct_message_reaches_one_person_and_the_senders_other_devices(site, ada, bob):
    answer = await site.post("/user/Bob/messages", ada, json={"text": "psst"})
    assert answer.status_code == 201
    copy = answer.json()
    assert (copy["type"], copy["to"], copy["seq"]) == ("sent", "bob", 1)
    assert answer.headers["location"] == f"{URL}/inbox/messages/1"
    assert (await site.get(answer.headers["location"], ada)).json() == copy

    (received,) = (await site.get("/inbox/messages", bob)).json()
    assert received == {**copy, "type": "message"}
    assert (await site.get("/inbox/messages", ada)).json() == []


async def test_a_conversation_has_both_sides_and_nobody_elses(site, ada, bob):
    eve = await site.sign_up("eve")
    await site.post("/user/bob/messages", ada, json={"text": "1"})
    await site.post("/user/ada/messages", bob, json={"text": "2"})
    await site.post("/user/bob/messages", eve, json={"text": "3"})
    for who, peer in ((ada, "bob"), (bob, "ada")):
        listed = (await site.get(f"/user/{peer}/messages", who)).json()
        assert [each["text"] for each in listed] == ["1", "2"]
    assert (await site.get("/user/ada/messages", eve)).json() == []


async def test_an_inbox_entry_is_its_owners_only(site, ada, bob):
    await site.post("/user/bob/messages", bob, json={"text": "a note to myself"})
    assert (await site.get("/inbox/messages/1", bob)).status_code == 200
    check_problem(await site.get("/inbox/messages/1", ada), 404, "no-such-message")


async def test_nothing_is_posted_to_nobody(site, ada):
    for name in ("eve", "no%20name"):
        check_problem(await site.post(f"/user/{name}/messages", ada, json={"text": "x"}), 404, "no-such-user")
        check_problem(await site.get(f"/user/{name}/messages", ada), 404, "no-such-user")


# -- bodies -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{}", "text"),
        (b'{"text": 3}', "text"),
        (b'{"text": null}', "text"),
        (b'{"text": ""}', "text"),
        (b'{"text": "a\\u0000b"}', "text"),
        (b'{"text": "\\ud800"}', None),
        (b"[]", None),
        (b'"text"', None),
        (b"", None),
        (b'{"text": "x"', None),
        (b'{"text": "\xff"}', None),
        (b'{"text": "x"} {}', None),
        (b'{"more": ' + b"[" * 50_000 + b"]" * 50_000 + b', "text": "x"}', None),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_and_the_field_named(site, ada, lounge, body, field):
    answer = await site.post(f"/room/{lounge}/messages", ada, content=body)
    assert check_problem(answer, 400, "bad-input").get("field") == field


async def test_members_nobody_knows_are_ignored(site, ada, lounge):
    answer = await site.post(
        f"/room/{lounge}/messages", ada, json={"text": "x", "type": "message", "mood": ["merry"]}
    )
    assert answer.status_code == 201


async def test_any_text_comes_back_as_it_was_sent(site, ada, lounge):
    text = "a\n\t\u202e<script>alert(1)</script> \U0001f642 e\u0301 \u2028"
    posted = await site.post(f"/room/{lounge}/messages", ada, json={"text": text})
    assert posted.json()["text"] == text


async def test_the_largest_text_fits_and_one_byte_more_does_not(site, ada, lounge):
    path = f"/room/{lounge}/messages"
    assert (await site.post(path, ada, json={"text": "é" * 8192})).status_code == 201
    answer = await site.post(path, ada, json={"text": "é" * 8192 + "x"})
    assert check_problem(answer, 413, "too-large")["limit_bytes"] == 16_384


async def test_a_body_is_json_or_does_not_say_what_it_is(site, ada, lounge):
    path, body = f"/room/{lounge}/messages", b'{"text": "x"}'
    for kind in (
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/a+json",
    ):
        answer = await site.post(path, ada, content=body, headers={"Content-Type": kind})
        assert answer.status_code == 201, kind
    assert (await site.post(path, ada, content=body)).status_code == 201
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"):
        answer = await site.post(path, ada, content=body, headers={"Content-Type": kind})
        check_problem(answer, 415, "unsupported-media-type")


# -- pages ------------------------------------------------------------------


async def test_without_a_cursor_the_newest_are_read_oldest_first(site, ada, lounge):
    await site.say(ada, lounge, *"abcde")
    page = await site.get(f"/room/{lounge}/messages?limit=2", ada)
    assert [each["text"] for each in page.json()] == ["d", "e"]
    assert set(page.links) == {"prev"}


async def test_links_lead_through_all_of_it_in_both_directions(site, ada, lounge):
    await site.say(ada, lounge, *"abcde")
    read, link = [], f"/room/{lounge}/messages?after=0&limit=2"
    while link:
        page = await site.get(link, ada)
        read += [each["text"] for each in page.json()]
        link = page.links.get("next", {}).get("url")
    assert read == list("abcde")
    read, link = [], f"/room/{lounge}/messages?limit=2"
    while link:
        page = await site.get(link, ada)
        read = [each["text"] for each in page.json()] + read
        link = page.links.get("prev", {}).get("url")
    assert read == list("abcde")


async def test_links_are_absolute_and_keep_the_limit(site, ada, lounge):
    await site.say(ada, lounge, *"abc")
    page = await site.get(f"/room/{lounge}/messages?after=1&limit=1&wait=5", ada)
    epoch = site.context.info.epoch
    address = f"{URL}/room/{lounge}/messages?limit=1"
    assert page.links["next"]["url"] == f"{address}&after={epoch}:2"
    assert page.links["prev"]["url"] == f"{address}&before={epoch}:2"


async def test_an_unchanged_page_is_not_sent_again(site, ada, lounge):
    await site.say(ada, lounge, "a")
    path = f"/room/{lounge}/messages"
    etag = (await site.get(path, ada)).headers["etag"]
    assert (await site.get(path, ada, headers={"If-None-Match": etag})).status_code == 304
    await site.say(ada, lounge, "b")
    assert (await site.get(path, ada, headers={"If-None-Match": etag})).status_code == 200


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=x", "after"),
        ("after=", "after"),
        ("after=-1", "after"),
        ("before=1.5", "before"),
        ("after=0&before=1", "before"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=many", "limit"),
        ("wait=-1", "wait"),
        ("wait=nan", "wait"),
        ("after=0&after=1", "after"),
    ],
)
async def test_a_bad_query_names_the_field(site, ada, lounge, query, field):
    answer = await site.get(f"/room/{lounge}/messages?{query}", ada)
    assert check_problem(answer, 400, "bad-input")["field"] == field


@pytest.mark.parametrize("cursor", ["7", "another:0"])
async def test_a_cursor_of_another_history_is_never_misread(site, ada, lounge, cursor):
    answer = await site.get(f"/room/{lounge}/messages?after={cursor}", ada)
    check_problem(answer, 409, "stale-cursor")


async def test_a_removed_range_stands_in_the_list_as_a_gap(site, clock, ada, lounge):
    await site.say(ada, lounge, "old")
    clock.pass_(10)
    await site.say(ada, lounge, "new")
    store = site.context.history._store
    await store.trim(sent_before_ms=clock.now_ms(), limit=10)
    gap, message = (await site.get(f"/room/{lounge}/messages?after=0", ada)).json()
    assert gap == {"type": "gap", "room": lounge, "first": 1, "last": 1, "reason": "retention"}
    assert message["text"] == "new"
    check_problem(await site.get(f"/room/{lounge}/messages/1", ada), 404, "no-such-message")


async def test_a_message_that_never_was_is_not_found(site, ada, lounge):
    for seq in ("1", "0", "x", "-1", "9" * 30, "%C2%B2"):
        answer = await site.get(f"/room/{lounge}/messages/{seq}", ada)
        check_problem(answer, 404, "no-such-message")


# -- waiting ----------------------------------------------------------------


async def test_a_long_poll_answers_as_soon_as_there_is_something(site, ada, lounge):
    waiting = asyncio.create_task(site.get(f"/room/{lounge}/messages?after=0&wait=30", ada))
    while not site.context.hub._logs:
        await asyncio.sleep(0)
    await site.say(ada, lounge, "here")
    answer = await waiting
    assert [each["text"] for each in answer.json()] == ["here"]
    assert not site.context.hub._logs


async def test_a_long_poll_whose_time_is_up_is_empty(site, clock, ada, lounge):
    waiting = asyncio.create_task(site.get(f"/room/{lounge}/messages?after=0&wait=0.001", ada))
    while not site.context.hub._logs:
        await asyncio.sleep(0)
    clock.pass_(1)
    answer = await waiting
    assert (answer.status_code, answer.json()) == (200, [])


async def test_a_long_poll_ends_when_its_client_goes(site, ada, lounge):
    client = RawClient(site.app, "GET", f"/room/{lounge}/messages", ada, query="after=0&wait=30")
    asking = asyncio.create_task(client.ask())
    while not site.context.hub._logs:
        await asyncio.sleep(0)
    client.says({"type": "http.disconnect"})
    await asking
    assert client.status == 408
    assert not site.context.hub._logs


async def test_a_long_poll_at_the_end_of_the_server_is_told_to_come_back(site, ada, lounge):
    waiting = asyncio.create_task(site.get(f"/room/{lounge}/messages?after=0&wait=30", ada))
    while not site.context.hub._logs:
        await asyncio.sleep(0)
    site.context.hub.dismiss(ShuttingDown)
    check_problem(await waiting, 503, "shutting-down")
