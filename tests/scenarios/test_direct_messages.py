"""What one person posts to another: they two read it, on all their devices, and nobody else does."""

import pytest

from hubbub.client import Problem


async def test_a_message_to_a_person_arrives_at_once(hall):
    ada, bob = await hall.people("ada", "bob")
    await bob.listens(inbox=True)
    await ada.says("psst", "over here", to=bob)
    first, second = await bob.hears("psst", "over here")
    assert (first.sender, first.to, first.room, first.seq) == ("ada", "bob", None, 1)
    assert second.seq == 2


async def test_the_senders_other_devices_get_a_copy(hall):
    ada, her_phone, bob = await hall.people("ada", "ada", "bob")
    await her_phone.listens(inbox=True)
    (receipt,) = await ada.says("psst", to=bob)
    (copy,) = await her_phone.hears("psst")
    assert type(copy).__name__ == "Sent"
    assert copy == receipt
    await bob.says("what?", to=ada)
    (answer,) = await her_phone.hears("what?")
    assert (type(answer).__name__, answer.seq) == ("Message", 2)


async def test_both_ends_of_a_message_have_the_same_id_and_each_its_own_number(hall):
    ada, bob, cyd = await hall.people("ada", "bob", "cyd")
    await cyd.says("first in your inbox", to=bob)
    await bob.listens(inbox=True)
    (receipt,) = await ada.says("psst", to=bob)
    (heard,) = await bob.hears("psst")
    assert heard.id == receipt.id
    assert (heard.seq, receipt.seq) == (2, 1)


async def test_nobody_else_hears_or_reads_it(hall):
    ada, bob, eve = await hall.people("ada", "bob", "eve")
    await eve.listens(hall.room, inbox=True)
    await ada.says("our secret", to=bob)
    await ada.says("good morning all")
    await bob.says("good morning eve", to=eve)
    await eve.hears("good morning all", "good morning eve")
    assert [event.text async for event in eve.client.inbox()] == ["good morning eve"]
    assert [event async for event in eve.client.conversation("ada")] == []


async def test_a_note_to_oneself_is_one_message(hall):
    (ada,) = await hall.people("ada")
    await ada.listens(inbox=True)
    await ada.says("milk", "bread", to=ada)
    heard = await ada.hears("milk", "bread")
    assert [type(event).__name__ for event in heard] == ["Message", "Message"]
    assert [event.text async for event in ada.client.inbox(after=0)] == ["milk", "bread"]


async def test_the_inbox_lists_what_was_posted_to_me_and_a_conversation_both_ways(place):
    ada, bob, cyd = await place.people("ada", "bob", "cyd")
    await ada.says("b1", to=bob)
    await bob.says("a1", to=ada)
    await cyd.says("a2", to=ada)
    await ada.says("b2", to=bob)
    assert [event.text async for event in ada.client.inbox(after=0)] == ["a1", "a2"]
    assert [event.text async for event in ada.client.conversation("bob", after=0)] == ["b1", "a1", "b2"]
    assert [event.text async for event in bob.client.conversation("ada", after=0)] == ["b1", "a1", "b2"]
    assert [event.text async for event in ada.client.conversation("bob")] == ["b2", "a1", "b1"]
    assert [event.text async for event in ada.client.conversation("eve")] == []


async def test_an_inbox_can_be_caught_up_with_after_an_absence(hall):
    ada, bob = await hall.people("ada", "bob")
    await bob.listens(inbox=True)
    await bob.leaves()
    await ada.says("one", "two", to=bob)
    await bob.returns()
    await bob.hears("one", "two")


async def test_there_has_to_be_such_a_person(place):
    (ada,) = await place.people("ada")
    with pytest.raises(Problem) as refused:
        await ada.client.post("hello?", to="nobody")
    assert (refused.value.status, refused.value.code) == (404, "no-such-user")
    async with await ada.client.socket() as socket:
        with pytest.raises(Problem) as refused:
            await socket.post("hello?", to="nobody")
    assert (refused.value.status, refused.value.code) == (404, "no-such-user")
