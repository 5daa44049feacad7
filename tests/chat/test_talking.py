"""The full-screen client against a real server, headless."""

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import token_of

from .seat import seated


async def test_two_people_talk(server, lounge, tmp_path):
    async with (
        seated(tmp_path / "a", server.url, "ada") as ada,
        seated(tmp_path / "b", server.url, "bob") as bob,
    ):
        await ada.opens(lounge)
        await bob.opens(lounge)

        await ada.says("hello bob")
        await bob.shows("hello bob")
        await bob.says("hello ada")
        await ada.shows("hello ada")

        expected = ["one", "two", "three", "hello bob", "hello ada"]
        await ada.until(lambda: ada.said == expected and not ada.fates)
        await bob.until(lambda: bob.said == expected and not bob.fates)


async def test_a_direct_message_is_shown_to_both_and_opens_a_conversation(server, tmp_path):
    async with (
        seated(tmp_path / "a", server.url, "ada") as ada,
        seated(tmp_path / "b", server.url, "bob") as bob,
    ):
        await ada.opens("bob")
        await ada.says("psst")

        await bob.until(lambda: bob.unread("ada") == 1)
        await bob.opens("ada")
        await bob.shows("psst")
        assert bob.first_new == "psst"
        await bob.until(lambda: bob.unread("ada") == 0)


async def test_what_is_unread_is_counted_and_a_line_stands_before_it(server, lounge, bob, tmp_path):
    async with Client(server.url, token=token_of("ada")) as client, deadline():
        await client.mark(2, room=lounge)

    async with seated(tmp_path, server.url) as ada:
        assert ada.unread("Lounge") == 1
        await bob.post("four", room=lounge)
        await ada.until(lambda: ada.unread("Lounge") == 2)

        await ada.opens(lounge)

        assert ada.first_new == "three"
        await ada.until(lambda: ada.unread("Lounge") == 0)
        async with Client(server.url, token=token_of("ada")) as client, deadline():
            await ada.until(lambda: ada.talk._marker._told)
            assert [each.seq async for each in client.marks()] == [4]


async def test_what_another_device_has_read_is_read_here_too(server, lounge, tmp_path):
    async with Client(server.url, token=token_of("ada")) as other, deadline():
        await other.mark(0, room=lounge)
        async with seated(tmp_path, server.url) as ada:
            assert ada.unread("Lounge") == 3

            await other.mark(3, room=lounge)

            await ada.until(lambda: ada.unread("Lounge") == 0)


async def test_a_conversation_that_another_device_has_read_in_part_is_counted_anew(server, bob, tmp_path):
    async with Client(server.url, token=token_of("ada")) as other, deadline():
        for text in ("one", "two", "three"):
            await bob.post(text, to="ada")
        async with seated(tmp_path, server.url) as ada:
            assert ada.unread("bob") == 3

            await other.mark(2, to="bob")
            await ada.until(lambda: ada.unread("bob") == 1)
            await other.mark(3, to="bob")
            await ada.until(lambda: ada.unread("bob") == 0)


async def test_a_room_that_another_device_follows_appears_and_goes(server, lounge, bob, tmp_path):
    async with (
        Client(server.url, token=token_of("ada")) as other,
        seated(tmp_path, server.url) as ada,
        deadline(),
    ):
        assert ada.unread("Lounge") is None

        await other.mark(1, room=lounge)
        await ada.until(lambda: ada.unread("Lounge") == 2)
        await bob.post("four", room=lounge)
        await ada.until(lambda: ada.unread("Lounge") == 3)

        await other.unfollow(lounge)
        await ada.until(lambda: ada.unread("Lounge") is None)


