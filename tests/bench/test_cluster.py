"""A cluster under load: clients on all of its nodes, and one verdict over all of them."""

import json
import multiprocessing
from contextlib import AsyncExitStack

import pytest

from bench.found import PATIENCE_SECONDS, found, seat
from bench.liar import Lie, lying
from bench.loads import load
from cli.commands import ENVIRONMENT, communicated, started
from hubbub.bench.clustered import OwnCluster
from hubbub.bench.orders import Share
from hubbub.bench.worker import Worker
from hubbub.check import INVARIANTS, Resources, counted, together
from hubbub.cluster import Cluster

SMALL = ("--clients", "12", "--rooms", "3", "--rate", "60", "--seconds", "1", "--warm-up", "0.1")
POSTS = 66

MOST_SECONDS = 90.0
"""For a database, a bus and nodes to start, and for two loads: a few of them on a machine that is idle."""


async def played(tmp_path, *words):
    """What a run found, from its JSON; every promise was kept."""
    process = await started("bench", *words, *SMALL, "--check", "--out", tmp_path / "out", cwd=tmp_path)
    out, err = await communicated(process, within_seconds=MOST_SECONDS)
    assert process.returncode == 0, (err + out).decode()
    (file,) = (tmp_path / "out").glob("*.json")
    result = json.loads(file.read_text("utf-8"))
    assert result["verdict"]["kept"]
    assert {name for name in INVARIANTS if not result["invariants"][name]["checked"]} == set()
    return result


async def test_the_clients_are_spread_over_nodes_that_are_named_with_what_they_stand_on(tmp_path):
    result = await played(tmp_path, "fanout", "--cluster", "2")
    assert result["verdict"]["acknowledged"] == POSTS
    assert result["verdict"]["expected_deliveries"] == POSTS * 4
    assert set(result["cluster"]["nodes"]) == {"node-1", "node-2"}
    assert result["cluster"]["postgresql"][0].isdigit()
    assert result["cluster"]["nats"][0].isdigit()
    assert result["cluster"]["cores"].startswith("all of it and the clients share")
    assert "2 nodes" in result["server"]
    (load,) = result["loads"]
    assert set(load["server_cpu_of"]) == {"node-1", "node-2", "PostgreSQL", "NATS"}
    assert load["counted_per_second"]["wal_bytes"] > 0
    assert load["counted_per_second"]["bus_messages_heard"] > 0


async def test_a_node_is_killed_and_its_clients_go_on_at_the_others(tmp_path):
    result = await played(tmp_path, "storm", "--cluster", "2")
    facts = result["facts"]
    assert result["verdict"]["unanswered"] == 0
    assert result["verdict"]["posted"] == 2 * POSTS
    assert facts["killed"] == "node-2"
    assert (
        facts["came_back"] == facts["connections_cut_by_the_kill"] == 14
    )  # half of 12 readers and 16 who post
    assert facts["all_resumed_after_seconds"] > 0


@pytest.mark.long
async def test_everybody_on_every_node_is_reached(tmp_path):
    result = await played(tmp_path, "idle", "--cluster", "2", "--one-core")
    assert result["facts"]["connections_reached"] == 12
    assert "share" in result["cluster"]["cores"]


@pytest.mark.long
async def test_people_as_they_are_on_several_nodes(tmp_path):
    await played(tmp_path, "mixed", "--cluster", "2")


async def test_who_posts_is_on_another_node_than_who_reads(tmp_path):
    result = await played(tmp_path, "relay", "--cluster", "2")
    assert result["verdict"]["expected_deliveries"] == POSTS * 4
    counted = result["loads"][0]["counted_per_second"]
    assert counted["bus_messages_sent"] > 0
    assert counted["bus_messages_heard"] > 0  # the nodes are read one after another: no order between the two


async def test_readers_are_spread_over_all_nodes_but_the_one_where_others_post():
    share = Share(
        process=0, index=0, of=1, run="run1", addresses=[("127.0.0.1", 1)] * 3, apart=True, transport="ws",
        size_bytes=80, cores=frozenset(), readers=[seat(0), seat(1)], posters=[seat(2), seat(3)], people=[],
        began={"a": 0},
    )  # fmt: skip
    worker = Worker(multiprocessing.Pipe()[0], share)
    assert [client.node for client in worker.readers] == [0, 1]
    assert [client.node for client in worker.posters] == [2, 2]


@pytest.mark.long
async def test_several_urls_are_the_nodes_of_one_cluster(tmp_path):
    environment = {name: value for name, value in ENVIRONMENT.items() if not name.startswith("HUBBUB_")}
    async with Cluster(tmp_path / "c", nodes=2, balanced=False, environment=environment) as cluster:
        urls = [word for node in cluster.nodes for word in ("--url", node.url)]
        pids = [word for node in cluster.nodes for word in ("--server-pid", str(node.pid))]
        result = await played(tmp_path, "fanout", *urls, *pids, "--people", "2", *metrics_of(cluster))
        delivered = [(await counted(node.metrics))["hubbub_deliveries_total"] for node in cluster.nodes]
    assert result["verdict"]["expected_deliveries"] == POSTS * 4
    assert result["cluster"]["nodes"] == [node.url for node in cluster.nodes]
    assert set(result["loads"][0]["server_cpu_of"]) == {"node 1", "node 2"}
    assert min(delivered) >= POSTS * 2  # each hands half of the readers theirs


def metrics_of(cluster):
    return [word for node in cluster.nodes for word in ("--metrics", node.metrics)]


async def test_a_cluster_that_cannot_start_is_told(tmp_path):
    cluster = OwnCluster(tmp_path, nodes=1, flags=("--limits", "nonsense"), environment=ENVIRONMENT)
    with pytest.raises(Exception, match="ended before it listened"):
        async with cluster:
            pass


# -- nodes that do not hear of each other -----------------------------------


async def test_what_the_readers_of_one_node_are_not_told_is_found():
    """Two servers that share nothing are taken for two nodes."""
    verdict = await found_over(2, settle_seconds=0.2)
    assert verdict.missing + verdict.contradicting + verdict.misplaced > 0
    assert not (await found_over(1, settle_seconds=PATIENCE_SECONDS)).broken


async def found_over(nodes, *, settle_seconds):
    async with AsyncExitStack() as stack:
        liars = [await stack.enter_async_context(lying(Lie())) for _ in range(nodes)]
        ports = [liar.port for liar in liars]
        return await found(ports, [seat(0), seat(1)], seat(2), posts=20, settle_seconds=settle_seconds)


# -- all nodes together -----------------------------------------------------


def test_what_the_parts_used_is_added_up_and_told_apart():
    figures = load(10, 1, server_cpu_of={"node-1": 0.5, "PostgreSQL": 0.25})
    assert figures.server_cpu == 0.75
    assert figures.server_cpu_of == {"node-1": 0.5, "PostgreSQL": 0.25}


def test_what_is_not_known_of_one_node_is_not_known_of_all():
    one, other = Resources(memory_bytes=3, tasks=1), Resources(memory_bytes=4)
    assert together([one, other]) == Resources(memory_bytes=7)
    assert together([Resources()]) == Resources()
