"""What is said on live connections, as an AsyncAPI 3 document. As there, "send" is what the server does."""

from collections.abc import Sequence
from typing import Any, get_args
from urllib.parse import urlsplit

import msgspec

import hubbub
from hubbub.api.operation import Operation
from hubbub.api.schemas import components
from hubbub.protocol import frames as f

SAID_BY_CLIENTS: tuple[type[msgspec.Struct], ...] = get_args(f.Request)
EVENTS: tuple[type[msgspec.Struct], ...] = get_args(f.StreamFrame)
REPLIES: tuple[type[msgspec.Struct], ...] = get_args(f.Reply)

# What a request is answered with, beside an error.
_ANSWERED_BY: dict[type[msgspec.Struct], type[msgspec.Struct]] = {
    f.Subscribe: f.Subscribed,
    f.Unsubscribe: f.Unsubscribed,
    f.Post: f.PostedFrame,
}

INTRODUCTION = """\
One address, the transport by negotiation: a WebSocket (`Upgrade: websocket`), an event stream
(`Accept: text/event-stream`) or lines of JSON (`Accept: application/x-ndjson`), all with the same events.

Over a WebSocket, text frames with one JSON object each, at most 64 KiB from a client. `ref` is any string or
number of yours, echoed in the reply; replies come in the order of the requests. Come back with the last `seq`
you applied as `after`, and nothing is missed: a close never means loss.
"""


def asyncapi(operations: Sequence[Operation], url: str) -> dict[str, Any]:
    """The document of a server that is reached at `url`."""
    place = urlsplit(url)
    secure = "s" if place.scheme == "https" else ""
    _, named = components([*SAID_BY_CLIENTS, *EVENTS, *REPLIES])
    streams = [operation for operation in operations if operation.streams]
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "hubbub, live",
            "version": hubbub.__version__,
            "description": INTRODUCTION,
            "license": {"name": "MIT"},
        },
        "servers": {
            "websocket": {"host": place.netloc, "protocol": "ws" + secure, "security": _security()},
            "http": {"host": place.netloc, "protocol": "http" + secure, "security": _security()},
        },
        "channels": {operation.name: _channel(operation) for operation in streams},
        "operations": {
            **{_name(said): _request(said) for said in SAID_BY_CLIENTS},
            "events": {
                "action": "send",
                "summary": "What was posted in the logs you subscribed to, in each log's order.",
                "channel": {"$ref": "#/channels/openWebSocket"},
                "messages": [_message("openWebSocket", kind) for kind in EVENTS],
            },
            **{operation.name: _stream(operation) for operation in streams if operation.gives is not None},
        },
        "components": {
            "messages": {
                _name(kind): _described(kind, named) for kind in (*SAID_BY_CLIENTS, *EVENTS, *REPLIES)
            },
            "schemas": named,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "ticket": {"type": "httpApiKey", "in": "query", "name": "ticket"},
            },
        },
        "x-close-codes": {
            "1001, 1012": "Going away: come back with your cursor, after the `retry_after` of the `bye`.",
            "1009": "A frame was too big.",
            "4400": "Not understood.",
            "4401": "Signed out: do not come back with this session.",
            "4429": "Too much.",
        },
    }


def _security() -> list[dict[str, str]]:
    return [{"$ref": f"#/components/securitySchemes/{name}"} for name in ("token", "ticket")]


def _name(kind: type[msgspec.Struct]) -> str:
    """What a frame is called on the wire: its `type`."""
    tag = kind.__struct_config__.tag
    assert isinstance(tag, str)
    return tag


def _described(kind: type[msgspec.Struct], schemas: dict[str, Any]) -> dict[str, Any]:
    schema = schemas[kind.__name__]
    return {
        "name": _name(kind),
        "title": kind.__name__,
        "summary": schema.get("description", ""),
        "contentType": "application/json",
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
    }


def _channel(operation: Operation) -> dict[str, Any]:
    socket = operation.gives is None
    kinds = (*SAID_BY_CLIENTS, *EVENTS, *REPLIES) if socket else EVENTS
    channel: dict[str, Any] = {
        "address": operation.path,
        "summary": operation.summary,
        "messages": {_name(kind): {"$ref": f"#/components/messages/{_name(kind)}"} for kind in kinds},
    }
    if socket:
        channel["servers"] = [{"$ref": "#/servers/websocket"}]
        channel["bindings"] = {"ws": {"method": "GET", "bindingVersion": "0.1.0"}}
    if "{roomId}" in operation.path:
        channel["parameters"] = {"roomId": {"description": "The room's id, as in the list of rooms."}}
    return channel


def _message(channel: str, kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/channels/{channel}/messages/{_name(kind)}"}


def _request(kind: type[msgspec.Struct]) -> dict[str, Any]:
    replies = [_message("openWebSocket", each) for each in (_ANSWERED_BY[kind], f.ErrorFrame)]
    return {
        "action": "receive",
        "channel": {"$ref": "#/channels/openWebSocket"},
        "messages": [_message("openWebSocket", kind)],
        "reply": {"channel": {"$ref": "#/channels/openWebSocket"}, "messages": replies},
    }


def _stream(operation: Operation) -> dict[str, Any]:
    return {
        "action": "send",
        "summary": operation.summary,
        "channel": {"$ref": f"#/channels/{operation.name}"},
        "messages": [_message(operation.name, kind) for kind in EVENTS],
    }
