"""The audit of dependencies finds what it is there to find, and fails nothing because nobody answers."""

import importlib.metadata
import importlib.util
import json
from email.message import Message

import pytest

from docs.pages import ROOT

HASH = "    --hash=sha256:" + "a" * 64


def _load():
    spec = importlib.util.spec_from_file_location("audit", ROOT / "requirements" / "audit.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


audit = _load()


def lock(*pins):
    return "".join(f"{pin} \\\n{HASH}\n" for pin in pins)


def test_the_locks_there_are_have_hashes_no_address_and_agree():
    assert audit.from_here() == []
    for name in audit.LOCKS:
        assert list(audit.read_lock((audit.HERE / name).read_text()))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("starlette==1.0\n", "starlette has no hash"),
        (lock("a==1") + "b==2\n" + lock("c==3"), "b has no hash"),
        ("a>=1 \\\n" + HASH + "\n", "is no pinned version"),
        ("a==1 \\\n    --hash=md5:abc\n", "something beside SHA-256"),
        ("--index-url x\n" + lock("a==1"), "takes an option"),
        ("a @ https://elsewhere.example/a.whl\n", "names an address"),
        ("-e .\n", "takes an option"),
    ],
)
def test_a_lock_that_pins_less_is_a_fault(text, fault):
    assert any(fault in each for each in audit.faults_of_text("base.txt", text))


def test_a_lock_is_read_whole_and_markers_are_heeded():
    entries = list(audit.read_lock(lock("A.B==1", "c==2 ; sys_platform == 'no-such'") + "# by hand\n"))
    assert [(entry.name, entry.version, entry.applies) for entry in entries] == [
        ("a-b", "1", True),
        ("c", "2", False),
    ]


def test_locks_that_differ_are_a_fault():
    pins = {"base.txt": ["a==1"], "build.txt": ["b==1"], "tui.txt": ["b==1"], "dev.txt": ["a==2", "b==1"]}
    locks = {name: list(audit.read_lock(lock(*each))) for name, each in pins.items()}
    assert list(audit.faults_between(locks)) == ["base.txt: a 1 is not what dev.txt has"]


def test_what_is_locked_is_what_is_installed():
    locked = list(audit.read_lock(lock("a==1", "b==2", "c==3 ; sys_platform == 'no-such'")))
    faults = list(audit.faults_of_installation(locked, {"a": "1.1", "d": "4", "pip": "99", "hubbub": "0"}))
    assert [fault.partition(":")[0] for fault in faults] == ["a", "b"]
    assert not list(audit.faults_of_installation(locked, {"a": "1", "b": "2"}))


@pytest.mark.parametrize(
    ("expression", "permissive"),
    [
        ("MIT", True),
        ("Apache-2.0 AND BSD-2-Clause", True),
        ("GPL-3.0-only OR MIT", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR MIT-0) AND GPL-3.0-only", False),
        ("GPL-3.0-or-later", False),
        ("nothing", False),
        ("", False),
        ("LGPL-3.0", False),
    ],
)
def test_a_licence_that_asks_for_more_than_a_name_is_found(expression, permissive):
    assert audit.is_permissive(expression) == permissive


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License-Expression": "MIT"}, "MIT"),
        ({"License": "MIT License"}, "MIT"),
        ({"Classifier": "License :: OSI Approved :: BSD License"}, "BSD-3-Clause"),
        ({"Classifier": "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"}, "GNU General"),
        ({"License": "Copyright somebody\nall rights"}, "Copyright somebody"),
        ({}, "nothing"),
    ],
)
def test_a_licence_is_found_wherever_it_is_said(fields, licence):
    metadata = Message()
    for name, value in fields.items():
        metadata[name] = value
    assert audit.licence("somebody", metadata).startswith(licence)


def test_a_licence_nobody_read_is_a_fault(monkeypatch):
    metadata = Message()
    metadata["License-Expression"] = "SSPL-1.0"
    monkeypatch.setattr(importlib.metadata, "metadata", lambda name: metadata)
    (fault,) = audit.faults_of_licences(audit.read_lock(lock("a==1")))
    assert "SSPL-1.0" in fault


# -- what others tell ---------------------------------------------------------

FOUND = {"name": "A", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
SOUND = {"name": "b", "version": "1", "vulns": []}
UNKNOWN = {"name": "c", "skip_reason": "nobody knows it"}


def told(*packages):
    return json.dumps({"dependencies": packages})


def test_a_known_fault_is_found_and_what_was_not_looked_up_is_named():
    faults, unknown = audit.read_faults(told(FOUND, SOUND, UNKNOWN))
    assert faults == ["A 1: PYSEC-1, mended in 2"]
    assert unknown == ["c"]


def test_a_release_that_was_withdrawn_is_found():
    report = {
        "install": [{"metadata": {"name": n, "version": "1"}, "is_yanked": n == "bad"} for n in ("ok", "bad")]
    }
    assert audit.read_withdrawn(json.dumps(report)) == ["bad 1: it was withdrawn"]


@pytest.mark.parametrize("said", ["", "{}", "no json", told(UNKNOWN), told()])
def test_when_nobody_answers_that_is_said_and_nothing_fails(monkeypatch, capsys, said):
    monkeypatch.setattr(audit, "from_here", list)
    monkeypatch.setattr(audit, "_ask", lambda *words: said)
    assert audit.main() == 0
    assert capsys.readouterr().err.count("NOT AUDITED") == 4


def test_a_known_fault_of_what_is_served_fails(monkeypatch, capsys):
    monkeypatch.setattr(audit, "from_here", list)
    monkeypatch.setattr(audit, "withdrawn", lambda path: [])
    monkeypatch.setattr(audit, "_ask", lambda *words: told(FOUND, SOUND))
    assert audit.main() == 1
    assert "PYSEC-1" in capsys.readouterr().err


def test_a_withdrawn_release_of_what_is_served_fails(monkeypatch, capsys):
    monkeypatch.setattr(audit, "from_here", list)
    monkeypatch.setattr(audit, "known_faults", lambda path: ([], []))
    monkeypatch.setattr(audit, "withdrawn", lambda path: ["a 1: it was withdrawn"])
    assert audit.main() == 1
    assert "withdrawn" in capsys.readouterr().err


def test_a_fault_found_here_fails_without_asking_anybody(monkeypatch, capsys):
    monkeypatch.setattr(audit, "from_here", lambda: ["a: it has no hash"])
    monkeypatch.setattr(audit, "_ask", None)
    assert audit.main() == 1
    assert "a: it has no hash" in capsys.readouterr().err
