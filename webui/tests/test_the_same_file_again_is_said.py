"""A file that was imported into the table before says so, before the import starts and in its job."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from dataengine.models import ImportJob
from dataengine.tests.importing import import_text, make_table, queue_import, records
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)
FILE = "name\nAda\n"


def warnings(job: ImportJob) -> list[tuple[str, str]]:
    job.refresh_from_db()
    return [(found["code"], found["message"]) for found in job.findings.get("warnings", [])]


def test_it_is_imported_all_the_same(owner: User, colleague: User) -> None:
    table = make_table(owner, "t", name="TEXT")
    make_table(colleague, "other", name="TEXT")
    first = import_text(owner, "t", FILE)
    assert warnings(first) == []
    second = queue_import(owner, "t", FILE, filename="renamed.csv")
    ((code, message),) = warnings(second)
    assert code == "same_file"
    assert message.startswith(f"This file was imported into this table before: import {first.pk}, ")
    third = queue_import(owner, "t", FILE)
    assert f"being imported into this table already: import {second.pk}" in warnings(third)[0][1]
    third.delete()
    from dataengine.services import import_runs

    import_runs.run(second.pk)
    assert warnings(second) == [(code, message)], "the import itself does not forget it"
    assert records("t", "name") == [("Ada",), ("Ada",)]
    assert warnings(import_text(owner, "t", FILE + "Bob\n")) == []
    assert warnings(import_text(colleague, "other", FILE)) == [], "into another table"
    assert table.imports.count() == 3


@pytest.mark.parametrize("changed", [{"state": "undone"}, {"state": "failed"}, {"options": {"dry_run": True}}])
def test_what_changed_nothing_does_not_count(owner: User, changed: dict[str, Any]) -> None:
    make_table(owner, "t", name="TEXT")
    first = import_text(owner, "t", FILE)
    ImportJob.objects.filter(pk=first.pk).update(**changed)
    assert warnings(queue_import(owner, "t", FILE)) == []


def test_the_preview_says_it_before_the_start(owner: User, client: Client) -> None:
    make_table(owner, "t", name="TEXT")
    job = import_text(owner, "t", FILE)
    client.force_login(owner)

    def preview(text: str) -> str:
        file = io.BytesIO(text.encode())
        file.name = "a.csv"
        answer = client.post("/tables/t/import/", {"file": file, "do": "preview"}, follow=True)
        assert answer.status_code == 200
        return read(answer).words

    assert f"imported into this table before: import {job.pk}" in preview(FILE)
    assert "imported into this table before" not in preview("name\nAdo\n")
