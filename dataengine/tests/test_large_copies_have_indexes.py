"""A duplicate of a large table, which a worker fills, has the indexes that were asked for, too."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import ChangeJob
from dataengine.services import change_runs, changes, indexes
from dataengine.services.tables import name_records_by

from .changing import fill, values
from .conftest import MakeTable
from .indexing import build_waiting

pytestmark = pytest.mark.django_db(transaction=True)


def test_they_are_built_when_it_is_filled(
    client: APIClient, owner: User, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = make_table("t", a="TEXT UNIQUE", n="INTEGER", v="TEXT", other="REFERENCES t")
    fill(client, "t", "a", ["x", "y", "z"])
    for module in (changes, indexes):
        monkeypatch.setattr(module, "ring", lambda *args, **options: None)
    monkeypatch.setattr(changes, "LARGE", 1)
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(name="n"), indexed=True)
    indexes.set_searchable(user=owner, table=table, searchable=True)
    name_records_by(user=owner, table=table, column=table.columns.get(name="v"))
    asked = client.post("/api/tables/t/duplicate/", {"table_name": "again", "with_records": True})
    assert asked.status_code == 202, asked.content
    change_runs.run(ChangeJob.objects.get().pk)
    assert set(build_waiting()) == {"completed"}
    copied = client.get("/api/tables/again/").json()
    assert values(client, "a", "again") == ["x", "y", "z"]
    assert (copied["search_index"], copied["named_by"]) == ("ready", "v")
    assert [column["column_name"] for column in copied["columns"] if column["indexed"]] == ["a", "n", "other"]
