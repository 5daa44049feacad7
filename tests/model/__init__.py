"""A small reference of the whole wire, and machines that hold a real server to it."""

import pytest

pytest.register_assert_rewrite("model.machine", "model.steps", "model.talk")