async def test_nothing_is_marked_as_read_while_nobody_looks(server, lounge, bob, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.until(lambda: ada.unread("Lounge") == 0)
        ada.app.app_focus = False

        await bob.post("four", room=lounge)
        await ada.shows("four")
        assert ada.unread("Lounge") == 1

        from textual.events import AppFocus

        ada.app.post_message(AppFocus())
        await ada.until(lambda: ada.unread("Lounge") == 0)


async def test_history_goes_back_to_the_beginning_and_the_window_stays_bounded(
    server, lounge, bob, tmp_path, monkeypatch
):
    from hubbub.chat.state import timeline

    monkeypatch.setattr(timeline, "MOST_ENTRIES", 90)
    async with deadline():
        for number in range(200):
            await bob.post(f"line {number}", room=lounge)

    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        assert ada.said[-1] == "line 199"

        most = 0

        async def scroll(key: str, wanted: str) -> None:
            nonlocal most
            async with deadline():
                while not ada.sees(wanted):
                    await ada.press(key)
                    most = max(most, len(ada.said))

        await scroll("pageup", "This is where it begins.")
        assert ada.said[:4] == ["one", "two", "three", "line 0"]
        await scroll("pagedown", "line 199")

        assert most <= 90
        numbers = [int(text.split()[1]) for text in ada.said if text.startswith("line")]
        assert numbers == list(range(numbers[0], 200))


async def test_what_is_read_stays_in_sight_when_something_is_said(server, lounge, bob, tmp_path):
    async with deadline():
        for number in range(100):
            await bob.post(f"line {number}", room=lounge)
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.press("pageup")
        await ada.until(lambda: not ada.sees("line 99") and not ada.talk.state.open.following)
        glances: list[list[str]] = []

        def is_at_rest() -> bool:
            """Nothing has moved for some glances: what was older has come, and the page has turned."""
            glances.append([line[30:90].strip() for line in ada.lines[3:20]])
            return len(glances) > 20 and all(glance == glances[-1] for glance in glances[-20:])

        await ada.until(is_at_rest)
        before = glances[-1]

        await bob.post("news", room=lounge)

        await ada.shows("1 new")
        assert [line[30:90].strip() for line in ada.lines[3:20]] == before
        await ada.press("escape")
        await ada.shows("news")


async def test_what_is_read_stays_in_sight_when_an_older_page_comes(server, lounge, bob, tmp_path):
    async with deadline():
        for number in range(150):
            await bob.post(f"line {number}", room=lounge)
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.shows("line 149")
        assert ada.said[0] == "line 90"

        await ada.until(lambda: not ada.history.settling)
        ada.history.scroll_to(y=0, animate=False)

        await ada.until(lambda: len(ada.said) > 60 and not ada.history.settling)
        await ada.shows("line 91")


async def test_a_draft_is_kept_where_it_was_begun(server, lounge, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.type("half a thou")
        await ada.opens("bob")
        assert not ada.sees("half a thou")

        await ada.opens(lounge)

        await ada.shows("half a thou")


async def test_what_is_typed_right_after_sending_belongs_to_the_next_message(server, lounge, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.type("first\rsecond\nline")  # all at once, as a quick typist or a paste of keys has it
        await ada.press("enter")

        await ada.until(lambda: ada.said[3:] == ["first", "second\nline"] and not ada.fates)


async def test_what_was_refused_is_said_and_can_be_tried_again_or_discarded(server, bob, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.opens("nina")
        await ada.says("first")
        await ada.says("second")
        await ada.until(lambda: ada.fates == ["failed", "failed"])
        await ada.shows("not sent")

        async with deadline():
            await bob.sign_up("nina", "correct horse battery")
        await ada.press("shift+tab", "d")  # the last of them
        await ada.until(lambda: ada.fates == ["failed"])
        await ada.press("shift+tab", "r")

        await ada.until(lambda: ada.said == ["first"] and not ada.fates)


async def test_signing_out_elsewhere_ends_it_with_a_message(server, lounge, tmp_path):
    from hubbub.terminal import Sessions

    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        async with Client(server.url, token=token_of("ada")) as other, deadline():
            await other.sign_out()

        await ada.shows("You were signed out.")

        assert ada.field("server").value == server.url
        assert ada.field("name").value == "ada"
        assert Sessions(tmp_path).all() == ()


async def test_a_room_that_is_followed_no_more_goes(server, lounge, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.until(lambda: ada.unread("Lounge") == 0)

        await ada.press("ctrl+x")

        await ada.until(lambda: ada.unread("Lounge") is None)
        await ada.shows("Choose a room or a person")


async def test_the_bell_rings_for_direct_messages_when_it_is_wanted(
    server, lounge, bob, tmp_path, monkeypatch
):
    async with seated(tmp_path, server.url) as ada:
        rung = []
        monkeypatch.setattr(ada.app, "bell", lambda: rung.append(True))
        await ada.opens(lounge)
        async with deadline():
            await bob.post("quiet", to="ada")
        await ada.until(lambda: ada.unread("bob") == 1)
        assert not rung

        await ada.press("f4")
        async with deadline():
            await bob.post("in the room", room=lounge)
            await bob.post("loud", to="ada")
        await ada.until(lambda: ada.unread("bob") == 2)

        assert rung == [True]
