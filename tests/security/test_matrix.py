"""Every operation and frame × every way to ask × every proof: each cell of matrix.txt, asked for real."""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import pytest
from websockets.frames import Close, Opcode

from conformance.sockets import UPGRADE, Talk, closing, said
from conformance.wire import wire
from hubbub.api.operation import Operation
from hubbub.api.operations import OPERATIONS
from hubbub.domain.ids import LogId, UserId, inbox_log, room_log
from hubbub.protocol.frames import Request
from security.conftest import Target
from security.proofs import Proof, Proofs, body, session_of
from support.deadline import deadline
from support.seeded import PASSWORD, token_of

TABLE = Path(__file__).with_name("matrix.txt")
OF = {operation.name: operation for operation in OPERATIONS}
FRAMES = {kind.__struct_config__.tag for kind in get_args(Request)}
FRAME_WAYS = ("frame", "frame-later")
_fresh = itertools.count()


class Row(NamedTuple):
    what: str
    how: str
    expected: dict[str, str]

    @property
    def name(self) -> str:
        return self.what.partition(":")[0]


def read_table() -> list[Row]:
    lines = [line.split() for line in TABLE.read_text().splitlines() if line and not line.startswith("#")]
    (_, _, *kinds), *rows = lines
    return [Row(what, how, dict(zip(kinds, cells, strict=True))) for what, how, *cells in rows]


ROWS = read_table()


def ways(operation: Operation) -> set[str]:
    """All that an operation can be asked by."""
    found = {"rest"}
    if operation.query is not None and "wait" in operation.query.__struct_fields__:
        found.add("long-poll")
    if operation.streams:
        found.add("websocket")
    if operation.streams and operation.gives is not None:
        found |= {"sse", "ndjson"}
    return found


# -- the table is whole -------------------------------------------------------


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_operation_has_a_row_for_every_way_to_ask_for_it(operation):
    assert {row.how for row in ROWS if row.name == operation.name} == ways(operation)


def test_every_kind_of_frame_has_its_rows():
    assert {row.name for row in ROWS if row.how == "frame"} == FRAMES
    assert {row.name for row in ROWS if row.how == "frame-later"} == FRAMES


def test_every_row_is_about_something_there_is_and_stands_there_once():
    for row in ROWS:
        assert row.name in (FRAMES if row.how in FRAME_WAYS else OF)
    assert len({(row.what, row.how) for row in ROWS}) == len(ROWS)


def test_whoever_needs_a_sign_in_gets_nothing_without_one():
    """The table itself: nobody lets a door open by writing it down so."""
    proofs = ("none", "malformed", "unknown", "expired", "signed-out", "disabled")
    bad = (*proofs, "cookie-foreign", "cookie-sibling", "ticket-expired", "ticket-ended", "ticket-forged")
    for row in ROWS:
        if row.how == "frame-later" or (row.name in OF and OF[row.name].access == "anyone"):
            continue
        for kind in bad:
            assert row.expected[kind] == ("403" if kind.startswith("cookie") else "401"), (row.what, kind)


# -- and true -----------------------------------------------------------------


class Case(NamedTuple):
    """How one row is asked for."""

    logs: Sequence[LogId] = ()
    path: str = ""
    body: bytes = b""
    frame: Mapping[str, Any] = MappingProxyType({})


