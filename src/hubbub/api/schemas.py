"""The Structs of the wire as JSON Schema (2020-12), with what their types do not say.

The docstring beneath a member is its description: it is read from the source, once.
"""

import ast
import inspect
from collections.abc import Iterable, Mapping
from textwrap import dedent
from typing import Any

import msgspec

from hubbub.domain.policy import (
    MAX_PASSWORD_CHARACTERS,
    MAX_ROOM_NAME_CHARACTERS,
    MAX_TEXT_BYTES,
    MAX_USER_NAME_CHARACTERS,
    MIN_PASSWORD_CHARACTERS,
    ROOM_ID_PATTERN,
)
from hubbub.protocol.cursor import CURSOR_PATTERN

Schema = dict[str, Any]

REF = "#/components/schemas/{name}"

HANDLE: Schema = {
    "type": "string",
    "pattern": f"^[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_USER_NAME_CHARACTERS - 1}}}$",
    "example": "ada",
}
ROOM_ID: Schema = {"type": "string", "pattern": f"^{ROOM_ID_PATTERN}$"}
_CURSOR: Schema = {"pattern": f"^{CURSOR_PATTERN}$"}
_PASSWORD: Schema = {
    "format": "password",
    "minLength": MIN_PASSWORD_CHARACTERS,
    "maxLength": MAX_PASSWORD_CHARACTERS,
}
_ROOM_NAME: Schema = {"minLength": 1, "maxLength": MAX_ROOM_NAME_CHARACTERS, "example": "Lounge"}
_TEXT: Schema = {
    "minLength": 1,
    "maxLength": MAX_TEXT_BYTES,
    "description": f"1 to {MAX_TEXT_BYTES} bytes of UTF-8, without NUL.",
    "example": "hello",
}
_TIME: Schema = {"format": "date-time", "example": "2026-01-31T12:00:00.000Z"}

# The rules of `domain.policy` for what clients send, and the form of what they get.
_RULES: Mapping[tuple[str, str], Schema] = {
    ("NewUser", "name"): HANDLE,
    ("NewUser", "password"): _PASSWORD,
    ("SignIn", "name"): HANDLE,
    ("SignIn", "password"): {"format": "password"},
    ("NewRoom", "name"): _ROOM_NAME,
    ("NewMessage", "text"): _TEXT,
    ("Post", "text"): _TEXT,
    ("MessagesQuery", "after"): _CURSOR,
    ("MessagesQuery", "before"): _CURSOR,
    ("SubscribeQuery", "after"): {"pattern": f"^({CURSOR_PATTERN})?$"},  # empty: from the head
    ("UsersQuery", "after"): {"pattern": HANDLE["pattern"]},
    ("RoomsQuery", "after"): {"pattern": ROOM_ID["pattern"]},
}
_TIMES = ("created_at", "expires_at", "sent_at")


def components(types: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """A schema for each of `types`, and those they refer to, by name."""
    wanted = list(types)
    schemas, named = msgspec.json.schema_components(wanted, ref_template=REF)
    kinds = {kind.__name__: kind for each in wanted for kind in _structs(each)}
    for name, schema in named.items():
        if name in kinds:
            _explain(kinds[name], schema)
    return list(schemas), dict(sorted(named.items()))


def members(kind: type[msgspec.Struct]) -> dict[str, Schema]:
    """The schemas of a Struct's members, by name on the wire: for queries, which are given one by one."""
    _, named = components([kind])
    properties: dict[str, Schema] = named[kind.__name__]["properties"]
    return properties


def _structs(kind: Any) -> set[type[msgspec.Struct]]:
    """The Structs a type is made of."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        inner = (_structs(field.type) for field in msgspec.structs.fields(kind))
        return {kind}.union(*inner)
    return set().union(*(_structs(each) for each in getattr(kind, "__args__", ())))


def _explain(kind: type[msgspec.Struct], schema: Schema) -> None:
    said = _member_docs(kind)
    if "description" in schema:
        schema["description"] = _one_line(schema["description"])
    for name, member in schema.get("properties", {}).items():
        if name in said and "$ref" not in member:
            member.setdefault("description", said[name])
        member.update(_RULES.get((kind.__name__, name), _TIME if name in _TIMES else {}))


def _member_docs(kind: type[msgspec.Struct]) -> dict[str, str]:
    """The strings that stand beneath a class's members, by name; nothing where the source is not at hand."""
    try:
        (tree,) = ast.parse(dedent(inspect.getsource(kind))).body
    except (OSError, SyntaxError, ValueError):
        return {}
    assert isinstance(tree, ast.ClassDef)
    docs = {}
    for member, following in zip(tree.body, tree.body[1:], strict=False):
        match member, following:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                docs[name] = _one_line(text)
    return docs


def _one_line(text: str) -> str:
    return " ".join(text.split())
