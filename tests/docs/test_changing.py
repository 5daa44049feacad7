"""The example of a small change works as it stands on the page."""

import json
import shutil
import subprocess

import httpx2

from docs.pages import ROOT, blocks
from hubbub.client import Client
from support.deadline import deadline
from support.process import Process


async def test_the_example_of_a_small_change_works_as_it_stands(tmp_path):
    (change,) = (block.text for block in blocks(ROOT / "docs" / "changing.md") if block.kind == "diff")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, input=change, text=True, check=True)

    environment = {"PYTHONPATH": str(tmp_path / "src")}
    async with (
        deadline(),
        Process(tmp_path / "data", "--typing", "on", environment=environment) as server,
        Client(server.url) as ada,
    ):
        await ada.sign_up("ada", "correct horse")
        token = (await ada.sign_in("ada", "correct horse")).token
        room = await ada.create_room("Lounge")
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/x-ndjson"}
        async with (
            httpx2.AsyncClient(base_url=server.url, headers=headers, trust_env=False) as http,
            http.stream("GET", f"/room/{room.id}/subscribe") as stream,
        ):
            answer = await http.post(f"/room/{room.id}/typing")
            heard = await anext(line async for line in stream.aiter_lines() if line)

    assert answer.status_code == 204
    assert json.loads(heard) == {"type": "typing", "room": room.id, "user": "ada"}
