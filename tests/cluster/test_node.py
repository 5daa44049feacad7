"""A node as a piece of a cluster. What a node does is tested elsewhere; here it keeps what it has in a
directory of its own."""

import asyncio
import urllib.request
from pathlib import Path

import pytest

from hubbub.cluster import ClusterFailed, Node
from support.deadline import deadline


async def status(url):
    def ask():
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status

    return await asyncio.to_thread(ask)


async def test_it_is_ready_and_can_be_watched_once_it_has_started(tmp_path, environment):
    async with Node(tmp_path, environment=environment) as node:
        assert node.up.is_set()
        assert await status(f"{node.url}/health/ready") == 200
        assert await status(f"{node.admin_url}/health/ready") == 200
        assert await status(node.metrics) == 200


async def test_its_log_is_for_who_started_it_alone(tmp_path, environment):
    """It tells who came from where."""
    async with Node(tmp_path, environment=environment) as node:
        assert node.log.stat().st_mode & 0o777 == 0o600


async def test_it_comes_back_where_it_was(tmp_path, environment):
    async with Node(tmp_path, environment=environment) as node:
        url, metrics = node.url, node.metrics

        assert await node.terminate() == 0
        assert not node.up.is_set()
        with pytest.raises(OSError):
            await status(url)

        await node.start()
        await node.restart()
        await node.kill()
        await node.start()
        assert (node.url, node.metrics) == (url, metrics)
        assert await status(f"{url}/health/ready") == 200


async def test_frozen_it_answers_nobody(tmp_path, environment):
    async with Node(tmp_path, environment=environment) as node:
        node.freeze()
        asking = asyncio.create_task(status(f"{node.url}/health/live"))
        state = Path(f"/proc/{node.pid}/stat")
        async with deadline():
            while state.read_text().rpartition(")")[2].split()[0] != "T":
                await asyncio.sleep(0)
        assert not asking.done()

        node.thaw()
        async with deadline():
            assert await asking == 200


async def test_frozen_it_can_still_be_stopped(tmp_path, environment):
    async with Node(tmp_path, environment=environment) as node:
        node.freeze()
        async with deadline():
            assert await node.terminate() == 0


async def test_where_its_database_is_shows_nowhere_but_in_its_environment(tmp_path, environment):
    program = tmp_path / "hubbub.py"
    program.write_text(
        "import time\n"
        "print('hubbub listens on http://127.0.0.1:1\\nmetrics for operators: http://127.0.0.1:2/metrics')\n"
        "print(flush=True)\n"
        "time.sleep(600)\n"
    )
    database, bus = "postgresql://hubbub:secret1@127.0.0.1/hubbub", "nats://hubbub:secret2@127.0.0.1"
    async with Node(
        tmp_path, environment=environment, database=database, bus=bus, program=[str(program)]
    ) as node:
        command = Path(f"/proc/{node.pid}/cmdline").read_text()
        given = Path(f"/proc/{node.pid}/environ").read_text().split("\0")

        assert "secret" not in command
        assert "--data" not in command
        assert f"HUBBUB_DATABASE={database}" in given
        assert f"HUBBUB_BUS={bus}" in given


async def test_a_node_that_cannot_start_says_why(tmp_path, environment):
    with pytest.raises(ClusterFailed, match="--what: unknown"):
        async with Node(tmp_path, "--what", environment=environment):
            pass
