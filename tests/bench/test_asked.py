"""What a run cannot be asked for is told before anything is started."""

import pytest

from cli.commands import hubbub


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fanout", "--clients", "2", "--rooms", "5"], "more rooms than clients"),
        (["fanout", "--rate", "fast"], "--rate"),
        (["fanout", "--rate", "0"], "--rate"),
        (["fanout", "--payload", "3"], "--payload"),
        (["fanout", "--transport", "rest"], "rest goes with posts"),
        (["posts", "--transport", "sse"], "ws or rest"),
        (["fanout", "--url", "http://127.0.0.1:1"], "--seed"),
        (["earthquake"], "earthquake"),
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
