"""Each scenario once, tiny, against a server of its own: everything must be right, however long it took."""

import json

import pytest

from cli.commands import hubbub

SMALL = ("--clients", "12", "--rooms", "3", "--rate", "60", "--seconds", "0.5", "--warm-up", "0.1")


async def played(tmp_path, *words):
    """What a run found, from its JSON."""
    ended = await hubbub("bench", *words, "--out", tmp_path / "out", cwd=tmp_path)
    assert ended.code == 0, ended.err + ended.out
    (file,) = (tmp_path / "out").glob("*.json")
    return json.loads(file.read_text("utf-8"))


@pytest.mark.parametrize("processes", ["1", "2"])
async def test_fanout(tmp_path, processes):
    result = await played(tmp_path, "fanout", *SMALL, "--processes", processes)
    verdict = result["verdict"]
    assert verdict["kept"]
    assert verdict["posted"] == verdict["acknowledged"] == 36
    assert verdict["expected_deliveries"] == 36 * 4
    assert result["loads"][0]["delivery_ms"]["count"] == 30 * 4


async def test_a_room(tmp_path):
    verdict = (await played(tmp_path, "room", *SMALL))["verdict"]
    assert verdict["kept"]
    assert verdict["expected_deliveries"] == 36 * 12
