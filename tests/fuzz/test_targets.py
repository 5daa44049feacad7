"""What must hold of any input holds of the seeds, of what was found before, and of thousands made of them."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.__main__ import main
from fuzz.targets import TARGETS, Target, cut, halved, target, whole

KEPT = Path(__file__).parent / "kept"
EXAMPLES = 2000
SLOW = {"http": 300}
"""Fewer of those that have a whole server behind them."""

MOST_EDITS = 6


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_break_nothing(name):
    tried = target(name)
    for seed in tried.seeds():
        tried.try_one(seed)


@pytest.mark.parametrize("path", sorted(KEPT.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_once_breaks_nothing_any_more(path):
    target(path.parent.name).try_one(path.read_bytes())


def _mutated(found: Target, seeds: list[bytes], chance: Random) -> bytes:
    """A seed with a few things done to it: as a fuzzer would, but blindly."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, MOST_EDITS)):
        at = chance.randint(0, len(data))
        length = chance.randint(0, min(16, len(data) - at))
        match chance.randrange(7):
            case 0:
                data[at : at + length] = b""
            case 1:
                data[at:at] = data[at : at + length]
            case 2:
                data[at:at] = chance.choice(found.WORDS)
            case 3:
                data[at : at + length] = chance.choice(found.WORDS)
            case 4:
                data[at:at] = chance.randbytes(chance.randint(1, 4))
            case 5 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case _:
                other = chance.choice(seeds)
                data[at:] = other[chance.randint(0, len(other)) :]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_made_of_the_seeds_breaks_nothing(name):
    found = target(name)
    seeds = list(found.seeds())

    @settings(
        max_examples=SLOW.get(name, EXAMPLES),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=True).map(lambda chance: _mutated(found, seeds, chance)) | st.binary())
    def breaks_nothing(data):
        found.try_one(data)

    breaks_nothing()


def test_a_stream_is_cut_as_its_first_bytes_say():
    assert cut(whole(b"abcd")) == [b"abcd"]
    assert cut(halved(b"abcd")) == [b"ab", b"cd"]
    assert b"".join(cut(b"\x0f" + bytes(range(30)) + b"rest")) == b"rest"
    assert cut(b"") == []


def test_an_input_is_tried_again_by_its_file(tmp_path, monkeypatch):
    tried = []
    monkeypatch.setattr(target("names"), "try_one", tried.append)
    (tmp_path / "input").write_bytes(b"ada")
    assert main(["names", str(tmp_path / "input")]) == 0
    assert tried == [b"ada"]
