"""Rows that somebody pasted are looked at and imported as a file would be: in the console and by the API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client
from rest_framework.test import APIClient

from dataengine.models import ImportJob, Table
from dataengine.records.model import record_model
from dataengine.services import import_runs
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_they_are_shown_and_then_imported(as_owner: Client, people: Table) -> None:
    before = list(record_names(people))
    sent = as_owner.post("/tables/people/import/", {"pasted": "name\tscore\nZoe\t1,5\nYves\t\n", "do": "preview"})
    assert sent.status_code == 302
    page = read(as_owner.get(sent["Location"]))
    assert "Zoe" in page
    assert "pasted.csv" in page
    [draft] = page.values("input", "value", name="draft")
    started = as_owner.post("/tables/people/import/", {"draft": draft, "do": "start"})
    import_runs.run(int(started["Location"].strip("/").split("/")[-1]))
    job = ImportJob.objects.get()
    assert (job.state, job.rows_imported, job.rows_rejected) == ("completed", 2, 0)
    assert sorted(record_names(people)) == sorted([*before, "Zoe", "Yves"])


@pytest.mark.parametrize(
    ("text", "name", "columns"),
    [("a,b\n1,2\n", "pasted.csv", ["a", "b"]), ('[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]', "pasted.json", ["a", "b"])],
)
def test_they_begin_a_table(as_owner: Client, text: str, name: str, columns: list[str]) -> None:
    started = as_owner.post("/tables/new/import/", {"pasted": text, "table_name": "mine", "do": "start"})
    import_runs.run(int(started["Location"].strip("/").split("/")[-1]))
    assert ImportJob.objects.get().filename == name
    assert [column.name for column in Table.objects.get(name="mine").columns.all()] == columns


def test_a_file_or_rows_but_one_of_them(as_owner: Client, people: Table) -> None:
    nothing = as_owner.post("/tables/people/import/", {"pasted": "  \n", "do": "preview"})
    assert nothing.status_code == 422
    assert "Choose a file, or paste rows." in read(nothing)


def test_by_the_api(owner: User, people: Table) -> None:
    client = APIClient()
    client.force_authenticate(owner)
    sent = {"table_name": "people", "text": "name\nZoe\n"}
    answer = client.post("/api/upload-csv/", sent, format="multipart")
    assert answer.status_code == 202, answer.content
    job = import_runs.run(answer.json()["id"])
    assert job is not None
    assert (job.state, job.rows_imported, job.filename) == ("completed", 1, "pasted.csv")
    for body, field in (({}, "file"), ({"text": ""}, "text")):
        refused = client.post("/api/upload-csv/", {"table_name": "people", **body}, format="multipart")
        assert refused.status_code == 400
        assert list(refused.json()["error"]["fields"]) == [field]


def record_names(table: Table) -> list[str]:
    return list(record_model(table).objects.values_list(table.columns.get(name="name").attribute, flat=True))
