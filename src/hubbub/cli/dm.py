"""`hubbub dm`: posting to a person, and the conversation with them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from hubbub.cli.errors import Misused
from hubbub.cli.following import Last, Mark, Printer, printing
from hubbub.cli.posting import Key, Lines, Said, said, send
from hubbub.cli.signed_in import PATIENCE_SECONDS, AsJson, Patience, Server, session, talk
from hubbub.domain.policy import user_name
from hubbub.terminal import Session, who_am_i

if TYPE_CHECKING:
    from hubbub.client import Client, Event, Message, Sent


def dm(
    name: Annotated[str, Parameter(help="The person's handle.")],
    /,
    *text: Annotated[str, Parameter(help="What to say; - for standard input.")],
    lines: Lines = False,
    key: Key = None,
    last: Last = 20,
    live: Annotated[
        bool,
        Parameter(
            name="--follow",
            help="Go on with what you two post, until Ctrl-C.",
        ),
    ] = False,
    mark: Mark = False,
    patience: Patience = PATIENCE_SECONDS,
    json: AsJson = False,
    server: Server = None,
) -> int:
    """Post to a person; or, without a text, show your conversation.

    hubbub dm bob Lunch at one?
    hubbub dm bob --follow
    make report | hubbub dm bob -
    """
    person = user_name(name)
    me = session(server)
    if text or lines:
        if live:
            raise Misused("--follow shows the conversation, and there is something to post")
        return talk(me, _posting(person, said(text, lines=lines, key=key), json), patience_seconds=patience)
    if key is not None:
        raise Misused("--key names a post, and there is nothing to post")
    if last < 0:
        raise Misused("-n: a number from 0")
    return talk(me, _showing(me, person, last, live, json, mark), lasting=live)


def _posting(person: str, what: Said, json: bool) -> Callable[["Client"], Awaitable[int]]:
    async def work(client: "Client") -> int:
        try:
            return await send(client, what, to=person, json=json)
        except Exception as error:
            await _explain(client, person, error)
            raise

    return work


def _showing(
    me: Session, person: str, last: int, live: bool, json: bool, mark: bool
) -> Callable[["Client"], Awaitable[int]]:
    async def work(client: "Client") -> int:
        user = await who_am_i(me, client)
        try:
            async with printing(client, user, json=json, mark=mark, people=True) as printer:
                if live:
                    await _live(client, user, person, last, printer)
                else:
                    for event in await _past(client, person, last):
                        printer.put(event)
        except Exception as error:
            await _explain(client, person, error)
            raise
        return 0

    return work


async def _past(client: "Client", person: str, last: int) -> list["Event"]:
    """The last of the conversation, oldest first."""
    events: list[Event] = []
    backward = client.conversation(person)
    async for event in backward:
        if len(events) == last:
            break
        events.append(event)
    return events[::-1]


async def _live(client: "Client", user: str, person: str, last: int, printer: Printer) -> None:
    from hubbub.protocol.frames import GapFrame

    # Listening begins before the past is read: what is posted meanwhile comes both ways, and is put once.
    async with client.subscribe(inbox=True) as subscription:
        seen = 0
        for event in await _past(client, person, last):
            printer.put(event)
            seen = _end(event)
        async for event in subscription:
            ours = not isinstance(event, GapFrame) and _other(event, user) == person
            if ours and _end(event) > seen:
                printer.put(event)


def _end(event: "Event") -> int:
    from hubbub.protocol.frames import GapFrame

    return event.last if isinstance(event, GapFrame) else event.seq


def _other(event: "Message | Sent", user: str) -> str | None:
    """With whom it was exchanged."""
    return event.to if event.sender == user else event.sender


async def _explain(client: "Client", person: str, error: Exception) -> None:
    """Raises NotThere in place of an error that says no more than that."""
    from hubbub.client import Problem
    from hubbub.terminal.finding import no_such_person

    if isinstance(error, Problem) and error.status == 404:
        raise await no_such_person(client, person) from None
