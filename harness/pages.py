"""Chromium and its pages, for tests. A plugin of pytest, which ``conftest.py`` names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from harness.chromium import running_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

    from conftest import LiveServer

_PATIENCE_MS = 90_000
"""What is done with a page or expected of it happens as soon as the machine can; only what never does takes so long."""


@pytest.fixture(scope="session")
def _collected_files(django_db_setup: None) -> None:
    """Static files as in an installation: few, and kept by the browser."""
    from django.conf import settings
    from django.test.signals import setting_changed

    from webui import collected
    from webui.static_files import StaticFilesStorage

    backend = f"{StaticFilesStorage.__module__}.{StaticFilesStorage.__qualname__}"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": backend}}
    setting_changed.send(sender=None, setting="STORAGES", value=settings.STORAGES, enter=True)
    collected.collect()


@pytest.fixture(scope="session")
def browser(_collected_files: None, pytestconfig: pytest.Config) -> Iterator[Browser]:
    """A real Chromium for all tests."""
    from playwright.sync_api import expect

    expect.set_options(timeout=_PATIENCE_MS)
    headed, slow_mo = pytestconfig.getoption("headed"), pytestconfig.getoption("slowmo")
    with running_chromium(headed=headed, slow_mo=slow_mo) as chromium:
        made = chromium.new_context

        def patient(**options: Any) -> BrowserContext:
            context = made(**options)
            context.set_default_timeout(_PATIENCE_MS)
            return context

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(chromium, "new_context", patient)
            yield chromium


@pytest.fixture
def page(browser: Browser, live_asgi: LiveServer) -> Iterator[Page]:
    """A page of a fresh visitor; paths are relative to the live server. Fails on script errors and CSP violations."""
    context = browser.new_context(base_url=live_asgi.url, reduced_motion="reduce")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on(
        "console",
        lambda message: faults.append(message.text) if "Content Security Policy" in message.text else None,
    )
    yield page
    context.close()
    assert not faults, faults
