"""A job that waits for its table is rung when the table is free, and not before: it is in nobody's way meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine import tasks
from dataengine.models import ChangeJob, ImportJob, Index, Table
from dataengine.postgres import locks
from dataengine.services import changes, indexes
from dataengine.tests.bells import rung
from dataengine.tests.importing import import_text, make_table, queue_import

pytestmark = pytest.mark.django_db(transaction=True)

type Job = ImportJob | ChangeJob | Index


@pytest.fixture
def table(owner: User, monkeypatch: pytest.MonkeyPatch) -> Table:
    monkeypatch.setattr(changes, "LARGE", 1)
    made = make_table(owner, "t", a="TEXT", n="INTEGER")
    import_text(owner, "t", "a,n\nx,1\ny,2\nz,3\n")
    rung()
    return made


def an_import(table: Table) -> ImportJob:
    return queue_import(table.owner, table.name, "a,n\nnew,4\n")


def a_change(table: Table) -> ChangeJob:
    job = changes.update_matching(user=table.owner, table=table, conditions={"id__gte": 1}, data={"n": 7})
    assert isinstance(job, ChangeJob)
    return job


def an_index(table: Table) -> Index:
    column = table.columns.get(name="a")
    index = indexes.set_indexed(user=table.owner, table=table, column=column, indexed=True).index_or_none
    assert index is not None
    return index


def run(job: Job) -> None:
    """As a worker runs it that has heard its bell."""
    match job:
        case ImportJob():
            tasks.run_import(job.pk)
        case ChangeJob():
            tasks.run_change(job.pk)
        case _:
            tasks.build_index(job.pk)


@pytest.mark.parametrize("queue", [an_import, a_change, an_index])
def test_one_that_waits_for_its_table_rings_for_nobody(
    table: Table, queue: Callable[[Table], Job], second_connection: Callable[[], Any]
) -> None:
    job = queue(table)
    rung()
    session = second_connection()
    session.execute("SELECT pg_advisory_lock(%s, %s)", [locks.NAMESPACE, table.pk])
    run(job)
    assert type(job).objects.get(pk=job.pk).state == "queued"
    assert rung() == []
    session.execute("SELECT pg_advisory_unlock_all()")
    run(job)
    assert type(job).objects.get(pk=job.pk).is_over
    assert rung() == []
