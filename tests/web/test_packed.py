"""What is handed on, the wheel and the sdist, has the page in it."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from web.program import ROOT


def pack(tree: Path, into: Path, *words: str, **environment: str) -> None:
    """With the hatchling of this environment, so without any network."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(into), *words],
        cwd=tree,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.fixture(scope="module")
def packed(really_built, tmp_path_factory) -> tuple[Path, Path]:
    """The wheel and the sdist."""
    into = tmp_path_factory.mktemp("packed")
    pack(ROOT, into)
    (wheel,), (sdist,) = into.glob("*.whl"), into.glob("*.tar.gz")
    return wheel, sdist


@pytest.fixture
def unpacked(packed, tmp_path) -> Path:
    with tarfile.open(packed[1]) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    return tree


def files_of(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def page_in(tree: Path) -> dict[str, bytes]:
    found = (each for each in (tree / "src" / "hubbub" / "web").rglob("*") if each.is_file())
    return {each.relative_to(tree / "src").as_posix(): each.read_bytes() for each in found}


def test_the_wheel_has_the_whole_page(packed):
    wheel = files_of(packed[0])
    page = page_in(ROOT)
    assert {"hubbub/web/index.html", "hubbub/web/built.json", "hubbub/web/assets/licences.txt"} <= page.keys()
    assert page.items() <= wheel.items()


def test_the_sdist_has_the_page_and_all_it_is_made_of_and_nothing_that_was_installed(unpacked):
    assert page_in(unpacked) == page_in(ROOT)
    sources = {"package.json", "package-lock.json", ".npmrc", "build", "compress.mjs", "index.html"}
    assert sources <= {each.name for each in (unpacked / "web").iterdir()}
    assert (unpacked / "hatch_build.py").is_file()
    assert not list(unpacked.rglob("node_modules"))
    assert not list(unpacked.rglob(".venv"))


def test_a_wheel_is_made_from_the_sdist_without_node_and_is_the_same(packed, unpacked, tmp_path):
    (unpacked / "web" / "notes.txt").write_text("somebody looked around")
    into = tmp_path / "again"
    pack(unpacked, into, "--target", "wheel", PATH=str(tmp_path / "nowhere"), PIP_NO_INDEX="1")
    (wheel,) = into.glob("*.whl")
    assert files_of(wheel) == files_of(packed[0])


def test_the_editable_install_builds_no_page(unpacked, tmp_path):
    (unpacked / "PKG-INFO").unlink()
    shutil.rmtree(unpacked / "src" / "hubbub" / "web")
    into = tmp_path / "editable"
    environment = {"PATH": str(tmp_path / "nowhere"), "PIP_NO_INDEX": "1"}
    done = subprocess.run(
        [sys.executable, "-c", f"import hatchling.build as b; b.build_editable({str(into)!r})"],
        cwd=unpacked,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(into.glob("*.whl"))
