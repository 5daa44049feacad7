"""Each scenario once, tiny, against a server of its own: everything must be right, however long it took."""

import json

import pytest

from cli.commands import hubbub
from hubbub.check import INVARIANTS

SMALL = ("--clients", "12", "--rooms", "3", "--rate", "60", "--seconds", "0.5", "--warm-up", "0.1")


async def played(tmp_path, *words):
    """What a run found, from its JSON; every promise was kept."""
    ended = await hubbub("bench", *words, "--check", "--out", tmp_path / "out", cwd=tmp_path)
    assert ended.code == 0, ended.err + ended.out
    (file,) = (tmp_path / "out").glob("*.json")
    result = json.loads(file.read_text("utf-8"))
    for name in INVARIANTS:
        assert result["invariants"][name]["checked"]
        assert result["invariants"][name]["broken"] == 0
        assert f"\n{name} BROKEN" not in ended.out
    return result


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_fanout(tmp_path, processes):
    result = await played(tmp_path, "fanout", *SMALL, "--processes", processes)
    verdict = result["verdict"]
    assert verdict["kept"]
    assert verdict["posted"] == verdict["acknowledged"] == 36
    assert verdict["expected_deliveries"] == 36 * 4
    assert result["loads"][0]["delivery_ms"]["count"] == 30 * 4
    assert (tmp_path / "out" / "fanout-ws.svg").exists()
    assert result["machine"]["cores"]
    assert result["versions"]["python"]
    assert "hubbub serve --listen 127.0.0.1:" in result["server"]
    assert "synchronous=FULL" in result["server_says"]["durability"]


async def test_a_room(tmp_path):
    verdict = (await played(tmp_path, "room", *SMALL))["verdict"]
    assert verdict["kept"]
    assert verdict["expected_deliveries"] == 36 * 12


@pytest.mark.parametrize("transport", ["sse", "ndjson"])
async def test_fanout_over_streams(tmp_path, transport):
    verdict = (await played(tmp_path, "fanout", *SMALL, "--transport", transport))["verdict"]
    assert verdict["kept"]
    assert verdict["expected_deliveries"] == 36 * 4


@pytest.mark.parametrize("transport", ["ws", "rest"])
async def test_posts_are_all_there_when_they_are_read_again(tmp_path, transport):
    verdict = (await played(tmp_path, "posts", *SMALL, "--transport", transport))["verdict"]
    assert verdict["kept"]
    assert verdict["acknowledged"] == verdict["expected_deliveries"] == 36


async def test_idle(tmp_path):
    result = await played(tmp_path, "idle", *SMALL)
    assert result["facts"]["rss_after_bytes"] > 0
    assert result["facts"]["connections_reached"] == result["facts"]["connections"] == 12
    assert result["verdict"]["posted"] == 3  # one in every room
    assert result["verdict"]["kept"]


async def test_a_storm(tmp_path):
    result = await played(tmp_path, "storm", *SMALL)
    assert result["verdict"]["kept"]
    assert result["verdict"]["unanswered"] == 0
    assert result["verdict"]["posted"] == 36 + 30
    assert result["facts"]["connections_cut_by_the_kill"] == 16


async def test_slow_readers(tmp_path):
    result = await played(tmp_path, "slow", *SMALL)
    assert result["verdict"]["kept"]
    assert result["facts"]["slow_readers"] == 1


async def test_churn(tmp_path):
    result = await played(tmp_path, "churn", *SMALL)
    assert result["verdict"]["kept"]
    assert result["loads"][0]["return_ms"]["count"] > 0


async def test_overload(tmp_path):
    result = await played(tmp_path, "overload", *SMALL)
    assert result["verdict"]["kept"]
    (load,) = result["loads"]
    assert load["health_ms"]["count"] == 5
    assert result["verdict"]["acknowledged"] + result["verdict"]["shed"] == 36
    assert load["server_rss_most_bytes"] >= load["server_rss_before_bytes"] > 0
    assert result["facts"]["health_questions_not_answered"] == 0


async def test_people_as_they_are(tmp_path):
    result = await played(tmp_path, "mixed", *SMALL)
    assert result["verdict"]["kept"]
    assert result["loads"][0]["page_ms"]["count"] > 0
    assert result["loads"][0]["pages_failed"] == 0
