"""The real server does what the reference says, over every transport at once."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from model.machine import Machine

EXAMPLES = int(os.environ.get("HUBBUB_SOAK_EXAMPLES", "0"))
"""With none, the same examples each time; with a number, as many new ones."""

STEPS = 50


@pytest.mark.timeout(0 if EXAMPLES else 600)
def test_the_server_answers_and_tells_what_the_reference_does(world):
    machine = type("TheMachine", (Machine,), {"world": world})
    chosen = settings(
        max_examples=EXAMPLES or 100,
        stateful_step_count=STEPS,
        derandomize=not EXAMPLES,
        database=None,
        report_multiple_bugs=False,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate, Phase.shrink) if EXAMPLES else (Phase.generate,),
    )
    try:
        run_state_machine_as_test(machine, settings=chosen)
    finally:
        print(*(f"{count:8,} {what}" for what, count in world.tally.most_common()), sep="\n")
