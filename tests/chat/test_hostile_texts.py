"""Texts that drive a terminal which obeys them, or a program which reads markup from them."""

import unicodedata

from hubbub.chat.ui.written import written
from support.deadline import deadline
from terminal.hostile import HOSTILE

from .seat import seated

_JOINERS = "\u200c\u200d"


def harmless(line: str) -> bool:
    return all(unicodedata.category(each) not in ("Cc", "Cs") for each in line if each not in _JOINERS)


async def test_no_text_reaches_the_terminal_as_an_instruction(server, bob, tmp_path):
    async with deadline():
        room = await bob.create_room("[bold red]Lounge[/] :boom:")
        for text in HOSTILE:
            if "\0" not in text:
                await bob.post(text, room=room)

    async with seated(tmp_path, server.url, size=(100, 90)) as ada:
        await ada.opens(room)

        await ada.shows("[bold red]markup[/] [link=http://evil.test]x[/link] :boom:")
        await ada.shows("# [bold red]Lounge[/] :boom:")
        assert all(map(harmless, ada.lines))


async def test_a_link_leads_where_it_says(server, lounge, bob, tmp_path):
    async with deadline():
        await bob.post("see https://example.org/a_(b), and [x](javascript:alert)", room=lounge)

    async with seated(tmp_path, server.url) as ada:
        await ada.opens(lounge)
        await ada.shows("https://example.org/a_(b)")

        strips = ada.app.screen._compositor.render_strips()
        links = {part.style.link for strip in strips for part in strip if part.style and part.style.link}
        assert links == {"https://example.org/a_(b)"}


def test_an_address_in_a_text_is_the_only_thing_that_becomes_a_link():
    content = written("[click](http://evil.test) [@click=app.quit]x[/] https://a.test/?q=1&r=[2]")

    links = [span.style.link for span in content.spans if not isinstance(span.style, str)]
    assert links == ["http://evil.test", "https://a.test/?q=1&r=[2]"]
    assert "[@click=app.quit]x[/]" in content.plain
