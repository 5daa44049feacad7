"""What a run cannot be asked for is told before anything is started."""

import asyncio
from pathlib import Path

import pytest

from cli.commands import hubbub, started
from support.deadline import deadline


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fanout", "--clients", "2", "--rooms", "5"], "more rooms than clients"),
        (["fanout", "--rate", "fast"], "--rate"),
        (["fanout", "--rate", "0"], "--rate"),
        (["fanout", "--payload", "3"], "--payload"),
        (["fanout", "--transport", "rest"], "rest goes with posts"),
        (["posts", "--transport", "sse"], "ws or rest"),
        (["fanout", "--url", "http://127.0.0.1:1", "--people", "0"], "--people"),
        (["earthquake"], "earthquake"),
        (["fanout", "--cluster", "0"], "--cluster: 1 node or more"),
        (["storm", "--cluster", "1"], "say 2 or more"),
        (["relay", "--cluster", "1"], "from node to node"),
        (["relay"], "from node to node"),
        (["fanout", "--one-core"], "--one-core goes with --cluster"),
        (["fanout", "--cluster", "2", "--url", "http://127.0.0.1:1"], "leave out --url"),
        (["fanout", "--cluster", "2", "--seed", "none.json"], "leave out --seed"),
        (["fanout", "--cluster", "2", "--server-pid", "1"], "leave out --server-pid"),
        (["fanout", "--url", "a:1", "--url", "b:1", "--server-pid", "1"], "one for each --url"),
        (
            ["fanout", "--url", "a:1", "--metrics", "http://a:2", "--metrics", "http://b:2"],
            "one for each --url",
        ),
    ],
)
async def test_a_mistake_is_told(tmp_path, words, said):
    ended = await hubbub("bench", *words, cwd=tmp_path)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


async def test_a_seed_that_is_not_there_is_told(tmp_path):
    ended = await hubbub("bench", "--url", "http://127.0.0.1:1", "--seed", "none.json", cwd=tmp_path)
    assert ended.code == 1
    assert "none.json" in ended.err


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks for the server in /proc")
async def test_whoever_stops_it_stops_its_server(tmp_path):
    process = await started(
        *("bench", "--clients", "4", "--rooms", "1", "--rate", "10", "--seconds", "600"),
        cwd=tmp_path,
        TMPDIR=str(tmp_path),
    )
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    async with deadline():
        while not children.read_text():
            await asyncio.sleep(0.01)
        process.terminate()
        _, said = await process.communicate()  # its server and its clients have its standard error open
    assert process.returncode == 1
    assert b"stopped" in said
    assert not list(tmp_path.glob("hubbub-bench-*"))
