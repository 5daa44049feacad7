"""What an operator sees is what happened."""

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hubbub.client import Client
from hubbub.metrics import registry
from hubbub.service.tally import Histogram
from support.deadline import deadline
from support.seeded import token_of
from support.serving import serving


def shown(server, lag_seconds=None):
    return registry(
        server.context, lag_seconds or server.lag_seconds, server.backend, server.member, damages=lambda: 0
    )


def samples(metrics) -> dict[str, float]:
    return {
        sample.name + "".join(f"{{{value}}}" for name, value in sample.labels.items()): sample.value
        for family in text_string_to_metric_families(generate_latest(metrics).decode())
        for sample in family.samples
    }


async def test_posts_deliveries_and_connections_are_counted(data):
    async with serving(data) as server, Client(server.url, token=token_of("ada")) as ada, deadline():
        metrics = shown(server)
        room = await ada.create_room("Lounge")
        streams = [ada.subscribe(room, transport=transport) for transport in ("ws", "sse", "ndjson")]
        for stream in streams:
            await stream.open()
        for text in ("one", "two"):
            await ada.post(text, room=room)
        for stream in streams:
            await anext(stream)
            await anext(stream)
        seen = samples(metrics)

    assert seen["hubbub_posts_total"] == 2
    assert seen["hubbub_deliveries_total"] == 6
    assert seen["hubbub_behind_readers"] == 0
    assert seen["hubbub_queue_depth"] == 0
    assert [seen[f"hubbub_connections{{{kind}}}"] for kind in ("websocket", "sse", "ndjson")] == [1, 1, 1]
    assert seen["hubbub_commit_batch_size_sum"] == 2
    assert seen["hubbub_commit_seconds_count"] == seen["hubbub_commit_batch_size_count"]


async def test_failed_sign_ins_are_counted(data):
    async with serving(data) as server, Client(server.url) as mallory, deadline():
        with pytest.raises(Exception, match="wrong-credentials"):
            await mallory.sign_in("ada", "not her password")
        seen = samples(shown(server))

    assert seen["hubbub_sign_in_failures_total"] == 1


async def test_a_histogram_counts_what_is_at_or_below_each_bound(data):
    lag_seconds = Histogram(0.1, 1.0)
    for late in (0.05, 0.1, 0.5, 7.0):
        lag_seconds.observe(late)
    async with serving(data) as server:
        seen = samples(shown(server, lag_seconds))

    buckets = [seen[f"hubbub_loop_lag_seconds_bucket{{{bound}}}"] for bound in ("0.1", "1.0", "+Inf")]
    assert buckets == [2, 3, 4]
    assert seen["hubbub_loop_lag_seconds_count"] == 4
    assert seen["hubbub_loop_lag_seconds_sum"] == pytest.approx(7.65)
