"""What the server shows of itself: the page in which people talk, what this is, the documents, their
page, the problems' pages."""

from hubbub.api import html, problems
from hubbub.api.answer import HTML, Answer
from hubbub.api.call import Call
from hubbub.api.lists import tagged
from hubbub.domain.errors import NoSuchPage

_ASSETS = {"site.css": b"text/css; charset=utf-8", "mark.svg": b"image/svg+xml"}


async def openapi(call: Call) -> Answer:
    return tagged(call, call.site.documents.openapi(call.url))


async def asyncapi(call: Call) -> Answer:
    return tagged(call, call.site.documents.asyncapi(call.url))


async def docs(call: Call) -> Answer:
    return tagged(call, call.site.documents.docs(call.url), media_type=HTML)


async def home(call: Call) -> Answer:
    """Where people talk; on a server without the built page, what it is. Raises BadInput."""
    index = call.site.built.index
    if index is None:
        return await about(call)
    _ = call.url  # a Host that is none is refused here too, though the page is the same at every address
    return index.answer(call.headers)


async def about(call: Call) -> Answer:
    return tagged(call, call.site.documents.about(call.url), media_type=HTML)


async def problem(call: Call) -> Answer:
    found = problems.page_for(call.part("code"))
    if found is None:
        raise NoSuchPage("There is no problem of this name.")
    return tagged(call, found, media_type=HTML)


async def asset(call: Call) -> Answer:
    name = call.part("file")
    built = call.site.built.assets.get(name)
    if built is not None:
        return built.answer(call.headers)
    if name not in _ASSETS:
        raise NoSuchPage
    return tagged(call, html.asset(name), media_type=_ASSETS[name])
