"""`hubbub serve`: what it refuses, what it says, and that settings reach it."""

import json
from pathlib import Path

import httpx2
import pytest

from hubbub.client import Client
from support.deadline import deadline
from support.seeded import PASSWORD

from .commands import hubbub, serving, started


async def test_all_mistakes_are_told_together_and_nothing_is_started(tmp_path):
    (tmp_path / "hubbub.toml").write_text('colour = "red"\n')

    told = await hubbub(
        "serve", "--lisen", "127.0.0.1:1", "--data", "here", "--ping-seconds=-1", "now",
        cwd=tmp_path, HUBBUB_SIGN_UP="maybe",
    )  # fmt: skip

    assert told.code == 2
    assert told.out == ""
    assert told.err.splitlines() == [
        "hubbub: the settings have 5 mistakes:",
        "  hubbub.toml: colour: unknown",
        "  HUBBUB_SIGN_UP 'maybe': open or closed",
        "  --lisen: unknown; did you mean --listen?",
        "  --ping-seconds '-1': seconds, from 0.1 to 86400",
        "  'now' is not expected here",
    ]
    assert not (tmp_path / "here").exists()


@pytest.mark.parametrize(
    "words",
    [["serve", "--listen"], ["sreve"], ["user", "add"], ["user", "add", "a", "b"], ["seed", "--users", "x"]],
)
async def test_a_command_that_makes_no_sense_ends_with_2_and_one_line(words, tmp_path):
    told = await hubbub(*words, cwd=tmp_path)

    assert told.code == 2
    assert told.err.startswith("hubbub: ")
    assert len(told.err.splitlines()) == 1


async def test_help_names_every_setting_with_its_default(tmp_path):
    told = await hubbub("serve", "--help", cwd=tmp_path)

    assert told.code == 0
    assert "--listen HOST:PORT" in told.out
    assert "[127.0.0.1:8080]" in told.out


async def test_it_says_where_it_listens_and_where_its_data_lies(data):
    async with serving(data) as server:
        said = await server.stops()

    assert server.url.startswith("http://127.0.0.1:")
    assert said.code == 0


async def test_a_second_server_on_a_directory_is_refused_by_name(data):
    async with serving(data) as first:
        told = await hubbub(
            "serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data", data, cwd=data.parent
        )

    assert told.code == 1
    assert str(data) in told.err
    assert str(first.process.pid) in told.err


async def test_an_address_in_use_is_told_with_the_flag_to_change(data, tmp_path):
    async with serving(data) as first:
        told = await hubbub(
            "serve", "--listen", first.url.removeprefix("http://"), "--data", tmp_path / "other", cwd=tmp_path
        )

    assert told.code == 1
    assert told.err.strip().endswith("it is in use; choose another with --listen")


async def test_a_certificate_that_is_none_is_told_and_not_served_with(data):
    told = await hubbub(
        "serve", "--listen", "127.0.0.1:0", "--admin-listen", "off", "--data", data,
        "--tls-cert", __file__, "--tls-key", __file__, cwd=data.parent,
    )  # fmt: skip

    assert told.code == 1
    assert told.err.startswith("hubbub: --tls-cert and --tls-key are no certificate and its key: ")


async def test_limits_hold_unless_they_are_off_which_the_log_warns_of(data):
    async def rooms_made(*flags: str) -> tuple[int, str]:
        async with serving(data, *flags) as server:
            async with Client(server.url) as ada, deadline():
                await ada.sign_in("ada", PASSWORD)
                for name in ("one", "two"):
                    await ada.create_room(name + "".join(flags))
                async with httpx2.AsyncClient(base_url=server.url, trust_env=False) as raw:
                    again = await raw.post(
                        "/rooms",
                        json={"name": "three" + "".join(flags)},
                        headers={"Authorization": f"Bearer {ada.token}"},
                    )
            return again.status_code, (await server.stops()).err

    held, quiet = await rooms_made("--limits", "rooms=2/60")
    free, warned = await rooms_made("--limits", "off")

    assert (held, free) == (429, 201)
    assert "limits are off" not in quiet
    assert "limits are off" in warned


async def test_closed_sign_up_is_refused(data):
    async with (
        serving(data, "--sign-up", "closed") as server,
        httpx2.AsyncClient(base_url=server.url, trust_env=False) as raw,
    ):
        answer = await raw.post("/users", json={"name": "newcomer", "password": PASSWORD})

    assert answer.status_code == 403


async def test_the_log_for_programs_is_json_and_names_nobody_s_secret(data):
    process = await started(
        "serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data", data,
        "--log-format", "json", "--access-log", "on", cwd=data.parent,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        async with deadline():
            first = json.loads(await process.stderr.readline())
            async with Client(first["url"]) as ada:
                await ada.sign_in("ada", PASSWORD)
                room = await ada.create_room("Lounge")
                offer = await ada.offer(room)
                token = str(ada.token)
            async with (
                httpx2.AsyncClient(trust_env=False) as raw,
                raw.stream("GET", offer.event_stream, headers={"Accept": "text/event-stream"}) as stream,
            ):
                assert stream.status_code == 200
            process.terminate()
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()

    lines = [json.loads(line) for line in err.decode().splitlines()]
    assert out == b""
    assert first["event"] == "listening"
    assert any(line["event"] == "signed in" and line["user"] == "ada" for line in lines)
    assert any("/subscribe?" in line["event"] for line in lines)
    ticket = offer.event_stream.rpartition("ticket=")[2]
    for secret in (token, ticket, PASSWORD):
        assert secret not in err.decode()


async def test_metrics_have_a_listener_of_their_own(data):
    async with serving(data, admin=True) as server:
        assert server.metrics is not None
        async with httpx2.AsyncClient(trust_env=False) as raw:
            shown = await raw.get(server.metrics)
            ready = await raw.get(server.metrics.replace("/metrics", "/health/ready"))
            nothing = await raw.get(server.metrics.replace("/metrics", "/rooms"))
            public = await raw.get(server.url + "/metrics")

    assert "hubbub_posts_total 0.0" in shown.text
    assert ready.json()["store"] == "sqlite"
    assert (nothing.status_code, public.status_code) == (404, 404)


async def test_the_data_directory_is_its_owner_s_alone(tmp_path):
    async with serving(tmp_path / "new") as server:
        await server.stops()

    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    assert all(Path(file).stat().st_mode & 0o077 == 0 for file in (tmp_path / "new").iterdir())
