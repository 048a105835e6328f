"""A dry run from the page before an import says what would happen; then one click does it with the same file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.models import ImportJob, Table
from dataengine.records.model import record_model
from dataengine.services import import_runs
from webui.imports import drafts
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)
FILE = b"name,score\nZoe,1\nYves,many\n"


def tried(client: Client, owner: User, path: str, **more: str) -> ImportJob:
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", FILE)).token
    page = read(client.get(path, {"draft": draft}))
    assert "Try it first" in page
    started = client.post(path, {"draft": draft, "do": "try", **more})
    job = import_runs.run(int(started["Location"].strip("/").split("/")[-1]))
    assert job is not None
    assert job.was_rehearsed
    return job


def test_into_a_table(as_owner: Client, owner: User, people: Table) -> None:
    records = record_model(people).objects
    before = records.count()
    job = tried(as_owner, owner, "/tables/people/import/")
    page = read(as_owner.get(f"/imports/{job.pk}/"))
    assert "1 row would be imported" in page
    assert "Import it now" in page
    assert records.count() == before
    sent = as_owner.post(f"/imports/{job.pk}/retry/")
    done = import_runs.run(int(sent["Location"].strip("/").split("/")[-1]))
    assert done is not None
    assert (done.state, done.rows_imported, done.rows_rejected) == ("completed", 1, 1)
    assert "dry_run" not in done.options
    assert records.count() == before + 1
    assert "Import it now" not in read(as_owner.get(f"/imports/{job.pk}/"))
    assert as_owner.post(f"/imports/{job.pk}/retry/").status_code == 409


def test_into_a_new_one(as_owner: Client, owner: User) -> None:
    job = tried(as_owner, owner, "/tables/new/import/", table_name="mine")
    assert not Table.objects.filter(name="mine").exists()
    as_owner.post(f"/imports/{job.pk}/retry/")
    import_runs.run(ImportJob.objects.latest("pk").pk)
    assert Table.objects.filter(name="mine").exists()


def test_by_the_api(as_owner: Client, owner: User, colleague: User, people: Table) -> None:
    job = tried(as_owner, owner, "/tables/people/import/")
    client = APIClient()
    client.force_authenticate(colleague)
    assert client.post(f"/api/imports/{job.pk}/retry/").status_code == 404
    client.force_authenticate(owner)
    assert client.post(f"/api/imports/{job.pk}/retry/").status_code == 202


def test_its_file_is_not_kept_for_ever(as_owner: Client, owner: User, people: Table, settings: Settings) -> None:
    job = tried(as_owner, owner, "/tables/people/import/")
    import_runs.sweep()
    assert default_storage.exists(job.source)
    settings.IMPORT_SOURCE_HOURS = 0
    import_runs.sweep()
    job.refresh_from_db()
    assert not job.source
    assert "Import it now" not in read(as_owner.get(f"/imports/{job.pk}/"))
