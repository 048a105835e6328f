"""Imports over the API: starting one, its shape, errors at the start, rejected rows."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from dataengine.models import ImportJob, RejectedRow

from .conftest import MakeTable
from .waiting import until

SHAPE = {
    "id", "table_name", "state", "phase", "filename", "bytes_total", "bytes_read", "rows_read", "rows_imported",
    "rows_updated", "rows_skipped", "rows_rejected", "rows_per_second", "eta_seconds", "errors", "error",
    "rejected_url", "created_at", "started_at", "finished_at", "url",
}  # fmt: skip


def upload(client: APIClient, content: bytes = b"name,email\nAnna,a@example.com\n", **given: Any) -> Any:
    body: dict[str, Any] = {"file": SimpleUploadedFile("people.csv", content), "table_name": "people"}
    body |= {"email": "owner@example.com"} | given
    return client.post(
        "/api/upload-csv/", {key: value for key, value in body.items() if value is not None}, format="multipart"
    )


@pytest.fixture
def people(make_table: MakeTable) -> None:
    make_table("people", name="TEXT NOT NULL", email="TEXT UNIQUE")


@pytest.mark.usefixtures("people")
def test_an_upload_is_queued(client: APIClient) -> None:
    answer = upload(client)
    assert answer.status_code == 202, answer.content
    job = answer.json()
    assert set(job) >= SHAPE
    assert (job["state"], job["table_name"], job["filename"], job["bytes_total"]) == (
        "queued",
        "people",
        "people.csv",
        30,
    )
    assert job["url"] == answer["Location"] == f"http://testserver/api/imports/{job['id']}/"
    assert (job["error"], job["rejected_url"], job["errors"]) == (None, None, [])
    assert client.get(job["url"]).json() == job
    for path in ("/api/imports/", "/api/tables/people/imports/"):
        assert client.get(path).json() == {"count": 1, "next": None, "previous": None, "results": [job]}
        counts = [client.get(path, {"state": state}).json().get("count") for state in ("queued", "failed", "fine")]
        assert counts == [1, 0, None]


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize("path", ["/api/tables/people/imports/", "/api/upload-csv/"])
@pytest.mark.parametrize(("email", "told"), [(None, "owner@example.com"), ("eve@example.com", "eve@example.com")])
def test_the_mail_goes_to_you_or_whom_you_name(client: APIClient, path: str, email: str | None, told: str) -> None:
    given: dict[str, Any] = {"file": SimpleUploadedFile("p.csv", b"name\nAnna\n")}
    given |= {"table_name": "people"} if path == "/api/upload-csv/" else {}
    given |= {"email": email} if email else {}
    answer = client.post(path, given, format="multipart")
    assert answer.status_code == 202, answer.content
    assert ImportJob.objects.get().email == told


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"file": None}, "file"), ({"file": "text"}, "file"), ({"table_name": None}, "table_name"),
        ({"email": "nobody"}, "email"), ({"options": "{"}, "options"),
        ({"options": "[]"}, "options"), ({"options": "null"}, "options"),
        ({"options": ["{}", '{"dry_run": true}']}, "options"),
        ({"options": json.dumps({"nope": 1})}, "nope"),
        ({"options": json.dumps({"on_error": "x"})}, "on_error"), ({"content": b""}, "file"),
        ({"content": b"name,email\n"}, "file"), ({"content": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"}, "file"),
        ({"content": b"name,name\na,b\n"}, "name"), ({"content": b"other\nx\n"}, "other"),
    ],
)  # fmt: skip
def test_what_is_refused_at_once(client: APIClient, given: dict[str, Any], field: str) -> None:
    answer = upload(client, **given)
    assert answer.status_code == 400, answer.content
    fields = answer.json()["error"]["fields"]
    assert fields
    if field not in {"name", "other"}:
        assert field in fields
    assert not ImportJob.objects.exists()


@pytest.mark.usefixtures("people")
def test_a_file_too_large(client: APIClient, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    answer = upload(client)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (413, ["file"])


@pytest.mark.usefixtures("people")
def test_a_body_without_a_file_is_not_an_upload(client: APIClient) -> None:
    answer = client.post("/api/upload-csv/", {"table_name": "people"})
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {"file"})
    answer = client.post("/api/upload-csv/", b"--x\r\nnonsense", content_type="multipart/form-data; boundary=x")
    assert answer.status_code == 400
    answer = client.post("/api/upload-csv/", b"", content_type="multipart/form-data")
    assert answer.status_code == 400
    many = {f"f{number}": SimpleUploadedFile("a.csv", b"x") for number in range(101)}
    answer = client.post("/api/upload-csv/", many, format="multipart")
    assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {"file"})


@pytest.mark.usefixtures("people")
def test_tables_of_others(
    client: APIClient, api: Any, stranger: User, colleague: User, share: Any, owner: User
) -> None:
    assert upload(api(stranger)).status_code == 404
    share(owner.owned_tables.get(), colleague, "view")
    assert upload(api(colleague)).status_code == 403
    assert upload(client, table_name="nowhere").status_code == 404
    taken = upload(api(stranger), options=json.dumps({"create_table": True}))
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")


@pytest.mark.usefixtures("people")
def test_cancelling(client: APIClient) -> None:
    job = upload(client).json()
    cancelled = client.post(f"{job['url']}cancel/")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert client.post("/api/imports/999/cancel/").status_code == 404


@pytest.mark.usefixtures("people")
def test_rejected_rows_are_paged(client: APIClient) -> None:
    job = ImportJob.objects.get(pk=upload(client).json()["id"])
    errors = [{"column": "name", "code": "missing_value", "message": "This field is required."}]
    RejectedRow.objects.bulk_create(RejectedRow(job=job, line=n, raw=f",{n}", errors=errors) for n in range(2, 7))
    ImportJob.objects.update(rows_rejected=5)
    shown = client.get(f"/api/imports/{job.pk}/").json()
    assert shown["rejected_url"] == f"http://testserver/api/imports/{job.pk}/rejected.csv"
    page = client.get(f"/api/imports/{job.pk}/rejected/?limit=2&page=2").json()
    assert page["count"] == 5
    assert page["results"] == [
        {
            "line": n,
            "raw": f",{n}",
            "cells": {"name": None, "email": str(n)},
            "mended": False,
            "errors": errors,
            "version": 0,
        }
        for n in (4, 5)
    ]


@pytest.mark.django_db(transaction=True)
def test_from_upload_to_rejected_csv(owner: User, client: APIClient, make_table: MakeTable, celery_worker: int) -> None:
    make_table("people", name="TEXT NOT NULL", email="TEXT UNIQUE", age="SMALLINT")
    content = b"name,email,age\nAnna,a@example.com,30\n,b@example.com,x\nBob,a@example.com,\nEve,e@example.com,5\n"
    url = upload(client, content).json()["url"]
    until(lambda: client.get(url).json()["state"] not in {"queued", "running"})
    job = client.get(url).json()
    assert (job["state"], job["error"]) == ("completed", None)
    assert (job["rows_read"], job["rows_imported"], job["rows_rejected"]) == (4, 2, 2)
    listed = client.get("/api/get-records/?table_name=people&order_by=name").json()
    assert [record["name"] for record in listed["results"]] == ["Anna", "Eve"]
    rejected = client.get(f"{url}rejected/").json()["results"]
    assert [(row["line"], sorted({error["column"] for error in row["errors"]})) for row in rejected] == [
        (3, ["age", "name"]),
        (4, ["email"]),
    ]
    answer: Any = client.get(job["rejected_url"])
    assert answer["Content-Type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"), newline="")))
    assert rows[0] == ["name", "email", "age", "_line", "_errors"]
    assert [row[-2] for row in rows[1:]] == ["3", "4"]
