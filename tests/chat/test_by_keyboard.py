"""The whole way, by keyboard alone: an account, a room, a message, a person."""

from hubbub.chat.ui.composer import Composer
from hubbub.client import Client
from hubbub.terminal import Sessions
from support.deadline import deadline
from support.seeded import PASSWORD, token_of

from .seat import seated


async def test_from_nothing_to_a_message(server, bob, tmp_path):
    async with seated(tmp_path, server.url, None) as nina:
        await nina.shows("Server")
        await nina.until(lambda: nina.app.focused is nina.field("name"))
        await nina.type("nina")
        await nina.press("enter")
        await nina.type("a long enough one")
        await nina.press("tab", "tab", "enter")  # past "Sign in", to "Create an account"
        await nina.live()
        assert [(each.server, each.user) for each in Sessions(tmp_path).all()] == [(server.url, "nina")]

        await nina.press("ctrl+r")
        await nina.type("Tea Room")
        await nina.shows("Make a room called “Tea Room”")
        await nina.press("enter")
        await nina.shows("# Tea Room")
        await nina.until(lambda: isinstance(nina.app.focused, Composer))
        await nina.type("two")
        await nina.press("ctrl+j")
        await nina.type("lines")
        await nina.press("enter")
        await nina.until(lambda: nina.said == ["two\nlines"] and not nina.fates)

        await nina.press("ctrl+n")
        await nina.type("bo")
        await nina.until(lambda: nina.sees("@ bob") and not nina.sees("@ ada"))
        await nina.press("enter")
        await nina.shows("Message bob")
        await nina.type("hi")
        await nina.press("enter")
        await nina.until(lambda: nina.said == ["hi"] and not nina.fates)

        await nina.press("ctrl+k")
        await nina.type("tea")
        await nina.until(lambda: nina.sees("Go to") and not nina.sees("@ bob  "))
        await nina.press("enter")
        await nina.until(lambda: nina.said == ["two\nlines"])

    async with deadline():
        assert [event.text async for event in bob.inbox()] == ["hi"]


async def test_a_room_whose_name_is_taken_is_opened(server, lounge, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.press("ctrl+r")
        await ada.type("lounge")
        await ada.shows("# Lounge")
        assert not ada.sees("Make a room")
        await ada.press("enter")

        await ada.until(lambda: ada.said == ["one", "two", "three"])


async def test_the_next_place_with_something_unread(server, lounge, bob, tmp_path):
    async with Client(server.url, token=token_of("ada")) as other, deadline():
        await other.mark(0, room=lounge)
        await bob.post("psst", to="ada")
    async with seated(tmp_path, server.url) as ada:
        await ada.press("alt+u")
        await ada.until(lambda: ada.said == ["one", "two", "three"])

        await ada.press("alt+u")
        await ada.until(lambda: ada.said == ["psst"])
        await ada.press("alt+up")
        await ada.until(lambda: ada.said == ["one", "two", "three"])


async def test_a_wrong_password_is_said_and_can_be_mended(server, tmp_path):
    async with seated(tmp_path, server.url, None) as ada:
        await ada.shows("Server")
        await ada.type("ada")
        await ada.press("enter")
        await ada.type("wrong, quite wrong")
        await ada.press("enter")
        await ada.until(lambda: str(ada.app.screen.query_one("#trouble").content))
        await ada.until(lambda: "moment" not in str(ada.app.screen.query_one("#trouble").content))
        assert Sessions(tmp_path).all() == ()

        ada.field("password").value = ""
        await ada.type(PASSWORD)
        await ada.press("enter")

        await ada.live()


async def test_by_mouse(server, lounge, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.click("^R rooms")
        await ada.click("# Lounge")
        await ada.until(lambda: ada.said == ["one", "two", "three"])
        await ada.opens("nobody")
        await ada.says("hello?")
        await ada.click("d discard")
        await ada.until(lambda: not ada.fates)
        await ada.click("# Lounge")
        await ada.until(lambda: ada.said == ["one", "two", "three"])


async def test_light_and_dark(server, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        assert ada.app.current_theme.dark
        await ada.press("ctrl+t")
        assert not ada.app.current_theme.dark


async def test_text_can_be_selected_and_copied(server, lounge, tmp_path):
    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.shows("three")
        ada.app.screen.text_select_all()

        await ada.press("ctrl+c")

        await ada.until(lambda: "two" in ada.app.clipboard)
