"""A stranger who has only read the OpenAPI document finds every answer as it says, whatever it sends."""

import asyncio
import sys

from support.seeded import token_of
from support.serving import serving

EXAMPLES = 15
"""Random requests for each operation, beside those at every edge of the schemas: some ten seconds."""

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)


async def test_the_server_answers_as_its_document_says(data):
    async with serving(data, settings={"max_wait_seconds": 1}) as server:
        asking = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {token_of('ada')}"),
            *("--checks", ",".join(CHECKS)),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(EXAMPLES), "--seed", "1"),
            # Streams do not end, and who signs out cannot go on asking.
            *("--exclude-path-regex", "subscribe|sessions/current"),
            *("--request-timeout", "10", "--generation-database", "none", "--no-color"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asking.communicate()
    assert asking.returncode == 0, said.decode()[-4000:]
