"""A stranger who has only read the OpenAPI document finds every answer as it says, whatever it sends.

Requests are well formed and malformed in every way the schemas allow for, one by one and in sequences: what
was made is used, and what was ended is used again. Whether all that is well formed is taken and the rest
refused, tests/conformance/test_openapi.py finds out: for that one has to know what no schema can say.

HUBBUB_SCHEMATHESIS_EXAMPLES asks for more random requests than the few of a quick run.
"""

import asyncio
import os
import sys

import pytest

from support.seeded import token_of
from support.serving import serving

EXAMPLES = int(os.environ.get("HUBBUB_SCHEMATHESIS_EXAMPLES", "15"))
"""Random requests for each operation, beside those at every edge of the schemas: some ten seconds."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
    "use_after_free",
    "ensure_resource_availability",
)


@pytest.mark.timeout(120 + 30 * EXAMPLES)
async def test_the_server_answers_as_its_document_says(data):
    async with serving(data, settings={"max_wait_seconds": 0}) as server:
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {token_of('ada')}"),
            *("--checks", ",".join(CHECKS), "--mode", "all"),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-examples", str(EXAMPLES), "--seed", "1", "--continue-on-failure"),
            # Streams do not end, and who signs out cannot go on asking.
            *("--exclude-path-regex", "subscribe|sessions/current"),
            *("--request-timeout", "10", "--generation-database", "none", "--no-color"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asking.communicate()
    assert asking.returncode == 0, said.decode()[-4000:]
