"""What was uploaded is not lost because its import could not begin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.test import Client

from dataengine.exceptions import Conflict
from dataengine.http.received import HoldingUploadHandler
from dataengine.models import SOURCE_FOLDER, ImportJob
from dataengine.services import imports, stored_files
from dataengine.tests.threads import in_thread
from webui.imports import drafts

if TYPE_CHECKING:
    from django.contrib.auth.models import User

NEW = "/tables/new/import/"


def draft_of(user: User) -> drafts.Draft:
    return drafts.store(user, SimpleUploadedFile("people.csv", b"name,email\nDan,dan@example.com\n"))


def start(user: User, draft: drafts.Draft) -> ImportJob:
    made = {"table": None, "table_name": "guests", "options": {"create_table": True}}
    return imports.start(user=user, file=draft, filename="people.csv", **made)  # type: ignore[arg-type]


def stored() -> list[str]:
    return [f"{SOURCE_FOLDER}/{name}" for name in default_storage.listdir(SOURCE_FOLDER)[1]]


def test_an_upload_whose_name_another_import_takes_starts_under_another_one(as_owner: Client, owner: User) -> None:
    first, second = draft_of(owner), draft_of(owner)
    assert as_owner.post(NEW, {"do": "start", "draft": first.token, "table_name": "guests"}).status_code == 302
    refused = as_owner.post(NEW, {"do": "start", "draft": second.token, "table_name": "guests"})
    assert refused.status_code == 422
    assert "Another import is already making the table “guests”." in refused.content.decode()
    assert as_owner.post(NEW, {"do": "start", "draft": second.token, "table_name": "others"}).status_code == 302
    assert ImportJob.objects.count() == 2


def test_an_upload_outlives_a_row_that_could_not_be_written(owner: User) -> None:
    draft = draft_of(owner)
    before = stored()
    with (
        patch.object(QuerySet, "create", side_effect=OperationalError("no space left")),
        pytest.raises(OperationalError),
    ):
        start(owner, draft)
    assert (stored(), default_storage.exists(draft.key)) == (before, True)
    job = start(owner, drafts.find(owner, draft.token))
    # Of two requests at once, the other one had it open already.
    with pytest.raises(Conflict, match="Another import has taken this file"):
        stored_files.store(draft, "people.csv")  # type: ignore[arg-type]  # like every File
    assert default_storage.exists(job.source)


@pytest.mark.django_db(transaction=True)
def test_a_file_stays_if_nobody_knows_whether_its_row_was_written(owner: User) -> None:
    commit = connection.commit

    def commit_and_die() -> None:
        commit()
        raise OperationalError("server closed the connection unexpectedly")

    with patch.object(connection, "commit", commit_and_die), pytest.raises(OperationalError):
        start(owner, draft_of(owner))
    assert default_storage.exists(ImportJob.objects.get().source)


def test_what_a_killed_request_was_bringing_is_swept_away(settings: Any, tmp_path: Path) -> None:
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)
    handler = HoldingUploadHandler()
    handler.new_file("file", "a.csv", "text/csv", 3)  # a request that is slow
    left, new = tmp_path / "tmpabc.upload.csv.gz", tmp_path / "tmpdef.upload.csv"
    for path in (left, new):
        path.write_bytes(b"a,b")
    for path in set(tmp_path.iterdir()) - {new}:
        os.utime(path, (0, 0))
    assert stored_files.forget_abandoned() == 1
    assert not left.exists()
    assert len(list(tmp_path.iterdir())) == 2
    handler.upload_interrupted()
    assert list(tmp_path.iterdir()) == [new]


@pytest.mark.django_db(transaction=True)
def test_of_two_requests_at_once_one_makes_the_table(owner: User) -> None:
    first, second = draft_of(owner), draft_of(owner)
    with transaction.atomic():  # as with an Idempotency-Key, whose transaction goes on
        start(owner, first)
        refused: list[Conflict] = []

        def beside() -> None:
            with pytest.raises(Conflict, match="already making the table “guests”") as caught:
                start(owner, second)
            refused.append(caught.value)

        in_thread(beside).join()
    assert refused
    assert default_storage.exists(second.key)
    assert ImportJob.objects.count() == 1
