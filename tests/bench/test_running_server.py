"""A server that runs already, started by somebody else."""

import json

from cli.commands import hubbub, serving


async def test_a_server_that_runs_is_loaded_with_its_own_people(tmp_path):
    data, seed = tmp_path / "data", tmp_path / "seed.json"
    assert (await hubbub("seed", "--users", "6", "--rooms", "2", "--out", seed, "--data", data)).code == 0
    load = ("--clients", "6", "--rooms", "2", "--rate", "40", "--seconds", "0.5", "--warm-up", "0")
    async with serving(data) as server:
        at = ("--url", server.url, "--seed", seed, "--server-pid", str(server.process.pid))
        for name in ("fanout-ws", "fanout-ws-2"):  # the second time the rooms are not empty any more
            ended = await hubbub("bench", *at, *load, "--out", tmp_path / "out", cwd=tmp_path)
            assert ended.code == 0, ended.err + ended.out
            assert f"written: {tmp_path / 'out' / name}.json" in ended.out
            result = json.loads((tmp_path / "out" / f"{name}.json").read_text("utf-8"))
            assert server.url in result["server"]
            assert result["verdict"]["expected_deliveries"] == 20 * 3
            assert result["loads"][0]["server_rss_bytes"] > 0


async def test_a_server_that_does_not_answer_is_told(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text('{"users":[{"name":"a","token":"t"}],"rooms":[{"id":"r"}]}')
    words = ("--url", "http://127.0.0.1:1", "--clients", "1", "--rooms", "1")
    ended = await hubbub("bench", *words, "--seed", seed, cwd=tmp_path)
    assert ended.code == 1
    assert "does not answer" in ended.err


async def test_only_a_server_of_its_own_is_killed(tmp_path):
    data, seed = tmp_path / "data", tmp_path / "seed.json"
    await hubbub("seed", "--users", "2", "--rooms", "1", "--out", seed, "--data", data)
    async with serving(data) as server:
        words = ("--url", server.url, "--seed", seed, "--clients", "2", "--rooms", "1")
        ended = await hubbub("bench", "storm", *words, cwd=tmp_path)
        assert server.process.returncode is None
    assert ended.code == 1
    assert "--url" in ended.err
