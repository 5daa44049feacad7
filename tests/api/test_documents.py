"""The documents and the table they are made from."""

import inspect
import json
import re

import jsonschema_rs
import pytest

from hubbub.api.asyncapi import asyncapi
from hubbub.api.errors import WIRE
from hubbub.api.openapi import openapi
from hubbub.api.operations import OPERATIONS
from hubbub.protocol import frames

from .checks import check_problem
from .conftest import URL

ASKED = openapi(OPERATIONS, URL)
SAID = asyncapi(OPERATIONS, URL)

# The calls of the published contract: they may get company, but never go or move.
PROMISED = """
POST /users
GET /users
POST /sessions
GET /sessions
DELETE /sessions/current
DELETE /sessions/{sessionId}
GET /rooms
POST /rooms
GET /room/{roomId}
GET /room/{roomId}/messages
POST /room/{roomId}/messages
GET /room/{roomId}/messages/{seq}
GET /room/{roomId}/subscribe
POST /user/{userId}/messages
GET /user/{userId}/messages
GET /inbox/messages
GET /inbox/subscribe
GET /subscribe
GET /ws
GET /openapi.json
GET /asyncapi.json
GET /docs
GET /health/live
GET /health/ready
"""


def test_every_operation_is_in_the_document_and_the_reverse():
    documented = {
        (method.upper(), path, operation["operationId"])
        for path, methods in ASKED["paths"].items()
        for method, operation in methods.items()
    }
    assert documented == {(each.method, each.path, each.name) for each in OPERATIONS}


def test_every_operation_stands_in_the_table_once():
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)


def test_every_call_of_the_contract_is_there():
    there = {f"{each.method} {each.path}" for each in OPERATIONS}
    assert set(PROMISED.split("\n")) - {""} <= there


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_the_table_and_the_handler_agree_on_what_is_given(operation):
    _, *given = inspect.signature(operation.handler, eval_str=True).parameters.values()
    assert [each.annotation for each in given] == [
        kind for kind in (operation.body, operation.query) if kind is not None
    ]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_every_refusal_of_an_operation_is_documented_with_its_status(operation):
    responses = ASKED["paths"][operation.path][operation.method.lower()]["responses"]
    for error in operation.errors:
        response = responses[str(WIRE[error].status)]
        assert error.code in response["content"]["application/problem+json"]["examples"]


@pytest.mark.parametrize("document", [ASKED, SAID], ids=["openapi", "asyncapi"])
def test_every_reference_leads_somewhere(document):
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)):
        place = document
        for step in reference.split("/"):
            place = place[step]


def test_every_schema_is_a_json_schema():
    for document in (ASKED, SAID):
        for schema in document["components"]["schemas"].values():
            jsonschema_rs.meta.validate({**schema, "$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_what_is_said_under_a_member_in_the_code_is_its_description():
    schemas = ASKED["components"]["schemas"]
    assert schemas["Message"]["properties"]["seq"]["description"].startswith("Its number in the log")
    listing = ASKED["paths"]["/room/{roomId}/messages"]["get"]["parameters"]
    assert all(parameter["description"] for parameter in listing)


def test_every_frame_is_in_the_document():
    said = {message["title"] for message in SAID["components"]["messages"].values()}
    kinds = [*frames.Request.__args__, *frames.ServerFrame.__args__]
    assert said == {kind.__name__ for kind in kinds}


def test_every_live_operation_is_a_channel():
    live = {each.name: each.path for each in OPERATIONS if each.streams}
    assert {name: channel["address"] for name, channel in SAID["channels"].items()} == live


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json"])
async def test_a_document_is_served_at_the_servers_own_address_with_a_tag(site, path):
    answer = await site.get(path)
    assert answer.headers["content-type"] == "application/json"
    assert "chat.example" in answer.text
    assert "hubbub.invalid" not in answer.text
    again = await site.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    elsewhere = await site.get(path, headers={"Host": "other.example:8080"})
    assert "other.example:8080" in elsewhere.text
    assert elsewhere.headers["etag"] != answer.headers["etag"]


async def test_the_asyncapi_document_names_a_secure_server_under_https(serve):
    async with serve(settings={"public_url": "https://chat.example"}) as site:
        servers = (await site.get("/asyncapi.json")).json()["servers"]
        assert {each["protocol"] for each in servers.values()} == {"wss", "https"}
        assert {each["host"] for each in servers.values()} == {"chat.example"}


# -- pages ------------------------------------------------------------------


async def test_the_page_about_it_shows_how_to_begin_at_this_very_server(site):
    answer = await site.get("/about", headers={"Host": "192.0.2.9:8080"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "curl http://192.0.2.9:8080/users --json" in answer.text


async def test_the_docs_show_every_operation_and_every_problem(site):
    text = (await site.get("/docs")).text
    for operation in OPERATIONS:
        assert f'id="{operation.name}"' in text
    for error in WIRE:
        assert f"/problems/{error.code}" in text


@pytest.mark.parametrize("path", ["/about", "/docs", "/problems/stale-cursor"])
async def test_pages_about_the_server_need_nothing_from_elsewhere_and_link_to_what_exists(site, path):
    text = (await site.get(path)).text
    assert "<script" not in text
    assert "style=" not in text
    ids = set(re.findall(r'id="([^"]+)"', text))
    for link in set(re.findall(r'(?:href|src)="([^"]+)"', text)):
        assert link.startswith(("/", "#")), link
        page, _, anchor = link.partition("#")
        if not page:
            assert anchor in ids, link
        else:
            assert (await site.get(page)).status_code == 200, link


async def test_a_problem_that_is_none_has_no_page(site):
    check_problem(await site.get("/problems/nothing"), 404, "no-such-page")


async def test_only_the_files_that_pages_load_are_served(site):
    for file in ("page.html", "..%2Fgate.py", "site.css%00"):
        check_problem(await site.get(f"/assets/{file}"), 404, "no-such-page")
    answer = await site.get("/assets/mark.svg")
    assert answer.headers["content-type"] == "image/svg+xml"
