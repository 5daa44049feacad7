"""Help teaches, and nobody waits for it."""

import subprocess
import sys

import pytest

from hubbub.cli import COMMANDS

from .commands import hubbub, hubbub_here

TALKING = ("login", "logout", "rooms", "post", "tail", "dm", "inbox")


def loaded_by(words):
    """The modules that are there when a command has ended."""
    program = f"import sys; from hubbub.cli import main\ntry: main({words!r})\nfinally: print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    return set(told.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["tail", "--help"], ["post", "--help"]])
def test_help_loads_neither_a_server_nor_a_client(words):
    heavy = {
        "uvicorn",
        "starlette",
        "apsw",
        "argon2",
        "httpx2",
        "websockets",
        "asyncio",
        "hubbub.client.client",
    }

    assert heavy & loaded_by(words) <= {"asyncio"}


def test_talking_loads_no_server():
    heavy = {"uvicorn", "starlette", "apsw", "argon2", "structlog", "hubbub.service", "hubbub.app"}

    assert not heavy & loaded_by(["rooms", "--server", "http://127.0.0.1:9"])


@pytest.mark.parametrize("name", TALKING)
async def test_help_of_a_command_shows_two_examples_at_least(name, tmp_path):
    told = await hubbub(name, "--help", cwd=tmp_path, COLUMNS="100")

    assert told.code == 0
    assert told.out.count(f"hubbub {name}") >= 3  # the first is the usage


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_of_the_list_is_there(name):
    told = await hubbub_here(name, "--help")

    assert told.code == 0
    assert f"Usage: hubbub {name}" in told.out


@pytest.mark.parametrize("name", COMMANDS)
async def test_help_shows_no_flag_that_nobody_would_give_and_no_word_for_off(name):
    told = await hubbub_here(name, "--help")

    assert "--empty-" not in told.out
    assert "[default: False]" not in told.out


@pytest.mark.parametrize(
    ("words", "missing"), [(["post"], "ROOM"), (["user", "add"], "NAME"), (["move"], "a value for --from")]
)
async def test_what_is_missing_is_told_with_where_to_read_of_it(words, missing, tmp_path):
    told = await hubbub(*words, cwd=tmp_path)

    command = " ".join(words)
    assert (told.code, told.err) == (2, f"hubbub: {command} needs {missing}; see hubbub {command} --help\n")


async def test_a_command_that_is_nearly_there_is_suggested(tmp_path):
    told = await hubbub("pots", "Lounge", "hello", cwd=tmp_path)

    assert told.code == 2
    assert "post" in told.err
