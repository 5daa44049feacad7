"""The real server does what the reference says, over every transport at once."""

import logging
import os

import pytest
import structlog
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import Machine
from model.world import World

EXAMPLES = int(os.environ.get("HUBBUB_SOAK_EXAMPLES", "0"))
"""With none, the same examples each time; with a number, as many new ones."""

STEPS = 50


@pytest.fixture
def quiet():
    """The server's log of thousands of sessions is of no use here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture
def world(tmp_path, quiet):
    try:
        import uvloop
    except ImportError:
        loop = None
    else:
        loop = uvloop.new_event_loop
    world = World(tmp_path / "data", loop)
    with world.runner:
        world.run(world.open())
        yield world
        world.run(world.close())


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_the_server_answers_and_tells_what_the_reference_does(world):
    machine = type("TheMachine", (Machine,), {"world": world})
    chosen = settings(
        max_examples=EXAMPLES or 100,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        database=None,
        report_multiple_bugs=False,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    finally:
        print(*(f"{count:8,} {what}" for what, count in world.tally.most_common()), sep="\n")
