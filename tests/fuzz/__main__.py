"""Look for input that breaks something, guided by what of the code it reaches (atheris, libFuzzer).

    python -m fuzz TARGET [--seconds N] [--seed N]      in tests/; requirements/fuzz.txt has what it needs
    python -m fuzz TARGET FILE …                        try these inputs again, with nothing but Python

An input that breaks something is written to tests/fuzz/.found, and the command that tries it again is
printed. What was learned stays in tests/fuzz/.corpus, and the next run goes on from there. Exit code:
0 nothing was found, 1 something was, 2 misused.
"""

import argparse
import hashlib
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from fuzz.targets import TARGETS, target

HERE = Path(__file__).parent
CORPUS = HERE / ".corpus"
FOUND = HERE / ".found"
LONGEST_BYTES = 8192
SECONDS_FOR_ONE = 30
"""An input that takes longer is a finding as well."""

MEASURED = ["hubbub", "json", "uvicorn.protocols.http"]
"""Packages whose branches lead the search: ours, and what else reads the same."""

_CHILD = "--fuzz-here"


def arguments(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=str(__doc__).partition("\n")[0])
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(_CHILD, action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(words)


def try_again(name: str, files: list[Path]) -> None:
    tried = target(name)
    for file in files:
        print(f"trying {file}")
        tried.try_one(file.read_bytes())


def prepare(name: str) -> None:
    """The corpus with the seeds in it, and the words."""
    found = target(name)
    corpus = CORPUS / name
    corpus.mkdir(parents=True, exist_ok=True)
    (FOUND / name).mkdir(parents=True, exist_ok=True)
    for seed in found.seeds():
        (corpus / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in found.WORDS)
    (CORPUS / f"{name}.words").write_text("".join(f'"{word}"\n' for word in quoted))


def fuzz_here(name: str, seconds: int, seed: int) -> None:
    """In this process, which libFuzzer ends."""
    import atheris

    for known in [each for each in sys.modules if each.split(".")[0] == "json"]:
        del sys.modules[known]  # to be imported again, and measured
    with atheris.instrument_imports(include=MEASURED, enable_loader_override=False):
        found = target(name)
    atheris.Setup(
        [
            "fuzz",
            str(CORPUS / name),
            f"-dict={CORPUS / f'{name}.words'}",
            f"-artifact_prefix={FOUND / name}/",
            f"-max_total_time={seconds}",
            f"-max_len={LONGEST_BYTES}",
            f"-timeout={SECONDS_FOR_ONE}",
            f"-seed={seed}",
            "-print_final_stats=1",
        ],
        _reporting(name, found.try_one, atheris),
    )
    atheris.Fuzz()


def _reporting(name: str, try_one: Callable[[bytes], None], atheris: ModuleType) -> Callable[[bytes], None]:
    def try_and_tell(data: bytes) -> None:
        try:
            try_one(data)
        except BaseException:
            file = FOUND / name / hashlib.sha1(data, usedforsecurity=False).hexdigest()
            file.write_bytes(data)
            again = shlex.join([sys.executable, "-m", "fuzz", name, str(file)])
            print(f"\nfound something; to try it again, in {HERE.parent}:\n    {again}\n", file=sys.stderr)
            raise

    return try_and_tell


def main(words: list[str]) -> int:
    asked = arguments(words)
    if asked.files:
        try_again(asked.target, asked.files)
        return 0
    if asked.fuzz_here:
        fuzz_here(asked.target, asked.seconds, asked.seed)
        return 0
    prepare(asked.target)
    # libFuzzer ends the process it runs in, with a code of its own for each thing it finds.
    child = subprocess.run([sys.executable, "-m", "fuzz", _CHILD, *words], cwd=HERE.parent, check=False)
    return 1 if child.returncode else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
