from __future__ import annotations

import gzip
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from dataengine.models import ImportJob, RejectedRow, Table
from dataengine.services import import_mail
from dataengine.tests.looks import counted_looks
from webui.imports import drafts
from webui.tests.conftest import PARTIAL
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

IMPORT = "/tables/people/import/"
BY_SCRIPT = {"X-Requested-With": "tablekeep-upload"}
GOOD = b"name,email\nDan,dan@example.com\n"


def upload(content: bytes = GOOD, name: str = "more people.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def the_job() -> ImportJob:
    return ImportJob.objects.get()


def token_in(url: str) -> str:
    return parse_qs(urlsplit(url).query)["draft"][0]


def test_a_plain_form_starts_an_import_at_once(as_owner: Client, people: Table) -> None:
    response = as_owner.post(IMPORT, {"do": "start", "file": upload()})
    assert response.headers["Location"] == f"/imports/{the_job().pk}/"
    job = the_job()
    assert (job.filename, job.table, job.state) == ("more people.csv", people, "queued")


def test_the_script_is_told_where_to_go(as_owner: Client, people: Table) -> None:
    response = as_owner.post(IMPORT, {"do": "start", "file": upload()}, headers=BY_SCRIPT)
    assert response.json() == {"location": f"/imports/{the_job().pk}/"}


@pytest.mark.parametrize(
    ("content", "name", "complaint"),
    [
        (b"", "empty.csv", "empty"),
        (b"name,email\n", "header.csv", "no rows"),
        (b"name,name\na,b\n", "twice.csv", "has “name” twice"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "picture.csv", "PNG"),
        (b"colour,shape\nred,round\n", "other.csv", "No header of the file is a column"),
        (b"email\nx@example.com\n", "half.csv", "no values for the required"),
    ],
)
def test_a_bad_file_is_refused_at_the_field(
    content: bytes, name: str, complaint: str, as_owner: Client, people: Table
) -> None:
    plain = as_owner.post(IMPORT, {"do": "start", "file": upload(content, name)})
    assert plain.status_code == 422
    assert complaint in read(plain)
    by_script = as_owner.post(IMPORT, {"do": "start", "file": upload(content, name)}, headers=BY_SCRIPT)
    assert by_script.status_code == 422
    assert complaint in by_script.json()["message"]
    assert not ImportJob.objects.exists()


def test_no_file_at_all_is_said(as_owner: Client, people: Table) -> None:
    response = as_owner.post(IMPORT, {"do": "start"})
    assert response.status_code == 422
    assert "Choose a file, or paste rows." in read(response)


def test_a_file_beyond_the_limit_is_refused(as_owner: Client, people: Table, settings: Any) -> None:
    settings.MAX_UPLOAD_BYTES = 10
    response = as_owner.post(IMPORT, {"do": "start", "file": upload()})
    assert response.status_code == 422
    assert "at most 10 are allowed" in read(response)


def test_a_file_dropped_on_the_list_becomes_a_table_of_its_name(as_owner: Client, people: Table) -> None:
    for name, expected in (
        ("Sales 2024.csv", "sales_2024"),
        ("people.csv", "people_2"),
        ("select.csv", "select_table"),
    ):
        as_owner.post("/tables/new/import/", {"do": "start", "file": upload(name=name)}, headers=BY_SCRIPT)
        assert ImportJob.objects.latest("pk").table_name == expected
    packed = upload(gzip.compress(GOOD), "archive.csv.gz")
    as_owner.post("/tables/new/import/", {"do": "start", "file": packed})
    assert ImportJob.objects.latest("pk").table_name == "archive"


def test_a_name_that_is_taken_is_said_at_the_field(as_owner: Client, people: Table) -> None:
    form = {"do": "start", "file": upload(), "table_name": "people"}
    response = as_owner.post("/tables/new/import/", form)
    assert response.status_code == 422
    assert "This name is taken." in read(response)


def test_looking_first_shows_dialect_columns_and_examples(as_owner: Client, people: Table) -> None:
    content = b"Name;E-Mail;born;extra\nDan;dan@example.com;1999-01-01;x\nEve;;;y\n"
    sent = as_owner.post(IMPORT, {"do": "preview", "file": upload(content)}, headers=BY_SCRIPT)
    page = as_owner.get(sent.json()["location"])
    html = read(page)
    assert "separated by semicolon" in html
    assert "1999-01-01" in html
    assert html.element("select", name="column-0")["aria-label"] == "Name goes to"
    assert html.value("column-0") == "name"
    assert not ImportJob.objects.exists()


@pytest.mark.parametrize(
    "content",
    [GOOD, b"na,me,email\n" + b"Dan,\n" * 20, b"_line,_errors,name,email\n1,x,Dan,dan@example.com\n"],
    ids=["plain", "damaged header", "corrected file"],
)
@pytest.mark.parametrize("path", [IMPORT, "/tables/new/import/"], ids=["table", "new table"])
def test_looking_reads_the_file_and_the_options_once(
    as_owner: Client, people: Table, looks_apart: None, monkeypatch: pytest.MonkeyPatch, path: str, content: bytes
) -> None:
    sent = as_owner.post(path, {"do": "preview", "file": upload(content)}, headers=BY_SCRIPT)
    looks = counted_looks(monkeypatch)
    assert "Dan" in read(as_owner.get(sent.json()["location"]))
    assert looks == {"file": 1, "options": 1}


def test_an_import_starts_from_what_was_looked_at(as_owner: Client, people: Table) -> None:
    sent = as_owner.post(IMPORT, {"do": "preview", "file": upload(b"who,mail\nDan,dan@example.com\n")})
    location = sent.headers["Location"]
    assert "No header of the file is a column of the table" in read(as_owner.get(location))
    draft = token_in(location)
    form = {
        "do": "start", "draft": draft, "header-0": "who", "column-0": "name", "header-1": "mail", "column-1": "",
        "on_error": "abort",
    }  # fmt: skip
    assert as_owner.post(IMPORT, form).status_code == 302
    job = the_job()
    assert job.filename == "more people.csv"
    assert job.options["mapping"] == {"who": "name", "mail": None}
    assert job.options["on_error"] == "abort"
    assert default_storage.open(job.source).read() == b"who,mail\nDan,dan@example.com\n"
    gone = as_owner.post(IMPORT, form)
    assert gone.status_code == 404
    assert "no longer exists" in read(gone)


def test_looking_again_reads_by_the_chosen_dialect(as_owner: Client, people: Table) -> None:
    sent = as_owner.post(IMPORT, {"do": "preview", "file": upload(b"name;email\nDan;dan@example.com\n")})
    form = {"do": "preview", "draft": token_in(sent.headers["Location"]), "delimiter": ",", "header-0": "name"}
    html = read(as_owner.post(IMPORT, form))
    assert "separated by comma" in html
    assert "name;email" in html.words_of("strong")


def test_what_was_chosen_before_the_file_comes_along(as_owner: Client, people: Table) -> None:
    form = {"do": "preview", "file": upload(), "on_error": "abort", "delimiter": ",", "email": "me@example.com"}
    sent = as_owner.post(IMPORT, form)
    html = read(as_owner.get(sent.headers["Location"]))
    assert (html.value("on_error"), html.value("email")) == ("abort", "me@example.com")
    assert html.values("input", "value", name="key", checked="") == ["email"]  # the only unique column


def test_a_draft_is_personal(as_owner: Client, as_stranger: Client, people: Table) -> None:
    sent = as_owner.post("/tables/new/import/", {"do": "preview", "file": upload()})
    assert as_owner.get(sent.headers["Location"]).status_code == 200
    assert as_stranger.get(sent.headers["Location"]).status_code == 404
    assert as_owner.get("/tables/new/import/?draft=forged").status_code == 404


def test_abandoned_drafts_are_deleted(owner: User) -> None:
    old = drafts.store(owner, upload())
    with patch.object(timezone, "now", return_value=timezone.now() + timedelta(hours=25)):
        drafts.forget_old()
    assert not default_storage.exists(old.key)


def running_job(table: Table, **values: Any) -> ImportJob:
    values = {
        "state": "running",
        "phase": "loading",
        "bytes_total": 1000,
        "bytes_read": 800,
        "progress": 0.42,
        **values,
    }
    return ImportJob.objects.create(
        table=table, table_name=table.name, user=table.owner, filename="a.csv", started_at=timezone.now(), **values
    )


def test_a_running_import_shows_its_progress(as_owner: Client, people: Table) -> None:
    job = running_job(people, rows_read=1234, rows_rejected=2, eta_seconds=75.0)
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    assert html.element("div", aria_label="Import progress")["aria-valuenow"] == "42"
    assert "Loading the rows" in html
    assert "1 min 15 s" in html
    assert "Cancel import" in html
    sockets = [one["hx-ws:connect"] for one in html.inside if "hx-ws:connect" in one.attributes]
    assert sockets == [f"/ws/imports/{job.pk}/"]
    assert html.element("noscript").element("meta")["http-equiv"] == "refresh"


def test_the_bar_shows_that_the_time_left_is_unknown(as_owner: Client, people: Table) -> None:
    job = running_job(people, phase="checking", eta_seconds=None)
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    assert html.elements("div", class_="bar bar-waiting")
    assert "Checking the rows" in html
    assert "Time so far" in html
    job = running_job(people, eta_seconds=3.0)
    assert "bar-waiting" not in read(as_owner.get(f"/imports/{job.pk}/")).source


def test_an_import_that_was_started_again_says_so(as_owner: Client, people: Table) -> None:
    job = running_job(people, attempt=2, error="The process that ran it ended unexpectedly.", progress=0.01)
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    assert (
        "The process that ran it ended unexpectedly. It has started again from the beginning: this is attempt 2."
        in html
    )
    ImportJob.objects.filter(pk=job.pk).update(state="queued")
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    assert "The process that ran it ended unexpectedly. It will start again automatically from the beginning." in html


def test_an_import_that_waits_says_why(as_owner: Client, people: Table) -> None:
    job, before = (running_job(people, state="queued", attempt=0) for _ in range(2))

    def said() -> str:
        return read(as_owner.get(f"/imports/{job.pk}/")).words

    assert "begins" not in said(), "at first there is nothing to explain"
    ImportJob.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    assert "It begins as soon as a worker is free." in said()
    ImportJob.objects.filter(pk=before.pk).update(state="running")
    assert "Another import or change of this table is running." in said()
    ImportJob.objects.filter(pk=before.pk).update(table=None)
    assert "It begins as soon as a worker is free." in said()
    running_job(people)
    ImportJob.objects.filter(state="running").update(table=None)
    assert "Of one person, 2 imports may run at a time." in said()


def test_the_end_is_said_in_plain_words(as_owner: Client, people: Table) -> None:
    done = {"state": "completed", "bytes_read": 1000, "finished_at": timezone.now()}
    for values, words in (
        ({**done, "rows_imported": 3}, "3 rows imported"),
        ({**done, "rows_imported": 1200, "rows_rejected": 412}, "1,200 rows imported, 412 were not"),
        ({**done, "rows_rejected": 1}, "Nothing imported 1 row was rejected"),
        ({**done, "rows_rejected": 2, "options": {"dry_run": True}}, "Nothing would be imported 2 rows rejected in"),
        (
            {**done, "rows_imported": 3, "rows_rejected": 2, "options": {"dry_run": True}},
            "3 rows would be imported, 2 rejected A dry run: nothing was changed.",
        ),
        ({**done, "state": "failed", "error": "The disk is full."}, "The disk is full."),
        ({**done, "state": "cancelled"}, "None of its rows were imported."),
    ):
        job = running_job(people, **values)
        html = read(as_owner.get(f"/imports/{job.pk}/"))
        assert words in html
        assert "hx-ws:connect" not in html.source
        assert "Cancel import" not in html.source
        bars = html.values("div", "aria-valuenow", role="progressbar")
        assert ("100" in bars) == (values["state"] == "completed")


def test_rejected_rows_are_paged(as_owner: Client, people: Table) -> None:
    job = running_job(people, state="completed", rows_rejected=60, finished_at=timezone.now())
    RejectedRow.objects.bulk_create(
        RejectedRow(
            job=job, line=n + 2, raw=f"<i>row {n}</i>",
            errors=[{"column": "born", "code": "invalid_type", "message": "is no date"}],
        )
        for n in range(60)
    )  # fmt: skip
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    assert "<i>row 0</i>" in html
    assert "1–50 of 60 rejected rows" in html
    part = read(as_owner.get(f"/imports/{job.pk}/?page=2", headers=PARTIAL))
    assert (part.outermost.tag, part.outermost["id"]) == ("section", "rejected")
    assert "row 59" in part
    assert "row 0" not in part


def test_an_import_is_cancelled(as_owner: Client, people: Table) -> None:
    as_owner.post(IMPORT, {"do": "start", "file": upload()})
    job = the_job()
    assert as_owner.post(f"/imports/{job.pk}/cancel/").headers["Location"] == f"/imports/{job.pk}/"
    assert the_job().state == "cancelled"
    assert as_owner.post(f"/imports/{job.pk}/cancel/").status_code == 409


def test_the_history_shows_what_came_in_and_what_did_not(as_owner: Client, people: Table) -> None:
    assert "No imports yet" in read(as_owner.get("/imports/"))
    running_job(people, state="completed", rows_imported=1200, rows_rejected=3, finished_at=timezone.now())
    html = read(as_owner.get("/imports/"))
    assert "completed, some rejected" in html
    assert "1,200" in html


def test_nothing_imported_is_red_wherever_it_is_listed(as_owner: Client, people: Table) -> None:
    job = running_job(people, state="completed", rows_skipped=1, rows_rejected=3, finished_at=timezone.now())
    for page in ("/imports/", "/"):
        assert read(as_owner.get(page)).words_of("span", class_="state state-failed") == ["nothing imported"]
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    assert html.element("div", class_="import-outcome failed")
    assert html.element("div", class_="bar bar-failed")
    job.refresh_from_db()
    assert import_mail.subject(job) == "Import into people: nothing imported, 3 rows rejected"
    assert "Nothing was imported" in import_mail.body(job)
    ImportJob.objects.update(options={"dry_run": True})
    job.refresh_from_db()
    assert read(as_owner.get("/imports/")).words_of("span", class_="state ") == ["dry run"]
    assert "nothing imported" not in import_mail.subject(job)


def test_what_matters_comes_before_the_figures(as_owner: Client, people: Table) -> None:
    job = running_job(
        people, state="completed", rows_imported=2, rows_rejected=1, finished_at=timezone.now(),
        errors=[{"column": "born", "code": "invalid_type", "count": 1, "example_line": 2, "message": "is no date"}],
        findings={"warnings": [{"code": "x", "message": "born is a date; 1 of 3 cells is not"}]},
    )  # fmt: skip
    html = read(as_owner.get(f"/imports/{job.pk}/"))
    places = [html.words.index(words) for words in ("2 rows imported", "born is a date", "is no date", "Rows read")]
    assert places == sorted(places)


def test_a_key_to_update_by_is_offered_where_there_is_one(as_owner: Client, people: Table) -> None:
    assert "Add and update" in read(as_owner.get(IMPORT))
    form = {"do": "start", "file": upload(), "mode": "update", "key": "email"}
    as_owner.post(IMPORT, form)
    assert the_job().options == {"on_conflict": "update", "key": ["email"]}


def test_choices_of_a_mode_reach_the_preview_and_the_import(as_owner: Client, people: Table) -> None:
    chosen = {
        "mode": "mirror", "key": ["name", "email"], "missing": "set", "mark_column": "name", "mark_value": "gone",
        "scope_column": "name", "scope_value": "Ann", "max_delete_percent": "25", "allow_rejected": "on",
    }  # fmt: skip
    answer = as_owner.post(IMPORT, {"do": "preview", "file": upload(), **chosen})
    page = read(as_owner.get(answer["Location"]))
    assert sorted(page.values("input", "value", name="key", checked="")) == ["email", "name"]
    draft = page.value("draft")
    as_owner.post(IMPORT, {"do": "start", "draft": draft, **chosen})
    assert the_job().options == {
        "key": ["name", "email"],
        "on_conflict": "update",
        "on_missing": {"set": {"name": "gone"}},
        "scope": {"name__exact": "Ann"},
        "max_delete_share": 0.25,
        "allow_rejected": True,
    }


@pytest.mark.parametrize(
    ("chosen", "told"),
    [
        ({"mode": "update"}, "Choose at least one column."),
        ({"mode": "mirror", "key": "email", "missing": "set"}, "Choose a column."),
        ({"mode": "mirror", "key": "email", "max_delete_percent": "200"}, "less than or equal to 100"),
        ({"mode": "remove"}, "remove is not one of the available choices"),
        ({"mode": "update", "key": "nothing"}, "nothing is not one of the available choices"),
    ],
)
def test_a_mode_without_what_it_needs_is_asked_for_it(
    as_owner: Client, people: Table, chosen: dict[str, str], told: str
) -> None:
    answer = as_owner.post(IMPORT, {"do": "start", "file": upload(), **chosen})
    assert answer.status_code == 422
    assert told in read(answer)
    assert not ImportJob.objects.exists()


def test_what_an_import_did_is_told_in_one_line(as_owner: Client, people: Table) -> None:
    job = running_job(
        people, state="completed", rows_read=10_000, rows_updated=12, rows_unchanged=9_988, rows_removed=3,
        finished_at=timezone.now(),
    )  # fmt: skip
    told = "12 updated, 9,988 unchanged, 3 removed"
    assert told in read(as_owner.get(f"/imports/{job.pk}/"))
    assert told in read(as_owner.get("/imports/"))
    job.options = {"key": "email", "on_missing": "delete"}
    assert "Unchanged: 9,988\n" in import_mail.body(job)
    assert "Removed: 3\n" in import_mail.body(job)


def test_mails_link_to_existing_pages() -> None:
    assert reverse("console:import", args=[7]) == import_mail.IMPORT_PAGE.format(7)
    assert reverse("console:import-rejected", args=[7]) == import_mail.REJECTED_FILE.format(7)
