"""A real Chromium, driven by Playwright: the one of CHROMIUM, one installed on this machine, or Playwright's own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Chromium without windows, which does the same for a page in a third of the time, before those that have some.
_HEADLESS_SHELLS = ("chromium-headless-shell", "chrome-headless-shell")
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def running_chromium(*, headed: bool = False, slow_mo: float = 0) -> Iterator[Browser]:
    """Start it, yield it, close it. ``headed`` shows its window, ``slow_mo`` waits so many ms after each step."""
    from playwright.sync_api import sync_playwright

    names = _NAMES if headed else (*_HEADLESS_SHELLS, *_NAMES)
    installed = (os.environ.get("CHROMIUM"), *(shutil.which(name) for name in names))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=next(filter(None, installed), None),
            args=[*_FLAGS, *([] if headed else ["--headless"])],
            headless=not headed,
            slow_mo=slow_mo,
        )
        yield chromium
        chromium.close()
