"""Whoever is logged in when sessions move into the catalog stays logged in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session as FormerSession
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.utils import timezone

from dataengine.models import Session

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(targets: list[tuple[str, str]]) -> None:
    MigrationExecutor(connection).migrate(targets)


def test_they_come_along(owner: User) -> None:
    client, gone = Client(), Client()
    client.force_login(owner)
    gone.force_login(owner)
    kept = {made.session_key: made for made in Session.objects.all()}
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    migrate([("dataengine", "0022_import_modes")])
    try:
        for key, made in kept.items():
            over = key == gone.cookies["sessionid"].value
            FormerSession.objects.create(
                session_key=key, session_data=made.session_data,
                expire_date=timezone.now() + timedelta(days=-1 if over else 1),
            )  # fmt: skip
    finally:
        migrate(latest)
    assert (client.get("/").status_code, gone.get("/").status_code) == (200, 302)
    assert Session.objects.get().user == owner
    assert not FormerSession.objects.exists()
