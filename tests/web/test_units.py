"""The page's own tests and its types, as a part of this suite."""

import pytest

from web.program import run


@pytest.mark.timeout(400)
@pytest.mark.parametrize("words", [("test",), ("run", "check")], ids=["its tests pass", "its types hold"])
def test_of_the_page(words):
    print(run("--npm", *words, seconds=380))