class House:
    """A server with a room, messages in it and between people."""

    def __init__(self, target: Target, room: str) -> None:
        self.target = target
        self.proofs = Proofs(target.server)
        self.room = room

    async def case(self, what: str) -> Case:
        inbox, room = inbox_log(UserId("ada")), room_log(self.room)
        fresh = next(_fresh)
        account = {"name": "ada", "password": PASSWORD}
        special: dict[str, Callable[[], Case]] = {
            "postToRoom": lambda: Case(body=body(text="hello")),
            "postToUser": lambda: Case(body=body(text="hello")),
            "markRoom": lambda: Case(body=body(seq=1)),
            "markPerson": lambda: Case(body=body(seq=1)),
            "createRoom": lambda: Case(body=body(name=f"Room {fresh}")),
            "signUp": lambda: Case(body=body(name=f"user{fresh}", password=PASSWORD)),
            "signIn": lambda: Case(body=body(**account)),
            "signIn:cookie": lambda: Case(body=body(**account, cookie=True)),
            "subscribeRoom": lambda: Case([room]),
            "openWebSocket": lambda: Case([room]),
            "subscribeInbox": lambda: Case([inbox]),
            "subscribeMany": lambda: Case([room, inbox], path=f"/subscribe?room={self.room}&inbox="),
            "endSession:anothers": lambda: Case(path=f"/sessions/{session_of('bob')}"),
            "subscribe:room": lambda: Case([room], frame={"room": self.room}),
            "subscribe:inbox": lambda: Case([inbox], frame={"inbox": True}),
            "subscribe:anothers-inbox": lambda: Case([inbox], frame={"inbox": "bob"}),
            "unsubscribe:room": lambda: Case([room], frame={"room": self.room}),
            "post:room": lambda: Case([room], frame={"room": self.room, "text": "hello"}),
            "post:user": lambda: Case([inbox], frame={"to": "bob", "text": "hello"}),
            "post:oneself": lambda: Case([inbox], frame={"to": "ada", "text": "hello"}),
        }
        case = special.get(what, Case)()
        name = what.partition(":")[0]
        if not case.path and name in OF:
            case = case._replace(path=await self._path(OF[name].path))
        return case

    async def _path(self, template: str) -> str:
        if "{sessionId}" in template:  # one to be ended
            _, session = await self.proofs.signed_in()
            template = template.replace("{sessionId}", session.id)
        parts = {"roomId": self.room, "userId": "bob", "seq": "1", "code": "internal", "file": "site.css"}
        return template.format(**parts)

    # -- asking ---------------------------------------------------------------

    async def ask(self, row: Row, kind: str) -> str:
        """What really comes of a cell."""
        case = await self.case(row.what)
        if row.how == "frame-later":
            return await self._frame_later(row, case, kind)
        proof = await self.proofs.make(kind, case.logs)
        if row.how == "frame":
            return await self._frame(row, case, proof)
        operation = OF[row.name]
        path = case.path
        fields = proof.fields | ({"Content_Type": "application/json"} if case.body else {})
        match row.how:
            case "long-poll":
                path += "?after=0&wait=20"
            case "sse":
                fields["Accept"] = "text/event-stream"
            case "ndjson":
                fields["Accept"] = "application/x-ndjson"
            case "websocket":
                fields |= UPGRADE
        path = _with_ticket(path, proof)
        status = await self._status(operation.method, path, case.body, fields)
        if operation.method == "GET" and not operation.streams:
            assert await self._status("HEAD", path, b"", fields) == status
        return status

    async def _status(self, method: str, path: str, content: bytes, fields: dict[str, str]) -> str:
        async with wire(self.target.server.address) as way:
            way.request(method, path, None, content, **fields)
            return str((await way.head()).status)  # some of them go on for ever

    async def _frame(self, row: Row, case: Case, proof: Proof) -> str:
        async with wire(self.target.server.address) as way:
            way.request("GET", _with_ticket("/ws", proof), **(UPGRADE | proof.fields))
            opening = await way.head()
            if opening.status != 101:
                return str(opening.status)
            talk = Talk(way, opening)
            assert (await talk.json())["type"] == "hello"
            return await _outcome(talk, row.name, case)

    async def _frame_later(self, row: Row, case: Case, kind: str) -> str:
        if kind not in ("expired", "signed-out", "disabled"):
            return "-"
        token, session = await self.proofs.signed_in()
        async with wire(self.target.server.address) as way:
            way.request("GET", "/ws", token, **UPGRADE)
            talk = Talk(way, await way.head())
            assert (await talk.json())["type"] == "hello"
            await self.proofs.end(session, kind)
            talk.say(said(type=row.name, ref=1, **case.frame))
            bye = await talk.json()
            assert (bye["type"], bye["reason"]) == ("bye", kind)
            return await _close_code(talk)


def _with_ticket(path: str, proof: Proof) -> str:
    if proof.ticket is None:
        return path
    return f"{path}{'&' if '?' in path else '?'}ticket={proof.ticket}"


async def _outcome(talk: Talk, type: str, case: Case) -> str:
    reply = await talk.asks(type=type, ref=1, **case.frame)
    assert reply["ref"] == 1
    if reply["type"] == "error":
        return str(reply["status"])
    assert reply["type"] == {"post": "posted"}.get(type, f"{type}d")
    return "ok"


async def _close_code(talk: Talk) -> str:
    heard = await talk.frame()
    assert heard.opcode == Opcode.CLOSE
    talk.say(closing())
    return str(int(Close.parse(heard.payload).code))


@pytest.fixture
async def house(target):
    room = await target.room()
    await target.post(room, "the first")
    for name, other in (("bob", "ada"), ("ada", "bob")):
        content = json.dumps({"text": f"psst, {other}"}).encode()
        answer = await target.other.asks("POST", f"/user/{other}/messages", token_of(name), content)
        assert answer.status == 201
    return House(target, room)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.what} {row.how}")
async def test_each_gets_what_the_table_says(house, row):
    async with deadline(60):
        found = {kind: await house.ask(row, kind) for kind in row.expected}
    assert found == row.expected
