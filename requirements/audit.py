"""Whether what hubbub stands on may be relied upon: `make check` runs it.

What can be known from the locks and from what is installed is held to, and fails the check: hashes, no
address of any registry, the very versions that are locked, licences. What others have to tell, whether a
release was withdrawn or has a known fault, is asked where they answer. In a closed network nobody does: then
it is said aloud that this was not looked at, and nothing fails.
"""

import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from packaging.markers import Marker
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
PARTS = RUNTIME, BUILD, TERMINAL = "base.txt", "build.txt", "tui.txt"
DEVELOPMENT, NODE = "dev.txt", "web.txt"
LOCKS = (*PARTS, DEVELOPMENT, NODE)

PAGE_LOCK = HERE.parent / "web" / "package-lock.json"

# What may be passed on together with MIT, asking no more than to be named.
PERMISSIVE = frozenset(
    (
        *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0"),
        *("PSF-2.0", "Unlicense", "Zlib"),
    )
)

# A font may be passed on within a page under this one too: it asks that the font is not sold by itself.
WITHIN_A_PAGE = PERMISSIVE | {"OFL-1.1"}

# Packages that do not say it in SPDX's words, read by a person.
READ = {"apsw": "MIT"}  # "any OSI approved licence", so this one

_BY_WORDS = {
    "mit": "MIT",
    "mit license": "MIT",
    "bsd license": "BSD-3-Clause",
    "apache software license": "Apache-2.0",
    "apache 2.0": "Apache-2.0",
    "python software foundation license": "PSF-2.0",
    "isc license (iscl)": "ISC",
}

# Part of every environment, and ours.
NOT_LOCKED = frozenset({"hubbub", "pip", "setuptools", "wheel"})

ASKING_SECONDS = 120


class Locked(NamedTuple):
    name: str
    version: str
    marker: str
    hashes: int

    @property
    def applies(self) -> bool:
        """Whether this platform and this Python have it."""
        return not self.marker or Marker(self.marker).evaluate()


_PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)\s*(?:;(?P<marker>[^\\]*))?")


