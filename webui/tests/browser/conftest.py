"""Logged in browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from webui.tests.conftest import people as people

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import BrowserContext, Page

    from conftest import LiveServer


def log_in(context: BrowserContext, server: LiveServer, user: User) -> None:
    client = Client()
    client.force_login(user)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}])


@pytest.fixture
def owners_page(page: Page, live_asgi: LiveServer, owner: User) -> Page:
    """The page of the owner, logged in."""
    log_in(page.context, live_asgi, owner)
    return page
