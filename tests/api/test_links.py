"""Where a link leads there is something."""


async def test_the_newest_page_has_no_next_however_it_was_asked_for(site, ada, lounge):
    await site.say(ada, lounge, "one", "two")
    for query in ("", "?before=3", "?after=0"):
        answer = await site.get(f"/room/{lounge}/messages{query}", ada)
        assert len(answer.json()) == 2
        assert "next" not in answer.headers.get("link", "")


async def test_a_page_before_the_newest_leads_on_to_it(site, ada, lounge):
    await site.say(ada, lounge, "one", "two")
    answer = await site.get(f"/room/{lounge}/messages?before=2", ada)
    assert 'rel="next"' in answer.headers["link"]


async def test_behind_the_newest_messages_of_an_inbox_nothing_is_known_to_follow(site, ada, bob):
    """What follows in its numbers are copies of what was sent, which are not on this list."""
    await site.post("/user/ada/messages", bob, json={"text": "to ada"})
    await site.post("/user/bob/messages", ada, json={"text": "to bob"})
    answer = await site.get("/inbox/messages", ada)
    assert [each["seq"] for each in answer.json()] == [1]
    assert "link" not in answer.headers
