"""Every case is tried on both event loops."""

from conformance.conftest import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
