"""The table of operations as an OpenAPI 3.1 document."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import hubbub
from hubbub.api.answer import PROBLEM
from hubbub.api.errors import INTERNAL, INTERNAL_CODE, INTERNAL_DETAIL, INTERNAL_TITLE, WIRE, page_of
from hubbub.api.gate import COOKIE, cookie_name
from hubbub.api.operation import Operation
from hubbub.api.schemas import HANDLE, ROOM_ID, Schema, components, members
from hubbub.domain.errors import HubbubError, TooFast
from hubbub.domain.policy import KEY_PATTERN
from hubbub.protocol.cursor import CURSOR_PATTERN, MAX_SEQ
from hubbub.protocol.frames import Problem

INTRODUCTION = """\
A chat server: rooms, people, and what they say, durable, in order, once.

Sign up, sign in, and send the token as `Authorization: Bearer TOKEN` with everything else. Every room is a
log of messages numbered 1, 2, 3 …; a reader who remembers the last number it saw misses nothing, however
long it was away. Errors are `application/problem+json` (RFC 9457), and each kind has a page that explains it.
"""

_PARTS: dict[str, tuple[str, Schema]] = {
    "roomId": ("The room's id, as in the list of rooms.", ROOM_ID),
    "userId": ("The person's name.", HANDLE),
    "sessionId": ("The session's id, as in the list of sessions.", {"type": "string"}),
    "seq": ("The message's number in its log.", {"type": "integer", "minimum": 1, "maximum": MAX_SEQ}),
    "code": ("The last part of a problem's `type`.", {"type": "string"}),
    "file": ("The file's name.", {"type": "string"}),
}
_REQUEST_FIELDS: dict[str, tuple[str, Schema]] = {
    "Idempotency-Key": (
        "Your own name for this message, so that it can safely be sent again: the same key in the same place "
        "gives the same answer for ever.",
        {"type": "string", "pattern": f"^{KEY_PATTERN}$"},
    ),
    "If-Match": (
        'Post only if this is still the room\'s head: in quotes, as in `"15"`, or the ETag of a list.',
        {"type": "string", "pattern": f'^("{CURSOR_PATTERN}"|\\*)$'},
    ),
    "If-None-Match": ("The ETag of what you have: 304 when nothing is new.", {"type": "string"}),
    "Accept": (
        "How to listen. Without either of these the answer is 202, with addresses to listen at.",
        {"type": "string", "examples": ["text/event-stream", "application/x-ndjson", "*/*"]},
    ),
    "Last-Event-ID": (
        "The `id:` of the last event an event stream gave; wins over `after`.",
        {"type": "string"},
    ),
}
_ANSWER_FIELDS: dict[str, str] = {
    "Location": "The absolute address of what was made, or of where to listen.",
    "ETag": "What the answer says, for If-None-Match; of a list of messages it is the cursor at the head.",
    "Link": 'Absolute addresses of the pages around this one, `rel="next"` and `rel="prev"` (RFC 8288).',
    "RateLimit-Policy": "How much is allowed: `q` in `w` seconds (draft-ietf-httpapi-ratelimit-headers).",
    "RateLimit": "How much is left: `r` now, all of it in `t` seconds.",
    "Retry-After": "How many seconds to wait.",
    "WWW-Authenticate": "`Bearer`.",
}
_STREAM_SCHEMA: Schema = {
    "type": "string",
    "description": "Events without end; each is the JSON described by the AsyncAPI document.",
}


DONE = "Done."


def openapi(operations: Sequence[Operation], url: str) -> dict[str, Any]:
    """The document of a server that is reached at `url`."""
    types = [operation.gives for operation in operations if _is_json(operation)]
    types += [operation.body for operation in operations if operation.body is not None]
    schemas, named = components([*types, Problem])
    named["Problem"] = {**named["Problem"], "additionalProperties": True}
    given = dict(zip(map(repr, types), schemas, strict=False))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in operations:
        paths[operation.path][operation.method.lower()] = _operation(operation, given)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "hubbub",
            "version": hubbub.__version__,
            "summary": "A chat server: durable, in order, once.",
            "description": INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": url}],
        "externalDocs": {"url": f"{url}/asyncapi.json", "description": "What is said on live connections."},
        "tags": [{"name": topic} for topic in dict.fromkeys(each.topic for each in operations)],
        "paths": paths,
        "components": {
            "schemas": named,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "From `POST /sessions`."},
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": cookie_name(COOKIE, url),
                    "description": "For pages of this server: from `POST /sessions` with `cookie`.",
                },
                "ticket": {
                    "type": "apiKey",
                    "in": "query",
                    "name": "ticket",
                    "description": "For half a minute and the logs it was made for: from a 202 answer.",
                },
            },
        },
    }


def _is_json(operation: Operation) -> bool:
    return operation.gives is not None and operation.media_type == "application/json"


def _operation(operation: Operation, given: dict[str, Schema]) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.topic],
        "security": _security(operation),
        "parameters": [*_parts(operation), *_query(operation), *_fields(operation)],
        "responses": {**_success(operation, given), **_failures(operation.errors)},
    }
    if operation.body is not None:
        content = {"application/json": {"schema": given[repr(operation.body)]}}
        made["requestBody"] = {"required": True, "content": content}
    return made


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    names = {"anyone": (), "signed-in": ("token", "cookie"), "ticket": ("token", "cookie", "ticket")}
    return [{name: []} for name in names[operation.access]]


def _parts(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        description, schema = _PARTS[name]
        yield {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _query(operation: Operation) -> Iterable[dict[str, Any]]:
    if operation.query is None:
        return
    for name, schema in members(operation.query).items():
        if name == "ticket":
            continue  # stands under security
        kept = {key: value for key, value in schema.items() if key != "description"}
        yield {
            "name": name,
            "in": "query",
            "description": schema.get("description", ""),
            "schema": _without_null(kept),
        }


def _without_null(schema: Schema) -> Schema:
    """What may be absent from a query is never null in it."""
    match schema:
        case {"anyOf": [choice, {"type": "null"}], "default": None, **rest}:
            return {**choice, **rest}
    return schema


def _fields(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in operation.fields:
        description, schema = _REQUEST_FIELDS[name]
        yield {"name": name, "in": "header", "description": description, "schema": schema}


def _success(operation: Operation, given: dict[str, Schema]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": DONE}
    if operation.answers:
        answer["headers"] = _answer_fields(operation.answers)
    if operation.gives is not None:
        schema = given[repr(operation.gives)] if _is_json(operation) else {"type": "string"}
        answer["content"] = {operation.media_type: {"schema": schema}}
    responses = {str(operation.status): answer}
    if operation.status == 202:
        answer["description"] = "Where to listen: addresses that carry a ticket."
        streams = {kind: {"schema": _STREAM_SCHEMA} for kind in ("text/event-stream", "application/x-ndjson")}
        responses["200"] = {"description": "The stream, when Accept asks for one.", "content": streams}
    if operation.status in (101, 202):
        upgraded = "With `Upgrade: websocket`: the connection of the AsyncAPI document."
        responses["101"] = {"description": upgraded}
    if "If-None-Match" in operation.fields:
        responses["304"] = {"description": "Nothing is new.", "headers": _answer_fields(("ETag",))}
    return responses


def _failures(errors: Iterable[type[HubbubError]]) -> dict[str, Any]:
    by_status: dict[int, list[type[HubbubError]]] = defaultdict(list)
    for error in errors:
        by_status[WIRE[error].status].append(error)
    responses = {str(status): _failure(status, by_status[status]) for status in sorted(by_status)}
    bug = {"type": page_of(INTERNAL_CODE), "title": INTERNAL_TITLE, "status": INTERNAL.status}
    responses["default"] = {
        "description": "Something else went wrong: any request may meet this.",
        "content": {
            PROBLEM: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "examples": {INTERNAL_CODE: {"value": {**bug, "detail": INTERNAL_DETAIL}}},
            }
        },
    }
    return responses


def _failure(status: int, errors: Sequence[type[HubbubError]]) -> dict[str, Any]:
    examples = {
        error.code: {"value": {"type": page_of(error.code), "title": error.title, "status": status}}
        for error in errors
    }
    content = {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": examples}}
    answer: dict[str, Any] = {
        "description": " · ".join(error.title for error in errors) + ".",
        "content": content,
    }
    fields: tuple[str, ...] = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}.get(
        status, ()
    )
    if TooFast in errors:
        fields += ("RateLimit-Policy", "RateLimit")
    if fields:
        answer["headers"] = _answer_fields(fields)
    return answer


def _answer_fields(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"description": _ANSWER_FIELDS[name], "schema": {"type": "string"}} for name in names}
