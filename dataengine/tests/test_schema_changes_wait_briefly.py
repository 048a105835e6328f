"""Whoever holds the catalog for a moment, as a vacuum does, keeps nobody from making a table."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction

from dataengine.services.tables import create_table
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import until

WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'dataengine_table'::regclass"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("within", [False, True])
def test_a_table_is_made_once_the_catalog_is_free(
    owner: User, second_connection: Callable[[], Any], within: bool
) -> None:
    holder, watcher = second_connection(), second_connection()
    holder.execute("BEGIN; LOCK TABLE dataengine_table IN ACCESS EXCLUSIVE MODE")

    def waits() -> bool:
        return bool(watcher.execute(WAITING).fetchone()[0])

    def let_go() -> None:
        until(waits)
        until(lambda: not waits())  # gave up once
        holder.execute("ROLLBACK")

    thread = Beside(let_go)
    thread.start()
    with transaction.atomic() if within else nullcontext():
        table = create_table(user=owner, name="t", columns=[])
    thread.join()
    assert table.name == "t"
