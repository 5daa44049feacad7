"""Whose work is in the page, and on which terms: they are audited, and go along with it."""

import json
import re

import pytest

from security.test_dependency_audit import audit
from web.program import ROOT, loaded

WEB = ROOT / "web"

PREACT = {"version": "10.0.0", "license": "MIT", "integrity": "sha512-AAAA"}


def lock(**packages):
    others = {f"node_modules/{name}": about for name, about in packages.items()}
    return json.dumps({"packages": {"": {"name": "hubbub-web"}, **others}})


@pytest.mark.parametrize(
    ("about", "fault"),
    [
        (PREACT, None),
        (PREACT | {"license": "OFL-1.1"}, None),
        (PREACT | {"license": "MIT AND OFL-1.1"}, None),
        (PREACT | {"license": "GPL-3.0-only"}, "nobody has read"),
        (PREACT | {"license": "GPL-3.0-only", "dev": True}, None),
        ({name: PREACT[name] for name in ("version", "integrity")}, "nobody has read"),
        ({name: PREACT[name] for name in ("version", "license")}, "no SHA-512"),
        (PREACT | {"integrity": "sha1-AAAA"}, "no SHA-512"),
        (PREACT | {"integrity": "sha1-AAAA", "dev": True}, "no SHA-512"),
        (PREACT | {"resolved": "https://elsewhere.example/preact.tgz"}, "where it comes from"),
        ({"link": True, "resolved": "client"}, None),
    ],
)
def test_a_package_of_the_page_that_may_not_be_relied_upon_is_a_fault(about, fault):
    faults = list(audit.faults_of_page(lock(preact=about)))
    assert len(faults) == (fault is not None)
    if fault is not None:
        assert fault in faults[0]


def test_a_font_s_licence_will_do_within_a_page_only():
    assert audit.is_permissive("OFL-1.1", audit.WITHIN_A_PAGE)
    assert not audit.is_permissive("OFL-1.1")


def test_the_lock_of_the_page_has_no_fault():
    assert list(audit.faults_of_page((WEB / "package-lock.json").read_text())) == []


def test_the_licence_of_all_that_is_in_the_page_goes_along_with_it(really_built, monkeypatch):
    text = (really_built / "assets" / "licences.txt").read_text()
    bundled = list(loaded(monkeypatch).bundled())
    assert "preact" in {folder.name for folder in bundled}
    for folder in bundled:
        about = json.loads((folder / "package.json").read_text())
        assert f"{about['name']} {about['version']} ({about['license']})" in text
        assert about["license"] in json.loads((WEB / "package-lock.json").read_text())["packages"][
            folder.relative_to(WEB).as_posix()
        ].get("license", "")
    assert "Permission is hereby granted" in text


IMPORTED = re.compile(r"""\b(?:from|import|import\()\s*["']([^"'./][^"']*)["']""")


def test_nothing_that_counts_as_a_tool_is_imported_into_the_page():
    """Its licence would be missing from the page otherwise."""
    dependencies = json.loads((WEB / "package.json").read_text()).get("dependencies", {})
    sources = [
        file
        for folder in ("src", "client")
        for file in (WEB / folder).rglob("*.ts*")
        if not re.search(r"\.(test|bench|d)\.tsx?$|/(tests?|fake)/", file.as_posix())
    ]
    found = {name for file in sources for name in IMPORTED.findall(file.read_text())}
    names = {"/".join(each.split("/")[: 2 if each.startswith("@") else 1]) for each in found}
    ours = {each.name for each in WEB.iterdir()} | {"hubbub"}
    assert "preact" in names
    assert names - ours - {"node:test"} <= dependencies.keys()
