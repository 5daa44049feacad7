"""Waiting for what has to come, and never for longer than this."""

import asyncio

DEADLINE_SECONDS = 20.0
"""Far more than anything here takes: a test that meets it has failed."""


def deadline(seconds: float = DEADLINE_SECONDS) -> asyncio.Timeout:
    return asyncio.timeout(seconds)
