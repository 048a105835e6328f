"""An installation from before the functions for texts gets them, and its indexes of texts are built again with them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from rest_framework.test import APIClient

from dataengine.models import Index
from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting

pytestmark = pytest.mark.django_db(transaction=True)


def migrate(targets: list[tuple[str, str]]) -> None:
    MigrationExecutor(connection).migrate(targets)


@pytest.fixture
def upgraded(owner: User, client: APIClient) -> None:
    """A table with indexes as they were, in a catalog that has just been migrated."""
    table = make_table(owner, "t", a="TEXT", n="INTEGER", u="TEXT UNIQUE")
    records = [{"a": text, "n": n} for n, text in enumerate(["Zoo", "a10", "Äpfel", "a9", None])]
    assert client.post("/api/tables/t/records/bulk/", {"records": records}).status_code == 201
    for name in ("a", "n"):
        indexes.set_indexed(user=owner, table=table, column=table.columns.get(name=name), indexed=True)
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert build_waiting() == ["completed"] * 3
    key = table.columns.get(name="a").pk
    latest = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        migrate([("dataengine", "0011_trash")])
        with connection.cursor() as cursor:
            cursor.execute(f'CREATE INDEX "tk:{key}:index" ON userdata.t (a, id)')
            words = "to_tsvector('simple'::regconfig, left(coalesce(a, '') || ' ' || coalesce(u, ''), 150000))"
            cursor.execute(f'CREATE INDEX "tk:{table.pk}:search" ON userdata.t USING gin ({words})')
        Index.objects.update(state="completed", progress=1)
    finally:
        migrate(latest)


def listed(client: APIClient, **parameters: str) -> list[str]:
    answer = client.get("/api/get-records/", {"table_name": "t", **parameters})
    assert answer.status_code == 200, answer.content
    return [record["a"] for record in answer.json()["results"]]


def test_lists_work_before_and_after(upgraded: None, client: APIClient) -> None:
    states = {index.column and index.column.name: index.state for index in Index.objects.select_related("column")}
    assert states == {"a": "queued", "n": "completed", None: "queued"}
    for _ in range(2):
        assert listed(client, order_by="a") == ["a9", "a10", "Äpfel", "Zoo", None]
        assert listed(client, search="apfel") == ["Äpfel"]
        assert listed(client, a="Zoo") == ["Zoo"]
        build_waiting()
    assert {index.state for index in Index.objects.all()} == {"completed"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE schemaname = 'userdata' AND indexname ~ ':(index|search)$'"
        )
        definitions = [row[0] for row in cursor.fetchall()]
    assert sum("sort_key(a)" in text for text in definitions) == 1
    assert sum("fold(a)" in text for text in definitions) == 1
