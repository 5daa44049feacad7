"""The conversation with curl."""

import asyncio
import json
import os
import shutil
import subprocess

import pytest

from examples.programs import EXAMPLES
from support.deadline import deadline
from support.serving import serving

needs_curl = pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl: talk.sh goes untested")


async def talk(url, shell):
    process = await asyncio.create_subprocess_exec(
        shell,
        str(EXAMPLES / "talk.sh"),
        url,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={name: text for name, text in os.environ.items() if not name.startswith("HUBBUB_")},
    )
    async with deadline():
        said, complaints = await process.communicate()
    return process.returncode, said.decode(), complaints.decode()


@needs_curl
@pytest.mark.parametrize("shell", [each for each in ("sh", "dash", "bash") if shutil.which(each)])
async def test_it_is_stored_once_and_nothing_is_missed(shell, tmp_path):
    async with serving(tmp_path / "data") as server:
        code, said, complaints = await talk(server.url, shell)
    assert (code, complaints) == (0, "")
    parts = {}
    for line in said.splitlines():
        if line.startswith("== "):
            lines = parts.setdefault(line.split()[1], [])
        else:
            lines.append(json.loads(line))
    first, second = parts["Say"]
    assert first == second
    assert parts["Read"] == [[first]]
    assert parts["Listen"] == [first]
    (later,) = parts["Come"]
    assert (later["seq"], later["text"]) == (2, "you were away")
    assert parts["Sign"][0]["name"].startswith("guest-")


@needs_curl
async def test_it_ends_at_once_and_says_what_went_wrong(tmp_path):
    async with serving(tmp_path / "data") as server:
        nowhere = f"{server.url}/nowhere"
        code, said, complaints = await talk(nowhere, "sh")
    assert code != 0
    assert said.count("== ") == 1
    assert "404" in complaints


@pytest.mark.skipif(not shutil.which("shellcheck"), reason="there is no shellcheck: talk.sh goes unchecked")
def test_it_is_clean_shell():
    found = subprocess.run(["shellcheck", EXAMPLES / "talk.sh"], capture_output=True, text=True, check=False)
    assert found.stdout == ""
