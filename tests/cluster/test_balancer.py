"""HAProxy before nodes."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpx2
import pytest

from hubbub.cluster import Balancer, ClusterFailed, Node, balancer, programs
from hubbub.cluster.balancer import configuration
from support.deadline import deadline

pytestmark = pytest.mark.skipif(
    not balancer.is_installed(), reason="NOT TESTED: there is no HAProxy; tests/cluster/install brings it"
)


@pytest.fixture
async def nodes(tmp_path, environment):
    flags = ("--trusted-proxies", "127.0.0.1")
    async with (
        Node(tmp_path, *flags, name="one", environment=environment) as one,
        Node(tmp_path, *flags, name="two", environment=environment) as two,
    ):
        yield [one, two]


async def epoch(url, *, patient=False):
    """Which node answers: each has a store of its own here. If `patient`, None for one that is not ready."""

    def ask():
        try:
            with urllib.request.urlopen(f"{url}/health/ready", timeout=20) as answer:
                return json.load(answer)["epoch"]
        except urllib.error.HTTPError as refused:
            refused.close()
            if not patient:
                raise

    return await asyncio.to_thread(ask)


async def lives(url):
    """Raises when anything but a 200 comes."""

    def ask():
        with urllib.request.urlopen(f"{url}/health/live", timeout=20) as answer:
            return answer.read()

    await asyncio.to_thread(ask)


async def test_it_hands_people_to_the_nodes_in_turn(tmp_path, nodes):
    one, two = [await epoch(node.url) for node in nodes]
    async with Balancer(tmp_path, nodes) as before, deadline():
        # A node that is slow to say that it is ready gets nobody for a moment.
        while [await epoch(before.url) for _ in range(4)] not in ([one, two] * 2, [two, one] * 2):
            pass


async def test_a_node_that_has_gone_gets_nobody(tmp_path, nodes):
    gone, there = nodes
    left = await epoch(there.url)
    async with Balancer(tmp_path, nodes) as before:
        await gone.kill()
        assert {await epoch(before.url) for _ in range(6)} == {left}


async def test_a_node_that_is_to_stop_is_left_alone_before_it_stops(tmp_path, environment):
    async with (
        Node(tmp_path, "--drain-seconds", "600", name="leaving", environment=environment) as leaving,
        Node(tmp_path, name="staying", environment=environment) as staying,
        Balancer(tmp_path, [leaving, staying]) as before,
    ):
        left = await epoch(staying.url)
        assert len({await epoch(before.url) for _ in range(4)}) == 2

        os.kill(leaving.pid, signal.SIGTERM)
        async with deadline():
            while {await epoch(before.url, patient=True) for _ in range(4)} != {left}:
                pass

        await lives(leaving.url)
        assert leaving.is_running


@asynccontextmanager
async def takes_and_never_answers():
    """What looks like a node that is ready, and ends whenever it is asked for anything."""
    calls = []

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/health/ready" in head:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        else:
            calls.append(head)
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield SimpleNamespace(url=url, admin_url=url, calls=calls)


@pytest.mark.parametrize(
    ("method", "fields", "harmless"),
    [("GET", {}, True), ("POST", {"Idempotency-Key": "once"}, True), ("POST", {}, False)],
    ids=["read", "post with a key", "post without"],
)
async def test_what_a_node_took_and_never_answered_is_tried_at_another_if_that_does_no_harm(
    tmp_path, environment, method, fields, harmless
):
    async with (
        takes_and_never_answers() as dying,
        Node(tmp_path, environment=environment) as node,
        Balancer(tmp_path, [dying, node]) as before,
        httpx2.AsyncClient(trust_env=False, timeout=20) as http,
    ):
        dying.calls.clear()  # of whether the balancer is there
        while not dying.calls:  # its turn comes with the second call at the latest
            answer = await http.request(method, f"{before.url}/sessions", headers=fields)

    assert (answer.status_code < 500) is harmless
    assert len(dying.calls) == 1


async def test_a_node_that_comes_back_gets_its_share_again(tmp_path, nodes):
    gone = nodes[0]
    both = {await epoch(node.url) for node in nodes}
    async with Balancer(tmp_path, nodes) as before:
        await gone.kill()
        await epoch(before.url)
        await gone.start()
        async with deadline():
            answers = set()
            while answers != both:
                answers.add(await epoch(before.url))


async def test_who_comes_while_it_is_away_waits_for_it(tmp_path, nodes):
    async with Balancer(tmp_path, nodes) as before:
        url = before.url
        await before.kill()
        asking = asyncio.create_task(epoch(url))
        await before.start()
        async with deadline():
            assert await asking
        assert before.url == url


async def test_an_address_that_is_taken_is_named(tmp_path, nodes):
    taken = nodes[0].url.partition("//")[2]

    with pytest.raises(ClusterFailed, match=f"cannot listen on {taken}: Address already in use"):
        async with Balancer(tmp_path, nodes, listen=taken):
            pass


def test_haproxy_finds_nothing_to_say_of_its_configuration(tmp_path):
    file = tmp_path / "haproxy.cfg"
    file.write_text(
        configuration([("127.0.0.1:1", "127.0.0.1:2"), ("127.0.0.1:3", "127.0.0.1:4")], "127.0.0.1:5")
    )

    binary = programs.program("haproxy", package="haproxy")
    done = subprocess.run([binary, "-c", "-f", file], capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")


def test_without_haproxy_there_is_none(monkeypatch):
    assert balancer.is_installed()
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    assert not balancer.is_installed()
