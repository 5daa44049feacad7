"""Waiting for what has to come, and never for longer than this."""

import asyncio
import os

DEADLINE_SECONDS = float(os.environ.get("TEST_DEADLINE_SECONDS", "60"))
"""Far more than anything here takes, also on a machine with five times as much to do as it can: a test that
meets it has failed. Where a failure is what is expected, less will do."""


def deadline(seconds: float = DEADLINE_SECONDS) -> asyncio.Timeout:
    return asyncio.timeout(seconds)
