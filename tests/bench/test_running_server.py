"""A server that runs already, started by somebody else."""

import json

import pytest

from cli.commands import hubbub, serving

LOAD = ("--clients", "6", "--rooms", "2", "--rate", "40", "--seconds", "0.5", "--warm-up", "0")
UNLIMITED = ("--limits", "off")


async def loaded(tmp_path, url, *words):
    """The JSON of a run on the server at `url` that has to go well."""
    out = tmp_path / "out" / "-".join(words or ["all"]).strip("-")
    ended = await hubbub("bench", *words, "--url", url, *LOAD, "--out", out, cwd=tmp_path)
    assert ended.code == 0, ended.err + ended.out
    (file,) = out.glob("*.json")
    return json.loads(file.read_text("utf-8"))


async def test_a_server_that_runs_is_loaded_with_its_own_people(tmp_path):
    data, seed = tmp_path / "data", tmp_path / "seed.json"
    assert (await hubbub("seed", "--users", "6", "--rooms", "2", "--out", seed, "--data", data)).code == 0
    async with serving(data) as server:
        at = ("--url", server.url, "--seed", seed, "--server-pid", str(server.process.pid))
        for name in ("fanout-ws", "fanout-ws-2"):  # the second time the rooms are not empty any more
            ended = await hubbub("bench", *at, *LOAD, "--out", tmp_path / "out", cwd=tmp_path)
            assert ended.code == 0, ended.err + ended.out
            assert f"written: {tmp_path / 'out' / name}.json" in ended.out
            result = json.loads((tmp_path / "out" / f"{name}.json").read_text("utf-8"))
            assert server.url in result["server"]
            assert result["verdict"]["expected_deliveries"] == 20 * 3
            assert result["loads"][0]["server_rss_bytes"] > 0


async def test_people_sign_up_where_nobody_is_named_and_a_second_run_finds_its_names_free(tmp_path):
    async with serving(tmp_path / "data") as server:  # with its limits, as anybody would run it
        for run in ("1", "2"):
            result = await loaded(tmp_path, server.url, "fanout", "--people", "2", "--streams", f"1{run}")
            assert result["verdict"]["expected_deliveries"] == 20 * 3


@pytest.mark.parametrize(
    ("words", "deliveries"),
    [
        (["mixed"], None),  # everybody is in up to three rooms, and hears what both of a person's clients do
        (["churn"], 20 * 3),
        (["posts", "--transport", "rest"], 20),
        (["fanout", "--transport", "sse"], 20 * 3),
        (["overload"], 20 * 3),
    ],
    ids=lambda each: each[0] if isinstance(each, list) else "",
)
async def test_the_verdict_holds_where_clients_share_a_person(tmp_path, words, deliveries):
    async with serving(tmp_path / "data", *UNLIMITED) as server:
        verdict = (await loaded(tmp_path, server.url, *words, "--people", "2", "--streams", "3"))["verdict"]
    assert verdict["kept"]
    assert verdict["acknowledged"] == 20
    assert deliveries in (None, verdict["expected_deliveries"])


LIMITS = [
    ("--limits", "posts=2/60", "`posts`", "--limits posts=off"),
    ("--limits", "sign_ups=2/60", "`sign_ups`", "--limits sign_ups=off"),
    ("--limits", "sign_ins_by_address=2/60", "`sign_ins_by_address`", "--limits sign_ins_by_address=off"),
    ("--limits", "rooms=1/60", "`rooms`", "--limits rooms=off"),
    ("--limits", "requests=8/60", "`requests`", "--limits requests=off"),
    ("--streams-per-session", "2", "streams", "--streams-per-session 100000"),
    ("--sockets-per-address", "4", "connections", "--sockets-per-address 0"),
]


@pytest.mark.parametrize(("flag", "value", "named", "remedy"), LIMITS, ids=[each[1] for each in LIMITS])
async def test_a_limit_that_is_met_is_named_with_the_flag_that_lifts_it(tmp_path, flag, value, named, remedy):
    async with serving(tmp_path / "data", flag, value) as server:
        words = ("--url", server.url, *LOAD, "--people", "3" if "sign" in value else "1", "--streams", "30")
        ended = await hubbub("bench", *words, cwd=tmp_path)
    assert (ended.code, ended.out) == (1, "")
    assert named in ended.err
    assert remedy in ended.err
    assert "hubbub serve --limits off --streams-per-session" in ended.err
    assert len(ended.err.splitlines()) == 1


async def test_where_nobody_may_sign_up_the_way_out_is_told(tmp_path):
    async with serving(tmp_path / "data", "--sign-up", "closed") as server:
        ended = await hubbub("bench", "--url", server.url, *LOAD, cwd=tmp_path)
    assert ended.code == 1
    assert "`hubbub seed`" in ended.err
    assert "--seed" in ended.err


async def test_a_server_that_does_not_answer_is_told(tmp_path):
    seed = tmp_path / "seed.json"
    seed.write_text('{"users":[{"name":"a","token":"t"}],"rooms":[{"id":"r"}]}')
    words = ("--url", "http://127.0.0.1:1", "--clients", "1", "--rooms", "1")
    for more in ([], ["--seed", seed]):
        ended = await hubbub("bench", *words, *more, cwd=tmp_path)
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
