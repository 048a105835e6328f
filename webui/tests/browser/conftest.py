"""Logged in browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors

from dataengine.models import Index
from dataengine.queries import paging
from dataengine.queries.ordering import Term
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


@pytest.fixture
def slow_without_index(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any order but that of ids takes too long as long as no index is there."""
    quick = paging.page_by_number

    def slow(queryset: object, terms: list[Term], **options: object) -> object:
        if terms[0].attribute == "id" or Index.objects.filter(state=Index.State.COMPLETED).exists():
            return quick(queryset, terms, **options)  # type: ignore[arg-type]
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    monkeypatch.setattr(paging, "page_by_number", slow)
