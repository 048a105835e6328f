"""The server's side of resumable uploads: tus 1.0.0 as used by its clients."""

from __future__ import annotations

import base64
import fcntl
from datetime import timedelta
from pathlib import Path
from typing import IO, Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.storage.memory import InMemoryStorage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from dataengine.models import ImportJob, Table
from dataengine.postgres import usage
from dataengine.services import storage_quota
from webui import tasks
from webui.imports import drafts, resumable
from webui.tests.pages import read

CONTENT = b"name,email\nDan,dan@example.com\nEve,eve@example.com\n"
TUS = {"Tus-Resumable": "1.0.0"}
BY_SCRIPT = {"X-Requested-With": "tablekeep-upload"}


def create(
    client: Client, size: int = len(CONTENT), name: str = "more people.csv", headers: dict[str, str] | None = None
) -> HttpResponse:
    metadata = f"filetype dGV4dC9jc3Y=,filename {base64.b64encode(name.encode()).decode()}"
    sent = {**TUS, "Upload-Length": str(size), "Upload-Metadata": metadata, **(headers or {})}
    return client.post("/uploads/", headers=sent)  # type: ignore[return-value]  # the response itself


def created(client: Client, **kwargs: Any) -> str:
    response = create(client, **kwargs)
    assert response.status_code == 201, response.content
    return response.headers["Location"]


def piece(client: Client, url: str, offset: int, data: bytes) -> HttpResponse:
    sent = {**TUS, "Upload-Offset": str(offset)}
    return client.patch(url, data, content_type="application/offset+octet-stream", headers=sent)  # type: ignore[return-value]


def offset(client: Client, url: str) -> int:
    response = client.head(url, headers=TUS)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    return int(response.headers["Upload-Offset"])


def partial_files() -> list[Path]:
    folder = Path(default_storage.path(resumable.FOLDER))
    return list(folder.iterdir()) if folder.is_dir() else []


def token_of(url: str) -> str:
    return url.rstrip("/").rsplit("/", 1)[1]


def test_pieces_become_a_draft_from_which_an_import_starts(as_owner: Client, people: Table) -> None:
    url = created(as_owner)
    assert offset(as_owner, url) == 0
    assert piece(as_owner, url, 0, CONTENT[:20]).headers["Upload-Offset"] == "20"
    assert offset(as_owner, url) == 20
    last = piece(as_owner, url, 20, CONTENT[20:])
    assert (last.status_code, last.headers["Upload-Offset"]) == (204, str(len(CONTENT)))
    assert "Upload-Expires" in last.headers
    assert offset(as_owner, url) == len(CONTENT)
    assert not partial_files()

    form = {"do": "preview", "draft": token_of(url), "on_error": "abort"}
    location = as_owner.post("/tables/people/import/", form, headers=BY_SCRIPT).json()["location"]
    page = read(as_owner.get(location))
    assert "more people.csv" in page
    assert page.value("on_error") == "abort"
    form["do"] = "start"
    answer = as_owner.post("/tables/people/import/", form, headers=BY_SCRIPT)
    job = ImportJob.objects.get()
    assert answer.json() == {"location": f"/imports/{job.pk}/"}
    assert job.filename == "more people.csv"
    assert default_storage.open(job.source).read() == CONTENT
    assert as_owner.head(url, headers=TUS).status_code == 404


def test_a_piece_has_to_begin_where_the_upload_ends(as_owner: Client) -> None:
    url = created(as_owner)
    piece(as_owner, url, 0, CONTENT[:20])
    for wrong in (0, 10, 21):
        answer = piece(as_owner, url, wrong, CONTENT[wrong:])
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (409, "20")
    assert offset(as_owner, url) == 20


def test_more_than_was_announced_is_refused_and_not_kept(as_owner: Client) -> None:
    url = created(as_owner, size=10)
    assert piece(as_owner, url, 0, CONTENT).status_code == 413
    assert offset(as_owner, url) == 0


