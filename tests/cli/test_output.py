"""Standard output that nobody reads, or that cannot be written: one line says so, or none."""

import asyncio
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

import pytest

from hubbub.cli import main
from support.seeded import PASSWORD


def nobody_reads():
    reads, writes = os.pipe()
    os.close(reads)
    return os.fdopen(writes, "w", encoding="utf-8")


def nothing_fits():
    return open("/dev/full", "w", encoding="utf-8")


async def into(out, *words):
    """A command in this process: its exit code, and what it complains of."""
    complained = StringIO()
    with out, redirect_stdout(out), redirect_stderr(complained):
        code = await asyncio.to_thread(main, list(words))
    return code, complained.getvalue()


SEED = ("seed", "--users", "1", "--rooms", "1", "--data", "data", "--out", "seeded.json")


@pytest.mark.parametrize("words", [("--help",), ("tail", "--help"), ("--version",), SEED])
async def test_what_nobody_reads_goes_unsaid(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert await into(nobody_reads(), *words) == (0, "")
    if words is SEED:
        assert (tmp_path / "seeded.json").exists()


@pytest.mark.parametrize("words", [("--help",), SEED])
async def test_a_disk_that_is_full_is_told_in_one_line(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, complained = await into(nothing_fits(), *words)
    assert code == 1
    assert complained == "hubbub: cannot write to standard output: No space left on device\n"


async def test_signing_in_does_not_fail_for_want_of_a_reader(empty_home):
    login = f"hubbub login {empty_home.url} ada"
    told = await empty_home.shell(f"{{ echo '{PASSWORD}' | {login}; echo $? >&2; }} | true; hubbub rooms")

    assert (told.code, told.out, told.err) == (0, "", "0\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
async def test_messages_that_cannot_be_written_are_told_in_one_line(unbuffered, home, lounge):
    bob, room = lounge
    await bob.post("one", room=room)
    await bob.post("two", room=room)

    told = await home.shell(f"PYTHONUNBUFFERED={unbuffered} hubbub tail Lounge --no-follow > /dev/full")

    assert told.code == 1
    assert told.err == "hubbub: cannot write to standard output: No space left on device\n"


async def test_every_line_is_posted_also_when_nobody_reads_the_receipts(home, lounge):
    bob, room = lounge
    texts = [f"line {number}" for number in range(1, 9)]

    said = "\\n".join(texts)
    told = await home.shell(
        f"printf '{said}' | {{ hubbub post --lines --json Lounge; echo $? >&2; }} | head -1"
    )

    assert told.err == "0\n"
    assert json.loads(told.out)["text"] == "line 1"
    assert [event.text async for event in bob.history(room, after=0)] == texts