def read_lock(text: str) -> Iterator[Locked]:
    """The entries of a lock. Raises ValueError for a line that is none."""
    for entry in re.split(r"\n(?=\S)", re.sub(r"(?m)^\s*#.*\n?", "", text).strip()):
        first, *rest = [line.strip().rstrip("\\").strip() for line in entry.splitlines()]
        pin = _PIN.fullmatch(first)
        if pin is None:
            raise ValueError(f"{first!r} is no pinned version")
        hashes = [line for line in rest if re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", line)]
        if len(hashes) != len(rest):
            raise ValueError(f"{first}: something beside SHA-256 hashes follows it")
        marker = (pin["marker"] or "").strip()
        yield Locked(str(canonicalize_name(pin["name"])), pin["version"], marker, len(hashes))


# -- what must hold -----------------------------------------------------------


def faults_of_text(name: str, text: str) -> Iterator[str]:
    if "://" in text or re.search(r"(?m)^\s*-(?!-hash)", text):
        yield f"{name}: it names an address, or takes an option"
    try:
        unhashed = [locked.name for locked in read_lock(text) if not locked.hashes]
    except ValueError as error:
        yield f"{name}: {error}"
    else:
        yield from (f"{name}: {each} has no hash" for each in unhashed)


def faults_between(locks: Mapping[str, Sequence[Locked]]) -> Iterator[str]:
    """The narrower locks are parts of the widest."""
    widest = {(locked.name, locked.version) for locked in locks[DEVELOPMENT]}
    for name in PARTS:
        for locked in locks[name]:
            if (locked.name, locked.version) not in widest:
                yield f"{name}: {locked.name} {locked.version} is not what {DEVELOPMENT} has"


def faults_of_installation(locked: Iterable[Locked], installed: Mapping[str, str]) -> Iterator[str]:
    """What is there beside, somebody has put there for themselves: no package of ours may need it, and deptry
    sees to that."""
    wanted = {each.name: each.version for each in locked if each.applies}
    for name, version in wanted.items():
        if name not in NOT_LOCKED and installed.get(name) != version:
            yield f"{name}: {version} is locked, and {installed.get(name, 'nothing')} is installed"


def _first(fields: importlib.metadata.PackageMetadata, name: str) -> str:
    return next((str(each) for each in fields.get_all(name) or ()), "")


def licence(name: str, fields: importlib.metadata.PackageMetadata) -> str:
    """In SPDX's words if at all possible, else as it was said."""
    if name in READ:
        return READ[name]
    if expression := _first(fields, "License-Expression"):
        return expression
    given = [str(each) for each in fields.get_all("Classifier") or []]
    classifiers = [each.rpartition("::")[2].strip() for each in given if each.startswith("License ::")]
    words = _first(fields, "License").strip().splitlines()[:1]
    for said in (*words, *classifiers):
        if said.lower() in _BY_WORDS:
            return _BY_WORDS[said.lower()]
    return "; ".join((*words, *classifiers)) or "nothing"


def is_permissive(expression: str, permissive: frozenset[str] = PERMISSIVE) -> bool:
    """Whether an SPDX expression leaves a choice that asks for no more than to be named.

    One with parentheses is for a person to read: AND binds closer than OR, and that is all known here.
    """
    if "(" in expression:
        return False
    choices = re.split(r"\sOR\s", expression)
    return any(all(part.strip() in permissive for part in re.split(r"\sAND\s", each)) for each in choices)


def faults_of_licences(locked: Iterable[Locked]) -> Iterator[str]:
    for each in locked:
        if each.applies:
            said = licence(each.name, importlib.metadata.metadata(each.name))
            if not is_permissive(said):
                yield f"{each.name}: its licence is {said!r}, which nobody has read yet"


def faults_of_requirements() -> Iterator[str]:
    """What packages ask of each other."""
    done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
    if done.returncode:
        yield done.stdout.strip() or done.stderr.strip()


# -- what others tell ---------------------------------------------------------


class NobodyAnswers(Exception):
    """As in a closed network; the text says who was asked."""


def _ask(*words: str) -> str:
    command = [sys.executable, "-m", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=ASKING_SECONDS)
    except subprocess.TimeoutExpired:
        raise NobodyAnswers(f"{words[0]} waited {ASKING_SECONDS} seconds") from None
    if not done.stdout.strip():
        reason = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise NobodyAnswers(f"{words[0]}: {reason[0][:200]}")
    return done.stdout


def withdrawn(lock: Path) -> list[str]:
    """Releases that were yanked since they were locked. Raises NobodyAnswers."""
    words = ("--dry-run", "--ignore-installed", "--no-deps", "--require-hashes", "--quiet", "--report", "-")
    patience = ("--disable-pip-version-check", "--retries", "1", "--timeout", "15")
    told = _ask("pip", *patience, "install", *words, "-r", str(lock))
    return read_withdrawn(told)


def read_withdrawn(told: str) -> list[str]:
    """From pip's report. Raises NobodyAnswers when it is none."""
    try:
        releases = [(each["metadata"], each.get("is_yanked")) for each in json.loads(told)["install"]]
    except (ValueError, KeyError):
        raise NobodyAnswers("pip gave no report") from None
    return [f"{about['name']} {about['version']}: it was withdrawn" for about, yanked in releases if yanked]


def known_faults(lock: Path) -> tuple[list[str], list[str]]:
    """What is known to be wrong with releases, and the packages of which nobody would tell.

    Raises NobodyAnswers.
    """
    words = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
    return read_faults(_ask("pip_audit", *words, "--timeout", "15", "-r", str(lock)))


def read_faults(told: str) -> tuple[list[str], list[str]]:
    """From pip-audit's report. Raises NobodyAnswers when nothing at all was looked up."""
    try:
        packages = json.loads(told)["dependencies"]
    except (ValueError, KeyError):
        raise NobodyAnswers("pip_audit gave no report") from None
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    if len(unknown) == len(packages):
        raise NobodyAnswers("the service knows none of the packages")
    faults = [
        f"{package['name']} {package['version']}: {each['id']}, mended in "
        f"{', '.join(each['fix_versions']) or 'no release'}"
        for package in packages
        for each in package.get("vulns", ())
    ]
    return faults, unknown


# -- the page -----------------------------------------------------------------


def faults_of_page(text: str) -> Iterator[str]:
    """What npm's lock shows: hashes, no address, and under which licence is what goes into the page."""
    packages: dict[str, dict[str, object]] = json.loads(text)["packages"]
    for path, about in packages.items():
        if "node_modules/" not in path or about.get("link"):
            continue  # ours
        name = path.rpartition("node_modules/")[2]
        if not str(about.get("integrity", "")).startswith("sha512-"):
            yield f"{name}: the page's lock has no SHA-512 of it"
        if "resolved" in about:
            yield f"{name}: the page's lock says where it comes from"
        said = str(about.get("license", "nothing"))
        is_tool = about.get("dev") or about.get("devOptional")
        if not is_tool and not is_permissive(said, WITHIN_A_PAGE):
            yield f"{name}: it is in the page, and its licence is {said!r}, which nobody has read yet"


# -- the audit ----------------------------------------------------------------


def from_here() -> list[str]:
    """The faults that the locks and the installation show."""
    texts = {name: (HERE / name).read_text() for name in LOCKS}
    faults = [fault for name, text in texts.items() for fault in faults_of_text(name, text)]
    if faults:
        return faults
    locks = {name: list(read_lock(text)) for name, text in texts.items()}
    distributions = importlib.metadata.distributions()
    installed = {str(canonicalize_name(each.metadata["Name"])): each.version for each in distributions}
    faults += faults_between(locks)
    faults += faults_of_installation(locks[DEVELOPMENT], installed)
    faults += faults_of_requirements()
    faults += faults_of_page(PAGE_LOCK.read_text(encoding="utf-8"))
    return faults or list(faults_of_licences(dict.fromkeys((*locks[RUNTIME], *locks[TERMINAL]))))


def from_others() -> tuple[list[str], list[str]]:
    """What those say who may answer, of what is served and what it is built with: faults, and remarks that
    fail nothing. A fault of a tool reaches nobody who is served."""
    faults, remarks = [], []
    for name in (RUNTIME, BUILD):
        try:
            known, unknown = known_faults(HERE / name)
            faults += known
            remarks += [f"{name}: NOT LOOKED UP for known faults: {each}" for each in unknown]
        except NobodyAnswers as why:
            remarks.append(f"{name}: NOT AUDITED for known faults, for nobody answers: {why}")
        try:
            faults += withdrawn(HERE / name)
        except NobodyAnswers as why:
            remarks.append(f"{name}: NOT AUDITED for withdrawn releases, for nobody answers: {why}")
    return faults, remarks


def main() -> int:
    faults = from_here()
    remarks: list[str] = []
    if not faults:
        faults, remarks = from_others()
    for line in (*remarks, *faults):
        print(f"requirements: {line}", file=sys.stderr)
    print(f"requirements: {len(faults)} faults, {len(remarks)} remarks")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
