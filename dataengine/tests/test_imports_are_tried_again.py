"""An import that failed or was cancelled can be tried again with the file that it had."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from dataengine.models import ImportJob
from dataengine.services import import_runs

from .conftest import MakeTable
from .importing import import_text, queue_import, records

pytestmark = pytest.mark.django_db(transaction=True)


def retry(client: APIClient, job: ImportJob) -> Any:
    return client.post(f"/api/imports/{job.pk}/retry/")


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def failed(owner: User, make_table: MakeTable) -> ImportJob:
    make_table("t", n="INTEGER")
    return import_text(owner, "t", "n\n1\nx\n", on_error="abort")


def test_a_failed_import_starts_afresh(client: APIClient, failed: ImportJob) -> None:
    assert failed.state == "failed"
    answer = retry(client, failed)
    assert answer.status_code == 202
    job = answer.json()
    assert (job["state"], job["filename"], answer["Location"]) == ("queued", failed.filename, job["url"])
    assert job["id"] != failed.pk
    done = import_runs.run(job["id"])
    assert done is not None
    assert (done.state, done.rows_read) == ("failed", 2)
    assert records("t") == []
    # The file has passed to the new job: only the newest can be tried again.
    assert code(retry(client, failed)) == (409, "file_gone")
    assert retry(client, done).status_code == 202


def test_a_cancelled_import_of_a_new_table(client: APIClient, owner: User) -> None:
    job = queue_import(owner, "made", "a,b\n1,x\n", create_table=True)
    assert client.post(f"/api/imports/{job.pk}/cancel/").status_code == 200
    answer = retry(client, job)
    assert answer.status_code == 202
    done = import_runs.run(answer.json()["id"])
    assert done is not None
    assert (done.state, done.rows_imported) == ("completed", 1)


def test_what_cannot_be_tried_again(
    client: APIClient, owner: User, failed: ImportJob, api: Any, stranger: User, colleague: User, share: Any
) -> None:
    completed = import_text(owner, "t", "n\n1\n")
    assert code(retry(client, completed)) == (409, "not_retryable")
    assert retry(api(stranger), failed).status_code == 404
    assert failed.table is not None
    share(failed.table, colleague, "view")
    assert retry(api(colleague), failed).status_code == 403
    default_storage.delete(failed.source)
    assert code(retry(client, failed)) == (409, "file_gone")


def test_a_name_that_is_taken_meanwhile(client: APIClient, owner: User, make_table: MakeTable) -> None:
    job = queue_import(owner, "made", "a,b\n1,x\n", create_table=True)
    client.post(f"/api/imports/{job.pk}/cancel/")
    make_table("made", a="TEXT")
    assert code(retry(client, job)) == (409, "name_taken")
