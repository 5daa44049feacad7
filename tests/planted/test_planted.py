"""Every planted bug is caught: the checks are checked.

A bug of the list is put into a copy of the source, and the tests that are to catch it are run on that.
"""

import os
import re
from collections import Counter

import pytest

from planted.bugs import BUGS
from planted.copy import FAILED, PASSED, Copy

# A test that failed for one of these has not found the bug: the copy was broken in another way.
_WRONG_REASONS = ("ImportError", "ModuleNotFoundError", "SyntaxError", "NameError", "UnboundLocalError")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("planted"))


def test_no_two_bugs_have_one_name():
    assert [name for name, count in Counter(bug.name for bug in BUGS).items() if count > 1] == []


@pytest.mark.long
def test_the_tests_that_catch_bugs_pass_without_any(copy):
    tests = {test for bug in BUGS for test in bug.caught_by}
    tests -= {"tests/model/test_model.py", "tests/model/test_at_once.py"}  # long, and run as they are anyway
    code, said = copy.run(sorted(tests))
    assert code == PASSED, said


ALL = bool(os.environ.get("HUBBUB_ALL_BUGS"))


@pytest.mark.parametrize("bug", [bug for bug in BUGS if ALL or not bug.seldom], ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(copy, bug):
    with copy.planted(bug):
        code, said = copy.run(bug.caught_by, "-x", "--tb=short", patience_seconds=6)
    assert code != PASSED, f"{bug.name}: it breaks “{bug.breaks}” and {', '.join(bug.caught_by)} did not mind"
    assert code == FAILED, said
    assert re.search(r"^FAILED ", said, re.MULTILINE), said
    reasons = [each for each in _WRONG_REASONS if re.search(rf"^E .*\b{each}\b", said, re.MULTILINE)]
    assert not reasons, said
