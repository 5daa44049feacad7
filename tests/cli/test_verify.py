"""`hubbub verify`: of a directory, of a backup, of a server that runs."""

import json

import apsw

from cli.commands import hubbub, hubbub_here, serving

TOKEN = "an-admin-token-of-some-forty-characters-or-so"


def spoil(data, sql="UPDATE events SET text = 'never said' WHERE text = 'two'"):
    database = apsw.Connection(str(data / "hubbub.db"))
    database.execute(sql)
    assert database.changes() == 1
    database.close()


async def test_a_whole_store_is_said_to_be_whole(used):
    ended = await hubbub("verify", "--data", used)

    assert (ended.code, ended.err) == (0, "")
    assert "5  events" in ended.out
    assert "1  direct messages" in ended.out
    assert "whole: nothing is wrong" in ended.out


async def test_a_store_that_is_not_whole_is_said_so_with_the_place_and_exit_code_1(used):
    spoil(used)

    ended = await hubbub_here("verify", "--data", used)
    as_json = await hubbub_here("verify", "--data", used, "--json")

    assert (ended.code, as_json.code) == (1, 1)
    assert "NOT WHOLE" in ended.out
    assert "The content does not match its digest" in ended.out
    told = json.loads(as_json.out)
    assert not told["whole"]
    (problem,) = (each for each in told["problems"] if each["kind"] == "altered")
    assert f"{problem['log']} {problem['seq']}: " in ended.out
    assert len(ended.out.splitlines()) <= 40


async def test_a_report_is_kept_and_compared_with_later(used, tmp_path):
    report = tmp_path / "report.json"
    report.write_text((await hubbub_here("verify", "--data", used, "--json")).out)

    same = await hubbub_here("verify", "--data", used, "--against", report)
    spoil(used, "DELETE FROM events WHERE text = 'three'")
    cut = await hubbub_here("verify", "--data", used, "--against", report)

    assert same.code == 0
    assert "6  logs compared with the earlier report" in same.out
    assert cut.code == 1
    assert "The log ends at 2; it once reached 3" in cut.out


async def test_what_cannot_be_verified_is_said_in_a_line(tmp_path, used):
    (tmp_path / "no-report.json").write_text("{}")
    (tmp_path / "no-backup.db").write_bytes(b"this is no database" * 100)
    for words, code, said in (
        (("--data", tmp_path / "nowhere"), 1, "there is no hubbub store"),
        (("--backup", tmp_path / "nowhere.db"), 1, "cannot be opened"),
        (("--backup", tmp_path / "no-backup.db"), 1, "not a database"),
        (("--data", used, "--against", tmp_path / "no-report.json"), 1, "is no report"),
        (("--data", used, "--backup", tmp_path / "x"), 2, "one of them"),
        (("--server", "http://127.0.0.1:1"), 2, "--token-file"),
    ):
        ended = await hubbub_here("verify", *words)
        assert (ended.code, ended.out) == (code, "")
        assert said in ended.err
        assert len(ended.err.splitlines()) == 1


async def test_a_running_server_looks_itself_through_for_who_has_the_token(used, tmp_path):
    token, wrong = tmp_path / "token", tmp_path / "wrong"
    token.write_text(TOKEN + "\n")
    wrong.write_text("not" + TOKEN)
    report = tmp_path / "report.json"
    async with serving(used, "--admin-token-file", str(token), admin=True) as server:
        admin = server.metrics.removesuffix("/metrics")
        whole = await hubbub_here("verify", "--server", admin, "--token-file", token)
        report.write_text(
            (await hubbub_here("verify", "--server", admin, "--token-file", token, "--json")).out
        )
        same = await hubbub_here("verify", "--server", admin, "--token-file", token, "--against", report)
        spoil(used)
        damaged = await hubbub_here("verify", "--server", admin, "--token-file", token)
        refused = await hubbub_here("verify", "--server", admin, "--token-file", wrong)

    assert (whole.code, same.code, damaged.code, refused.code) == (0, 0, 1, 1)
    assert "whole: nothing is wrong" in whole.out
    assert "logs compared" in same.out
    assert json.loads(report.read_text())["whole"]
    assert "The content does not match its digest" in damaged.out
    assert "401" in refused.err
    assert TOKEN not in refused.err + damaged.out
