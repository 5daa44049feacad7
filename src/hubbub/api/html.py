"""The frame of all pages, and how text gets into them. Whatever is not markup here is escaped."""

import re
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

import hubbub

_SITE = files("hubbub.api") / "site"
_MENU = (("/about", "About"), ("/docs", "Docs"), ("/openapi.json", "OpenAPI"), ("/asyncapi.json", "AsyncAPI"))
_CODE = re.compile(r"`([^`]+)`")


@cache
def asset(name: str) -> bytes:
    """A file of the pages. Raises FileNotFoundError."""
    return (_SITE / name).read_bytes()


def fill(template: str, **parts: str) -> str:
    """A template of the pages with its parts in place; the parts are HTML already."""
    return Template(asset(template).decode()).substitute(parts)


def page(title: str, body: str, *, here: str = "", kind: str = "") -> str:
    """A whole page. `here` is the address in the menu it stands under."""
    menu = " ".join(f'<a href="{href}"{_current(href, here)}>{escape(text)}</a>' for href, text in _MENU)
    return fill(
        "page.html",
        title=escape(title),
        menu=menu,
        body=body,
        kind=kind,
        version=escape(hubbub.__version__),
    )


def _current(href: str, here: str) -> str:
    return ' aria-current="page"' if href == here else ""


def prose(text: str) -> str:
    """A line of text, with `code` in backticks as code."""
    return _CODE.sub(r"<code>\1</code>", escape(text, quote=False))


def paragraphs(text: str) -> str:
    """Text in which empty lines part paragraphs."""
    return "".join(f"<p>{prose(' '.join(each.split()))}</p>" for each in text.strip().split("\n\n"))


def shell(text: str) -> str:
    """Commands, as typed at a terminal."""
    return f'<pre tabindex="0"><code>{escape(text.strip(), quote=False)}</code></pre>'