def test_what_is_too_large_is_refused_before_a_byte_is_sent(as_owner: Client, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 1000
    answer = create(as_owner, size=1001)
    assert answer.status_code == 413
    assert answer.content.decode() == "The file has 1,001 bytes; at most 1,000 are allowed."
    assert as_owner.options("/uploads/").headers["Tus-Max-Size"] == "1000"
    assert not partial_files()


def test_files_are_counted_however_they_come(as_owner: Client, owner: User, people: Table, settings: Any) -> None:
    settings.RATES = {"api": None, "anonymous": None, "upload": (3, 3600)}
    page = f"/tables/{people.name}/import/"

    def by_form(do: str, **data: Any) -> Any:
        file = {"file": SimpleUploadedFile("a.csv", CONTENT)} if "draft" not in data else {}
        return as_owner.post(page, {"do": do, **file, **data})

    draft = parse_qs(urlsplit(by_form("preview").headers["Location"]).query)["draft"][0]
    assert by_form("start").status_code == 302
    created(as_owner)
    assert 0 < int(create(as_owner).headers["Retry-After"]) <= 3600
    for refused in (create(as_owner), by_form("preview"), by_form("start")):
        assert refused.status_code in (422, 429)
        assert b"You have sent 3 files" in refused.content
    api = APIClient()
    api.force_authenticate(owner)
    assert api.post(f"/api/tables/{people.name}/imports/").status_code == 429
    assert by_form("start", draft=draft).status_code == 302, "which was counted when it was sent"


def test_an_empty_file_is_refused(as_owner: Client) -> None:
    answer = create(as_owner, size=0)
    assert (answer.status_code, answer.content.decode()) == (400, "This file is empty.")


@pytest.mark.parametrize("name", ["report.pdf", "data.xlsx.gz", "archive.tar.gz", "data.csv.exe", "", "csv"])
def test_a_file_of_another_kind_is_refused_before_a_byte_is_sent(as_owner: Client, name: str) -> None:
    answer = create(as_owner, name=name)
    assert answer.status_code == 400
    assert "Only .csv" in read(answer)


@pytest.mark.parametrize("name", ["A.CSV", "a.tsv.gz", "a.zip", "a.xlsx", "a.txt"])
def test_every_kind_that_can_be_imported_is_taken(as_owner: Client, name: str) -> None:
    assert create(as_owner, name=name).status_code == 201


def test_nobody_else_sees_it(as_owner: Client, as_stranger: Client) -> None:
    url = created(as_owner)
    for visitor, status in ((as_stranger, 404), (Client(), 403)):
        assert visitor.head(url, headers=TUS).status_code == status
        assert piece(visitor, url, 0, CONTENT).status_code == status
        assert visitor.delete(url, headers=TUS).status_code == status
    assert create(Client()).status_code == 403
    assert as_owner.head("/uploads/forged/", headers=TUS).status_code == 404
    assert offset(as_owner, url) == 0


def test_foreign_pages_cannot_upload(as_owner: Client) -> None:
    url = created(as_owner)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = as_owner.cookies
    assert create(strict).status_code == 403
    assert piece(strict, url, 0, CONTENT).status_code == 403
    assert strict.delete(url, headers=TUS).status_code == 403
    assert offset(as_owner, url) == 0


def test_cancelling_removes_it(as_owner: Client) -> None:
    for sent in (CONTENT[:20], CONTENT):
        url = created(as_owner)
        piece(as_owner, url, 0, sent)
        assert as_owner.delete(url, headers=TUS).status_code == 204
        assert as_owner.head(url, headers=TUS).status_code == 404
        assert piece(as_owner, url, len(sent), b"x").status_code == 404
    assert not partial_files()


def test_two_pieces_at_once_are_not_mixed(as_owner: Client) -> None:
    url = created(as_owner)
    [path] = partial_files()
    with path.open("r+b") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert piece(as_owner, url, 0, CONTENT).status_code == 423
    assert piece(as_owner, url, 0, CONTENT).status_code == 204


def test_a_complete_upload_is_a_draft_even_if_the_process_died(as_owner: Client) -> None:
    url = created(as_owner)
    with patch.object(resumable.PartialUpload, "_finish"):
        piece(as_owner, url, 0, CONTENT)
    assert len(partial_files()) == 1
    assert offset(as_owner, url) == len(CONTENT)
    assert not partial_files()
    page = as_owner.get(f"/tables/new/import/?draft={token_of(url)}")
    assert "dan@example.com" in read(page)


def test_a_full_disk_keeps_what_fitted(as_owner: Client) -> None:
    url = created(as_owner)
    real = resumable._write

    def half(file: IO[bytes], data: bytes) -> None:
        real(file, data[:20])
        with Path("/dev/full").open("wb", buffering=0) as full:
            real(full, data[20:])

    with patch.object(resumable, "_write", half):
        answer = piece(as_owner, url, 0, CONTENT)
    assert answer.status_code == 503
    assert "the disk may be full" in read(answer)
    assert offset(as_owner, url) == 20
    assert piece(as_owner, url, 20, CONTENT[20:]).status_code == 204


def test_abandoned_uploads_are_deleted_after_a_day(as_owner: Client) -> None:
    url = created(as_owner)
    tasks.forget_uploads()
    assert len(partial_files()) == 1
    with patch.object(timezone, "now", return_value=timezone.now() + timedelta(hours=25)):
        assert as_owner.head(url, headers=TUS).status_code == 404
        tasks.forget_uploads()
    assert not partial_files()


def test_what_is_announced_counts_to_the_quota(
    as_owner: Client, owner: User, people: Table, stranger: User, settings: Any
) -> None:
    size = len(CONTENT)
    settings.STORAGE_QUOTA = usage.table_bytes([people.name]) + size + 10

    def again() -> int:
        return create(as_owner).status_code

    url = created(as_owner)
    refused = create(as_owner)
    assert refused.status_code == 409
    assert f"{size:,} of them in uploads that are not imported yet" in refused.content.decode()
    other = Client()
    other.force_login(stranger)
    assert create(other).status_code == 201, "nobody else's"
    assert as_owner.delete(url, headers=TUS).status_code == 204
    url = created(as_owner)
    piece(as_owner, url, 0, CONTENT[:20])
    assert again() == 409
    piece(as_owner, url, 20, CONTENT[20:])
    assert again() == 409, "a draft counts, too, and once"
    with patch.object(timezone, "now", return_value=timezone.now() + timedelta(hours=25)):
        storage_quota.check(owner, size)
    plain = {"do": "preview", "file": SimpleUploadedFile("a.csv", CONTENT)}
    assert "You may store" in read(as_owner.post("/tables/people/import/", plain))
    form = {"do": "start", "draft": token_of(url)}
    assert as_owner.post("/tables/people/import/", form, headers=BY_SCRIPT).status_code == 200
    assert again() == 409, "now it is the import's file"
    ImportJob.objects.update(source="")
    assert again() == 201


def test_uploads_for_remote_storage_are_put_together_locally(as_owner: Client) -> None:
    far = InMemoryStorage()
    with patch.object(resumable, "default_storage", far), patch.object(drafts, "default_storage", far):
        url = created(as_owner)
        piece(as_owner, url, 0, CONTENT[:20])
        assert far.listdir("")[1] == []
        piece(as_owner, url, 20, CONTENT[20:])
        [name] = far.listdir(drafts.FOLDER)[1]
        assert far.open(f"{drafts.FOLDER}/{name}").read() == CONTENT
        assert offset(as_owner, url) == len(CONTENT)
        # A process may end between storing the file and removing what it was put together from.
        again = resumable._folder() / name
        again.write_bytes(CONTENT)
        assert offset(as_owner, url) == len(CONTENT)
        assert (far.listdir(drafts.FOLDER)[1], again.exists()) == ([name], False)


def test_the_protocols_own_rules(as_owner: Client) -> None:
    options = as_owner.options("/uploads/")
    assert (options.status_code, options.headers["Tus-Version"]) == (204, "1.0.0")
    assert options.headers["Tus-Extension"] == "creation,expiration,termination"
    assert as_owner.post("/uploads/", headers={"Upload-Length": "5"}).status_code == 412
    assert create(as_owner, headers={"Upload-Length": "many"}).status_code == 400
    assert create(as_owner, headers={"Upload-Metadata": "filename !"}).status_code == 400
    assert as_owner.get("/uploads/", headers=TUS).status_code == 405
    url = created(as_owner, name="../../etc/Übersicht.csv")
    shown = as_owner.head(url, headers=TUS)
    assert shown.headers["Tus-Resumable"] == "1.0.0"
    assert shown.headers["Upload-Length"] == str(len(CONTENT))
    assert base64.b64decode(shown.headers["Upload-Metadata"].split()[1]).decode() == "Übersicht.csv"
    headers = {**TUS, "Upload-Offset": "0"}
    assert as_owner.patch(url, CONTENT, content_type="text/csv", headers=headers).status_code == 415
    by_post = {**headers, "X-HTTP-Method-Override": "PATCH"}
    answer = as_owner.post(url, CONTENT, content_type="application/offset+octet-stream", headers=by_post)
    assert answer.status_code == 204
