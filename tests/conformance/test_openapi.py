"""Whatever is sent where something is to be found, the answer is one the OpenAPI document tells of.

Rooms, people and messages that exist are named in the schemas, so that what is well formed succeeds; and
what is not, in every way the schemas allow for, is refused as documented.
"""

import asyncio
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from hubbub.api.openapi import openapi
from hubbub.api.operations import OPERATIONS
from hubbub.domain import policy
from hubbub.domain.errors import HubbubError
from hubbub.domain.ids import RoomId, UserId
from hubbub.domain.model import Room
from hubbub.storage.base import Seed
from hubbub.storage.sqlite import SqliteStore
from support.seeded import PASSWORD, token_of
from support.serving import serving

EXAMPLES = int(os.environ.get("HUBBUB_SCHEMATHESIS_EXAMPLES", "60"))
"""Random requests for each operation, beside those at every edge of the schemas."""

WRONG_EXAMPLES = EXAMPLES // 6
"""As many that are not well formed, of the document as it is."""

ENDS_SESSIONS = ("DELETE /sessions/current", "DELETE /sessions/{sessionId}")

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    missing_required_header,
    unsupported_method,
    positive_data_acceptance,
]

ROOMS = ("lounge", "attic")
SAID = 3
"""Messages in each room, and between ada and each of the others."""

KNOWN: dict[str, list[Any]] = {
    "roomId": list(ROOMS),
    "room": [*ROOMS, "lounge@0", "attic@2"],
    "userId": ["ada", "bob", "Cyd"],
    "seq": list(range(1, SAID + 1)),
    "after": [str(seq) for seq in range(SAID + 1)],
    "before": [str(seq) for seq in range(1, SAID + 2)],
    "inbox": ["", "0", "1"],
    "sessionId": ["session-of-dan"],
    "code": ["too-fast", "bad-input"],
    "file": ["site.css", "mark.svg"],
    "If-Match": ["*"],
    # Streams have no end: these are asked for the 202 that says where they are.
    "Accept": ["*/*", "application/json"],
    "Last-Event-ID": ["0"],
}
"""What there is, by the name of the parameter."""

# Lists of rooms and of people go on after a room or a person.
GOES_ON_AFTER = {
    "listRooms": list(ROOMS),
    "listUsers": ["ada", "bob"],
    "listMarks": list(ROOMS),
    "listConversations": ["bob", "cyd"],
}


def _document() -> dict[str, Any]:
    """Ours, with what there is named in it."""
    document = deepcopy(openapi(OPERATIONS, "http://chat.example"))
    # Nobody can have read what was never posted.
    document["components"]["schemas"]["NewMark"]["properties"]["seq"]["maximum"] = SAID
    for methods in document["paths"].values():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                known = KNOWN.get(parameter["name"])
                if parameter["name"] == "after":
                    known = GOES_ON_AFTER.get(operation["operationId"], known)
                if known is not None:
                    schema = parameter["schema"]
                    (schema.get("items") or schema)["enum"] = known
    return document


