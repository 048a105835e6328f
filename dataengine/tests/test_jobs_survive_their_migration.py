"""A database with jobs in every state can be migrated to the shared fields and back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.state import StateApps

from dataengine.models import ChangeJob, ImportJob, Index

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE = [("dataengine", "0008_record_changes_without_a_check")]
COMMON = ("queued", "running", "completed", "failed", "cancelled")
SHOWN = ("queued", "building", "ready", "failed")


def migrate(targets: list[tuple[str, str]]) -> StateApps:
    executor = MigrationExecutor(connection)
    return executor.migrate(targets).apps


def latest() -> list[tuple[str, str]]:
    nodes: list[tuple[str, str]] = MigrationExecutor(connection).loader.graph.leaf_nodes()
    return nodes


@pytest.fixture
def before(owner: User) -> Iterator[StateApps]:
    """The catalog before the migration, with rows."""
    old = migrate(BEFORE)
    made = old.get_model("dataengine", "Table").objects.create(name="t", owner_id=owner.pk)
    for state in COMMON:
        old.get_model("dataengine", "ImportJob").objects.create(
            table=made, table_name="t", user_id=owner.pk, filename="a.csv", source=state, state=state, attempt=1
        )
        old.get_model("dataengine", "ChangeJob").objects.create(
            table=made, user_id=owner.pk, action="delete", state=state, attempt=1
        )
    for place, state in enumerate(SHOWN):
        column = old.get_model("dataengine", "Column").objects.create(table=made, name=state, type="text")
        old.get_model("dataengine", "Index").objects.create(
            table=made, column=column, state=state, progress=place / 4, attempt=1, error="why"
        )
    try:
        yield old
    finally:
        migrate(latest())


def test_there_and_back(before: StateApps) -> None:
    migrate(latest())
    for model in (ImportJob, ChangeJob):
        jobs = model._default_manager.order_by("pk")
        assert [(job.state, job.attempt, job.try_again_at) for job in jobs] == [(state, 1, None) for state in COMMON]
    found = list(Index.objects.select_related("column").order_by("pk"))
    assert [index.column and index.column.name for index in found] == list(SHOWN)
    assert [index.shown_state for index in found] == list(SHOWN)
    assert [index.state for index in found] == ["queued", "running", "completed", "failed"]
    assert {(index.attempt, index.error, index.error_code, index.cancel_requested) for index in found} == {
        (1, "why", "", False)
    }
    assert [index.progress for index in found] == [0, 0.25, 0.5, 0.75]
    old = migrate(BEFORE).get_model("dataengine", "Index").objects
    assert list(old.order_by("pk").values_list("state", flat=True)) == list(SHOWN)
