"""What every test here may use."""

import asyncio
import os
import shutil
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

NOT_TRIED = "NOTHING OF THE PAGE WAS TRIED"
"""What `browser` says on a build machine where it can do nothing."""

sys.path.insert(0, str(Path(__file__).parent))  # for `support`, wherever a test stands


@pytest.fixture(scope="session", autouse=True)
def _no_proxy():
    """Nothing here goes further than the loopback, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.lower().endswith("_proxy"):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def seeded_store(tmp_path_factory):
    """A data directory with people in it, to be copied."""
    from support.seeded import seed

    directory = tmp_path_factory.mktemp("seeded") / "data"
    asyncio.run(seed(directory))
    return directory


@pytest.fixture
def data(seeded_store, tmp_path):
    """A data directory with people in it, for one test."""
    return Path(shutil.copytree(seeded_store, tmp_path / "data"))


@pytest.fixture(scope="session")
def databases(tmp_path_factory):
    """A PostgreSQL for the tests of this process."""
    from hubbub.cluster.errors import Missing
    from support.postgres import NOT_TRIED, serving_postgres

    with ExitStack() as stack:
        try:
            served = stack.enter_context(serving_postgres(tmp_path_factory.mktemp("postgres")))
        except Missing as missing:
            pytest.skip(f"{NOT_TRIED}: {missing}")
        yield served


@pytest.fixture
def postgres(databases):
    """The address of an empty database in PostgreSQL, for one test."""
    url = databases.fresh()
    yield url
    databases.drop(url)


ON_BOTH_LOOPS = ("tests/faults/", "tests/cli/", "tests/scenarios/test_hearing.py")
"""What is tried on asyncio's own event loop in every run; the rest, some 900 tests, counts as long."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """What is long is for `make soak`."""
    for item in items:
        words = item.callspec.id.split("-") if hasattr(item, "callspec") else ()
        if "asyncio" in words and not item.nodeid.startswith(ON_BOTH_LOOPS):
            item.add_marker("long")
    if os.environ.get("HUBBUB_LONG"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


def pytest_terminal_summary(terminalreporter):
    """On a build machine nobody reads a list of what was skipped: what must not be overlooked stands out."""
    reasons = {report.longrepr[2] for report in terminalreporter.stats.get("skipped", ())}
    for reason in sorted(reason for reason in reasons if "NOTHING OF" in reason):
        terminalreporter.write_sep("!", reason.removeprefix("Skipped: "), red=True, bold=True)
