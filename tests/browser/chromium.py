"""The browser: where it is found, and how it is started.

It is Debian's own Chromium. Playwright brings browsers too, but those would be fetched from elsewhere.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

from conftest import NOT_TRIED
from support.deadline import DEADLINE_SECONDS

PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

PAGE = Path(__file__).parents[2] / "src" / "hubbub" / "web" / "index.html"

_FLAGS = (
    "--no-sandbox",  # it refuses to run as root otherwise, and what it shows here is only ours
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",  # containers give it too little
    "--no-first-run",
)


def program() -> str | None:
    """The browser on this machine's PATH, if there is one."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def missing() -> str | None:
    """Why nothing can be tried in a browser here; None when everything can."""
    loudly = f"{NOT_TRIED}: " if os.environ.get("CI") else ""
    if program() is None:
        return f"{loudly}no browser here ({', '.join(PROGRAMS)}); tests/browser/install puts one in place"
    if not PAGE.exists():
        return f"{loudly}the page has not been built ({PAGE.parent} is not there); make builds it"
    return None


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program(), args=list(_FLAGS), timeout=DEADLINE_SECONDS * 1000
        )
        try:
            yield browser
        finally:
            await browser.close()
