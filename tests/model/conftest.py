"""One real server for all the examples of a test."""

import logging

import pytest
import structlog

from model.world import World


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
