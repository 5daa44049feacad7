"""The HTTP side as one ASGI application: routes from the table, one edge all answers leave through.

Everything between is plain ASGI: no task and no wrapped request for each layer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping

import structlog
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hubbub.api import built
from hubbub.api.answer import NOT_KEPT, PROBLEM, Answer
from hubbub.api.call import Call, Site, Unfinished, first
from hubbub.api.context import Context
from hubbub.api.cors import Cors
from hubbub.api.documents import Documents
from hubbub.api.errors import problem
from hubbub.api.gate import admit
from hubbub.api.guard import guard
from hubbub.api.operation import Operation
from hubbub.api.operations import OPERATIONS
from hubbub.api.settings import Settings
from hubbub.domain.errors import HubbubError, MethodNotAllowed, NoSuchPage, NotSignedIn

_log = structlog.get_logger("hubbub.http")


def build_app(context: Context, *, trouble: Callable[[], HubbubError | None] = lambda: None) -> ASGIApp:
    """Everything at every path. `trouble` says why the server is not ready for requests, None when it is."""
    documents = Documents(OPERATIONS)
    site = Site(context=context, documents=documents, built=built.read(), trouble=trouble)
    by_path: dict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in OPERATIONS:
        by_path[operation.path][operation.method] = operation
    routes = [Route(path, Resource(site, operations)) for path, operations in by_path.items()]
    router = Router(routes, redirect_slashes=False, default=_nothing_here)
    return Edge(router, context.settings)


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    raise NoSuchPage("There is nothing at this address; /docs lists what there is.")


class Resource:
    """All that can be asked of one path."""

    def __init__(self, site: Site, operations: Mapping[str, Operation]) -> None:
        self._site = site
        self._operations = dict(operations)
        get = operations.get("GET")
        if get is not None and not get.streams:
            self._operations["HEAD"] = get
        self._allow = ", ".join([*self._operations, "OPTIONS"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("\n"):  # which the router's `$` takes for the end
            raise NoSuchPage("There is nothing at this address; /docs lists what there is.")
        operation = self._operations.get(scope["method"])
        if operation is None:
            await self._other(scope)(scope, receive, send)
            return
        answer = await self._answer(operation, Call(self._site, scope, receive))
        await answer(scope, receive, send)

    async def _answer(self, operation: Operation, call: Call) -> ASGIApp:
        """In this order: is it too fast, who is it, what is asked, what is the answer."""
        context = call.context
        if operation.limited:
            context.limits.requests.take(call.address)
        if operation.access != "anyone":
            try:
                call.caller = await admit(
                    context,
                    call.headers,
                    ticket=first(call.scope, "ticket") if operation.access == "ticket" else None,
                    public_origin=call.url,
                    address=call.address,
                    safe=operation.method == "GET",
                )
            except NotSignedIn:
                if operation.streams and _comes_back_by_itself(call.headers):
                    return Answer(status=204)
                raise
        if operation.body is not None:
            return await operation.handler(call, await call.body(operation.body))
        if operation.query is not None:
            return await operation.handler(call, call.query(operation.query))
        return await operation.handler(call)

    def _other(self, scope: Scope) -> Answer:
        """What is allowed here, to who asks for that (RFC 9110, section 9.3.7) or for something else."""
        allow = (b"allow", self._allow.encode())
        if scope["method"] == "OPTIONS":
            return Answer(status=204, headers=[allow])
        return problem(MethodNotAllowed(f"This address takes {self._allow}."), [allow])


class Edge:
    """The outermost layer: every answer leaves through it, errors as problems, all with the same guard."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self._cors = Cors(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        fields = guard(self._settings, scope["scheme"])
        if self._cors.open:
            fields = (*fields, *self._cors.fields(scope))
        begun = False

        async def send_guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                message["headers"] = [*message["headers"], *fields]
            await send(message)

        try:
            await self._app(scope, receive, send_guarded)
        except Exception as error:
            if begun:
                raise
            await _failed(error)(scope, receive, send_guarded)


def _comes_back_by_itself(headers: Mapping[str, str]) -> bool:
    """Whether this is a browser's EventSource, which has no Authorization to give, and connects again and
    again until it is answered 204 (HTML standard, section 9.2.3)."""
    return "last-event-id" in headers and "authorization" not in headers


def _failed(error: Exception) -> Answer:
    if isinstance(error, Unfinished):
        return _UNFINISHED
    if not isinstance(error, HubbubError):
        _log.error("a request ended in a bug", exc_info=error)
    return problem(error)


# The client has most likely gone. If not, what it may still send is not read as a request.
_UNFINISHED = Answer(
    b'{"type":"about:blank","title":"Request Timeout","status":408}',
    status=408,
    media_type=PROBLEM.encode(),
    headers=[NOT_KEPT, (b"connection", b"close")],
)