class Server:
    """One in a thread of its own, for clients that wait."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._ready: Queue[Any] = Queue()
        self._stop: Any = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        await _furnish(self._data)
        stop = asyncio.Event()
        # A long poll is answered at once, for nobody posts meanwhile.
        async with serving(self._data, settings={"max_wait_seconds": 0}) as server:
            loop = asyncio.get_running_loop()
            self._ready.put((server.url, lambda: loop.call_soon_threadsafe(stop.set)))
            await stop.wait()

    def __enter__(self) -> str:
        self._thread.start()
        url, self._stop = self._ready.get(timeout=20)
        return str(url)

    def __exit__(self, *_: object) -> None:
        self._stop()
        self._thread.join()


async def _furnish(data: Path) -> None:
    now_ms = time.time_ns() // 1_000_000
    store = SqliteStore.open(data, now_ms=lambda: now_ms, randomness=os.urandom, on_broken=lambda _: None)
    rooms = [
        (Room(id=RoomId(id), name=id, created_at_ms=now_ms, created_by=UserId("ada"), head=0), id)
        for id in ROOMS
    ]
    await store.seed(Seed(users=[], sessions=[], rooms=rooms))
    await store.close()


@pytest.fixture(scope="module")
def url(seeded_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data = tmp_path_factory.mktemp("conformance") / "data"
    shutil.copytree(seeded_store, data)
    with Server(data) as url:
        for n in range(SAID):
            for path in (*(f"/room/{id}" for id in ROOMS), "/user/bob", "/user/cyd"):
                answer = requests.post(
                    f"{url}{path}/messages",
                    json={"text": f"message {n}"},
                    headers={"Authorization": f"Bearer {token_of('ada')}"},
                    timeout=20,
                )
                assert answer.status_code == 201
        yield url


@pytest.fixture(scope="module")
def passing(url: str) -> Iterator[Any]:
    """`passing()`: the token of a session that may be ended."""
    with requests.Session() as http:

        def token() -> str:
            person = {"name": "eve", "password": PASSWORD}
            answer = http.post(f"{url}/sessions", json=person, timeout=20)
            return str(answer.json()["token"])

        yield token


as_it_is = schemathesis.openapi.from_dict(openapi(OPERATIONS, "http://chat.example")).exclude(
    path_regex="subscribe"  # streams have no end
)
as_it_is.config.generation.update(modes=[GenerationMode.NEGATIVE], max_examples=WRONG_EXAMPLES)
as_it_is.config.checks.negative_data_rejection.expected_statuses += ["413", "426"]

schema = schemathesis.openapi.from_dict(_document())
schema.config.generation.update(
    modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE], max_examples=EXAMPLES
)


def _no_schema_can_say(case: schemathesis.Case) -> bool:
    """Whether a request that fits the schemas is refused all the same, for a rule that fits into none."""
    query = case.query or {}
    body = case.body if isinstance(case.body, dict) else {}
    if case.operation.label == "GET /ws":
        return True  # this client opens no WebSocket
    if "after" in query and "before" in query:
        return True
    if case.operation.label == "GET /subscribe":  # no room twice, and something at all
        rooms = query.get("room", [])
        if not rooms and "inbox" not in query:
            return True
        return isinstance(rooms, list) and len({str(each).partition("@")[0] for each in rooms}) < len(rooms)
    if isinstance(body.get("seq"), float):
        return True  # to JSON Schema 1.0 is an integer
    rule = policy.room_name if case.operation.label == "POST /rooms" else policy.check_text
    given = body.get("name", body.get("text"))
    return isinstance(given, str) and _is_refused(rule, given)


def _is_refused(rule: Callable[[Any], object], given: Any) -> bool:
    """By the rule itself, which is tested elsewhere."""
    try:
        rule(given)
    except HubbubError:
        return True
    return False


def test_the_document_asked_for_is_the_one_served(url: str) -> None:
    assert requests.get(f"{url}/openapi.json", timeout=20).json() == openapi(OPERATIONS, url)


@schema.parametrize()
@settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(url: str, passing: Any, case: schemathesis.Case) -> None:
    token = passing() if case.operation.label in ENDS_SESSIONS else token_of("ada")
    answer = case.call(base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    excused = [positive_data_acceptance] if _no_schema_can_say(case) else []
    case.validate_response(answer, checks=[check for check in CHECKS if check not in excused])


@as_it_is.parametrize()
@settings(
    max_examples=WRONG_EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_what_is_not_as_documented_is_refused(url: str, passing: Any, case: schemathesis.Case) -> None:
    token = passing() if case.operation.label in ENDS_SESSIONS else token_of("ada")
    headers = {"Authorization": f"Bearer {token}"}
    case.call_and_validate(base_url=url, headers=headers, checks=[negative_data_rejection], timeout=10)
