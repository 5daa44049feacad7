"""The documents as a page for people: rendered from OpenAPI and AsyncAPI, with nothing added by hand."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from hubbub.api.answer import PROBLEM
from hubbub.api.asyncapi import EVENTS, REPLIES, SAID_BY_CLIENTS, asyncapi
from hubbub.api.errors import INTERNAL, INTERNAL_CODE, INTERNAL_TITLE, WIRE, page_of
from hubbub.api.html import page, paragraphs, prose, shell
from hubbub.api.openapi import DONE, openapi
from hubbub.api.operation import Operation

Schema = Mapping[str, Any]


def docs(operations: Sequence[Operation], url: str) -> str:
    """The page of a server that is reached at `url`."""
    asked, said = openapi(operations, url), asyncapi(operations, url)
    topics = [tag["name"] for tag in asked["tags"]]
    schemas = {**asked["components"]["schemas"], **said["components"]["schemas"]}
    frames = [kind.__name__ for kind in (*SAID_BY_CLIENTS, *EVENTS, *REPLIES)]
    bodies = [name for name in schemas if name not in frames]
    content = "".join(
        (
            f'<header id="start"><h1>The API</h1>{paragraphs(asked["info"]["description"])}</header>',
            *(_topic(topic, asked, url) for topic in topics),
            f'<section id="frames"><h2>Frames</h2>{paragraphs(said["info"]["description"])}',
            *(_schema(name, schemas) for name in frames),
            '</section><section id="bodies"><h2>Bodies</h2>',
            *(_schema(name, schemas) for name in bodies),
            f"</section>{_problems()}",
        )
    )
    contents = f'<nav class="contents" aria-label="Contents">{_contents(topics, asked)}</nav>'
    body = f'<div class="docs">{contents}<div>{content}</div></div>'
    return page("The API of hubbub", body, here="/docs", kind="wide")


# -- operations -------------------------------------------------------------


def _operations(topic: str, asked: Schema) -> Iterable[tuple[str, str, Schema]]:
    for path, methods in asked["paths"].items():
        for method, operation in methods.items():
            if topic in operation["tags"]:
                yield method.upper(), path, operation


def _contents(topics: Iterable[str], asked: Schema) -> str:
    parts = []
    for topic in topics:
        entries = "".join(
            f'<li><a href="#{operation["operationId"]}">{_method(method)} {_path(path)}</a></li>'
            for method, path, operation in _operations(topic, asked)
        )
        parts.append(f'<h2><a href="#{_slug(topic)}">{escape(topic)}</a></h2><ul>{entries}</ul>')
    reference = (f'<h2><a href="#{_slug(name)}">{name}</a></h2>' for name in ("Frames", "Bodies", "Problems"))
    return "".join((*parts, *reference))


def _topic(topic: str, asked: Schema, url: str) -> str:
    operations = "".join(_operation(*each, url) for each in _operations(topic, asked))
    return f'<section id="{_slug(topic)}"><h2>{escape(topic)}</h2>{operations}</section>'


def _operation(method: str, path: str, operation: Schema, url: str) -> str:
    schemes = [name for choice in operation["security"] for name in choice]
    access = "" if schemes else '<span class="open">no sign-in</span>'
    return (
        f'<article class="operation" id="{operation["operationId"]}">'
        f"<h3>{_method(method)} {_path(path)} {access}</h3><p>{prose(operation['summary'])}</p>"
        f"{_parameters(operation['parameters'])}{_body(operation)}{_responses(operation['responses'])}"
        f"{_example(method, path, operation, url)}</article>"
    )


def _parameters(parameters: Sequence[Schema]) -> str:
    rows = (
        (each["name"], each["in"], _type(each["schema"]), prose(each["description"])) for each in parameters
    )
    return _table("Asked with", ("name", "in", "type", ""), rows)


def _body(operation: Schema) -> str:
    body = operation.get("requestBody")
    if body is None:
        return ""
    return f'<p class="body">The body is a {_type(body["content"]["application/json"]["schema"])}</p>'


def _responses(responses: Mapping[str, Schema]) -> str:
    rows = ((status, _answer(answer)) for status, answer in responses.items() if status != "default")
    return _table("Answers", ("status", "answer"), rows)


def _answer(answer: Schema) -> str:
    """What comes with a status: the kinds of problem, each with its page, or the type of the body."""
    contents: Mapping[str, Schema] = answer.get("content", {})
    if PROBLEM in contents:
        return " · ".join(
            f'<a href="{example["value"]["type"]}">{prose(example["value"]["title"])}</a>'
            for example in contents[PROBLEM]["examples"].values()
        )
    kinds = ", ".join(
        _type(content["schema"]) if media_type == "application/json" else f"<code>{escape(media_type)}</code>"
        for media_type, content in contents.items()
    )
    said = answer["description"]
    return kinds if kinds and said == DONE else " ".join(filter(None, (prose(said), kinds)))


def _example(method: str, path: str, operation: Schema, url: str) -> str:
    """The operation as a command."""
    address = url + re.sub(r"{(\w+)Id}", lambda found: f"${found[1].upper()}", path)
    for part, example in _PARTS.items():
        address = address.replace(part, example)
    fields = ["Authorization: Bearer $TOKEN"] if operation["security"] else []
    command = "curl"
    match path, method:
        case "/ws", _:
            command, address = "websocat", address.replace("http", "ws", 1)
        case "/subscribe", _:
            address = f'"{address}?room=$ROOM&inbox="'
        case _, "DELETE":
            command = "curl -X DELETE"
        case _, "PUT":
            command = "curl -X PUT"
    if "202" in operation["responses"]:
        command += " -N"
        fields.insert(0, "Accept: text/event-stream")
    lines = [f"{command} {address}", *(f'-H "{field}"' for field in fields)]
    if "requestBody" in operation:
        (content,) = operation["requestBody"]["content"].values()
        lines.append(f"--json '{json.dumps(_EXAMPLES[content['schema']['$ref'].rpartition('/')[2]])}'")
    return shell(" \\\n  ".join(lines))


_PARTS = {"{seq}": "1", "{code}": "bad-input", "{file}": "site.css"}
_EXAMPLES: Mapping[str, Schema] = {
    "NewUser": {"name": "ada", "password": "correct horse"},
    "SignIn": {"name": "ada", "password": "correct horse"},
    "NewRoom": {"name": "Lounge"},
    "NewMessage": {"text": "hello"},
    "NewMark": {"seq": 12},
}


# -- schemas ----------------------------------------------------------------


def _schema(name: str, schemas: Mapping[str, Schema]) -> str:
    schema = schemas[name]
    required = schema.get("required", ())
    rows = (
        (
            member,
            _type(about),
            "" if member in required else "optional",
            prose(about.get("description", "")),
        )
        for member, about in schema.get("properties", {}).items()
    )
    return (
        f'<article class="schema" id="{name}"><h3>{escape(name)}</h3>'
        f"<p>{prose(schema.get('description', ''))}</p>"
        f"{_table('Members', ('member', 'type', '', ''), rows)}</article>"
    )


def _type(schema: Schema) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f'<a class="type" href="#{name}">{escape(name)}</a>'
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"] if each != {"type": "null"})
    if "enum" in schema:
        return " ".join(f"<code>{escape(json.dumps(each))}</code>" for each in schema["enum"])
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"array of {_type(items)}" if items else "array"
    return f"{escape(str(schema.get('format', schema.get('type', 'anything'))))}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if high is not None and high < 10**15:
        return f" {low if low is not None else '…'}–{high}"
    return f" ≥ {low}" if low else ""


# -- problems ---------------------------------------------------------------


def _problems() -> str:
    kinds = [(wire.status, error.code, error.title) for error, wire in WIRE.items()]
    kinds.append((INTERNAL.status, INTERNAL_CODE, INTERNAL_TITLE))
    rows = (
        (str(status), f'<a href="{page_of(code)}"><code>{page_of(code)}</code></a>', prose(title))
        for status, code, title in sorted(kinds)
    )
    table = _table("Problems", ("status", "type", ""), rows)
    return f'<section id="problems"><h2>Problems</h2>{table}</section>'


# -- parts ------------------------------------------------------------------


def _table(label: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The first column is text, the others HTML. Columns and tables nothing stands in are left out."""
    lines = [[f"<code>{escape(first)}</code>", *others] for first, *others in rows]
    if not lines:
        return ""
    used = [column for column in range(len(heads)) if any(line[column] for line in lines)]
    head = "".join(f'<th scope="col">{heads[column]}</th>' for column in used)
    body = "".join(
        "<tr>" + "".join(f"<td>{line[column]}</td>" for column in used) + "</tr>" for line in lines
    )
    return (
        f'<div class="scroll"><table aria-label="{escape(label)}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _method(method: str) -> str:
    return f'<b class="method {method.lower()}">{method}</b>'


def _path(path: str) -> str:
    marked = re.sub(r"({.+?})", r"<var>\1</var>", path.replace("/", "/<wbr>"))
    return f"<code>{marked}</code>"


def _slug(topic: str) -> str:
    return topic.lower().replace(" ", "-")
