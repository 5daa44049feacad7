"""All pieces at once, and what is shown of them."""

import asyncio

import httpx2
import pytest

from hubbub.cluster import Cluster, ClusterFailed, balancer, keeping
from hubbub.cluster.keeping import kept
from hubbub.cluster.page import served
from hubbub.cluster.ports import listening
from hubbub.cluster.process import descendants
from hubbub.cluster.watch import Watch
from support.deadline import deadline
from support.pieces import needs_pieces

pytestmark = needs_pieces

NODES = 2


@pytest.fixture
async def cluster(tmp_path, environment):
    async with Cluster(tmp_path, nodes=NODES, environment=environment) as cluster:
        yield cluster


@pytest.fixture
async def http():
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        yield http


async def looked(watch, wanted):
    """What the watch shows once it is as wanted."""
    async with deadline():
        while not wanted(seen := await watch.look()):
            await asyncio.sleep(0.05)
    return seen


def conditions(seen):
    return [node.condition for node in seen.nodes]


def told_conditions(told):
    return [node["condition"] for node in told["nodes"]]


def without_bus(seen):
    """A node is asked for its figures and how it is in two requests: they may be of two moments."""
    return not any(node.figures.bus_up for node in seen.nodes)


def without_database(seen):
    return not any(node.figures.database_up for node in seen.nodes)


async def test_nodes_share_a_database_and_a_bus(cluster, http):
    answers = [(await http.get(f"{node.url}/health/ready")).json() for node in cluster.nodes]

    assert len({node.url for node in cluster.nodes}) == NODES
    assert len({answer["epoch"] for answer in answers}) == 1
    assert {(answer["store"], answer["bus"]) for answer in answers} == {("postgresql", "up")}


@pytest.mark.skipif(not balancer.is_installed(), reason="NOT TESTED: there is no HAProxy")
async def test_people_have_one_address_for_all_nodes(cluster, http):
    assert cluster.url not in [node.url for node in cluster.nodes]
    assert (await http.get(f"{cluster.url}/health/ready")).status_code == 200


async def test_without_a_balancer_people_have_a_node(tmp_path, environment):
    async with Cluster(tmp_path, nodes=1, balanced=False, environment=environment) as cluster:
        assert cluster.url == cluster.nodes[0].url


async def test_it_ends_in_order_and_leaves_nothing_running(tmp_path, environment):
    async with Cluster(tmp_path, nodes=NODES, environment=environment) as cluster:
        pieces = [cluster.postgres, cluster.nats, *cluster.nodes]
        below = descendants(cluster.postgres.pid)
        assert all(piece.is_running for piece in pieces)

    assert not any(piece.is_running for piece in pieces)
    assert not any(descendants(pid) for pid in below)
    for node in cluster.nodes:
        assert "exit_code=0" in node.log.read_text()
        assert "away" not in node.log.read_text()  # what a node needs is there until it has ended


async def test_a_directory_has_one_cluster_at_a_time(cluster, tmp_path, environment):
    with pytest.raises(ClusterFailed, match="another cluster runs in"):
        async with Cluster(tmp_path, environment=environment):
            pass
    assert all(node.is_running for node in cluster.nodes)


async def test_a_node_that_cannot_start_leaves_nothing_running(tmp_path, environment):
    cluster = Cluster(tmp_path, nodes=NODES, flags=["--what"], environment=environment)
    with pytest.raises(ClusterFailed, match="--what: unknown"):
        await cluster.start()

    assert not any(piece.is_running for piece in (cluster.postgres, cluster.nats, *cluster.nodes))


async def test_the_page_tells_how_each_node_is(cluster, http):
    one, two = cluster.nodes
    sock = listening("127.0.0.1:0")
    async with Watch(cluster) as watch, served(watch, sock) as page:
        async with deadline():
            while told_conditions(told := (await http.get(f"{page}cluster.json")).json()) != ["ready"] * 2:
                await asyncio.sleep(0.05)
        assert told["url"] == cluster.url
        assert [(node["name"], node["url"], node["pid"]) for node in told["nodes"]] == [
            ("node-1", one.url, one.pid),
            ("node-2", two.url, two.pid),
        ]
        assert all(part["runs"] for part in told["parts"])
        figures = told["nodes"][0]["figures"]
        assert figures["connections"] == {"ndjson": 0, "sse": 0, "websocket": 0}
        assert figures["database_up"] is True
        assert figures["bus_up"] is True

        await two.kill()
        seen = await looked(watch, lambda seen: conditions(seen) == ["ready", "away"])
        assert seen.nodes[1].pid is None
        one.freeze()
        await looked(watch, lambda seen: conditions(seen) == ["silent", "away"])
        one.thaw()
        await looked(watch, lambda seen: conditions(seen) == ["ready", "away"])
    sock.close()


async def test_the_page_tells_what_is_away(cluster):
    async with Watch(cluster) as watch:
        await cluster.nats.kill()
        seen = await looked(watch, lambda seen: conditions(seen) == ["ready", "ready"] and without_bus(seen))
        assert [part.runs for part in seen.parts][:2] == [True, False]

        await cluster.postgres.kill()
        seen = await looked(
            watch, lambda seen: conditions(seen) == ["refusing", "refusing"] and without_database(seen)
        )
        assert {node.why for node in seen.nodes} == {"storage-away"}


async def test_the_page_brings_all_it_needs_and_no_password(cluster, http):
    sock = listening("127.0.0.1:0")
    async with Watch(cluster) as watch, served(watch, sock) as page:
        shown = await http.get(page)
        answers = [
            shown,
            *[await http.get(f"{page}{name}") for name in ("page.css", "page.js", "cluster.json")],
        ]

    sock.close()
    assert [answer.status_code for answer in answers] == [200] * 4
    secrets = [url.split(":")[2].split("@")[0] for url in (cluster.postgres.url, cluster.nats.url)]
    for answer in answers:
        assert "'self'" in answer.headers["content-security-policy"]
        assert not any(secret in answer.text for secret in secrets)
    assert 'src="http' not in shown.text


async def test_what_ends_by_itself_is_started_again_where_it_was(cluster, http, monkeypatch):
    monkeypatch.setattr(keeping, "AGAIN_SECONDS", 0.0)
    lines = []
    node = cluster.nodes[0]
    async with kept(cluster, lines.append):
        await node.kill()
        await cluster.nats.kill()
        async with deadline():
            while not {"node-1 is back", "NATS is back"} <= set(lines):
                await asyncio.sleep(0.01)

    assert (await http.get(f"{node.url}/health/ready")).status_code == 200
    assert cluster.nats.is_running
