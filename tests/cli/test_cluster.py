"""`hubbub cluster`: how it starts, what it says, how it ends."""

import asyncio
import os
import re
import shutil
import signal
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from hubbub.client import Client
from support.deadline import deadline
from support.pieces import needs_pieces

from .commands import hubbub, started

FREE = ("--listen", "127.0.0.1:0", "--page", "127.0.0.1:0")
PASSWORD = "correct horse battery"

pytestmark = needs_pieces


@pytest.fixture
def data(tmp_path):
    yield tmp_path / "cluster"
    where = tmp_path / "cluster" / "postgres"
    if where.is_symlink():  # it was kept, in a place its user can reach
        shutil.rmtree(where.resolve())


class Running:
    def __init__(self, process, lines):
        self.process = process
        self.lines = lines
        text = "\n".join(lines)
        self.pids = [int(pid) for pid in re.findall(r"process (\d+)", text)]
        self.nodes = re.findall(r"^node-\d+ +(\S+)", text, re.MULTILINE)
        self.page = re.search(r"^the page +(\S+)", text, re.MULTILINE)[1]


@asynccontextmanager
async def cluster(data, *flags):
    """From its last line on."""
    running = None
    process = await started("cluster", "--data", data, "--nodes", "2", *FREE, *flags)
    try:
        lines = []
        async with deadline(60):
            while not lines or not lines[-1].startswith("Ctrl-C"):
                line = (await process.stdout.readline()).decode()
                assert line, (await process.stderr.read()).decode()
                lines.append(line.strip())
        running = Running(process, lines)
        yield running
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
        async with deadline():
            while running and any(map(runs, running.pids)):
                await asyncio.sleep(0.01)


async def ended(running):
    async with deadline(40):
        out, err = await running.process.communicate()
    assert err == b""
    return running.process.returncode, out.decode().splitlines()


def runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


async def test_one_command_starts_all_of_it_and_ctrl_c_stops_all_of_it(data):
    async with cluster(data) as running:
        assert len(running.pids) >= 4
        async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
            assert [(await http.get(f"{node}/health/ready")).status_code for node in running.nodes] == [
                200
            ] * 2
            seen = (await http.get(f"{running.page}cluster.json")).json()
        assert [node["url"] for node in seen["nodes"]] == running.nodes

        running.process.send_signal(signal.SIGINT)
        assert await ended(running) == (0, ["stopping", "nothing of it runs any more"])
        assert not any(map(runs, running.pids))


async def test_a_second_start_goes_on_with_what_was_stored(data):
    async with cluster(data) as running:
        async with Client(running.nodes[0]) as ada:
            await ada.sign_up("ada", PASSWORD)
        running.process.send_signal(signal.SIGTERM)
        assert (await ended(running))[0] == 0

    async with cluster(data) as running, Client(running.nodes[1]) as ada:
        await ada.sign_in("ada", PASSWORD)


@pytest.mark.long
async def test_a_second_ctrl_c_waits_for_nobody(data):
    async with cluster(data) as running:
        running.process.send_signal(signal.SIGINT)
        async with deadline():
            while await running.process.stdout.readline() != b"stopping\n":
                pass
        running.process.send_signal(signal.SIGINT)

        assert (await ended(running))[0] == 130
        assert not any(map(runs, running.pids))


async def test_what_somebody_kills_is_started_again(data):
    async with cluster(data) as running:
        node = next(pid for pid in running.pids if "\0serve\0" in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(node, signal.SIGKILL)
        async with deadline():
            said = [(await running.process.stdout.readline()).decode().strip() for _ in range(2)]

        assert said == ["node-1 has ended, and is started again in 3 s", "node-1 is back"]


@pytest.mark.parametrize(
    ("flags", "wrong"),
    [
        (["--nodes", "0"], "--nodes: from 1 to 32"),
        (["--listen", "8080"], "--listen '8080': say HOST:PORT"),
        (["--page", "here"], "--page 'here': say HOST:PORT"),
        (["--serve", "'"], "--serve: No closing quotation"),
    ],
)
async def test_what_makes_no_sense_is_named_and_nothing_is_started(data, flags, wrong):
    done = await hubbub("cluster", "--data", data, *flags)

    assert done.code == 2
    assert wrong in done.err
    assert not data.exists()


async def test_what_a_node_refuses_is_told_and_nothing_is_left_running(data):
    done = await hubbub("cluster", "--data", data, *FREE, "--serve", "--what 1")

    assert done.code == 1
    assert "--what: unknown" in done.err
    assert "password" not in done.err
