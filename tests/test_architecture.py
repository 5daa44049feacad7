"""The tree is the architecture: what may import what, and who may touch the world outside."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "hubbub"
FLOORS = ("domain", "protocol", "bus", "hub", "storage", "service", "api")


def modules(*parts: str) -> list[Path]:
    """The modules of some floors, or all."""
    return sorted(path for part in parts or (".",) for path in (SOURCE / part).rglob("*.py"))


def name(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def attributes(path: Path) -> set[str]:
    """Dotted names such as `os.environ` that a module mentions."""
    return {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }


def test_imports_point_down():
    assert lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True) == 0


def test_only_the_command_line_reads_the_environment():
    readers = {name(path) for path in modules() if attributes(path) & {"os.environ", "os.getenv"}}

    assert readers == {"cli/asked.py", "cli/serve.py", "cli/signed_in.py"}


def test_only_the_app_and_the_command_line_pick_a_store():
    pickers = {
        name(path)
        for path in modules()
        if not name(path).startswith("storage/")
        and any(
            module.startswith(("hubbub.storage.sqlite", "hubbub.storage.postgres"))
            for module in imported(path)
        )
    }

    assert pickers == {"backends.py", "cli/backup.py", "cli/places.py"}


def test_only_the_store_speaks_sql():
    assert {name(path).split("/")[0] for path in modules() if "apsw" in imported(path)} == {"storage"}


@pytest.mark.parametrize("path", modules(*FLOORS), ids=name)
def test_time_is_handed_in(path):
    clocks = {"time", "time.time", "datetime.datetime.now"}
    mentioned = set(imported(path)) | attributes(path)

    assert not clocks & mentioned
    assert not {each for each in mentioned if re.fullmatch(r"(datetime|date)\.(now|utcnow|today)", each)}


@pytest.mark.parametrize("path", modules("domain", "protocol"), ids=name)
def test_the_ground_floors_do_nothing_but_think(path):
    world = {"asyncio", "socket", "os", "random", "secrets", "threading", "logging", "structlog", "apsw"}

    assert not world & {module.split(".")[0] for module in imported(path)}


@pytest.mark.parametrize("path", modules("hub", "service", "storage"), ids=name)
def test_below_the_api_nobody_knows_http(path):
    assert not {"starlette", "uvicorn", "httptools"} & {module.split(".")[0] for module in imported(path)}


@pytest.mark.parametrize("path", modules(), ids=name)
def test_every_module_says_what_it_holds(path):
    assert ast.get_docstring(ast.parse(path.read_text()))
