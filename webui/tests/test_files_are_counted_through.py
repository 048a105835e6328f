"""The preview counts the whole file through by itself: what it says is what happens, and nothing of it stays."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from pytest_django.fixtures import Settings

from dataengine.models import ImportJob, RejectedRow, Table
from dataengine.records.model import record_model
from dataengine.services import file_rehearsals, import_runs, preview_rehearsals
from dataengine.tests.importing import import_text
from dataengine.tests.waiting import PATIENCE_SECONDS, until
from webui.imports import drafts
from webui.tests.pages import Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def stock(owner: User) -> Table:
    job = import_text(owner, "stock", "sku,n\na,1\nb,2\nc,3\n", create_table=True)
    assert job.table is not None
    job.table.columns.filter(name="sku").update(unique=True)
    return job.table


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.REHEARSAL_BYTES = 1_000_000


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Rehearsals are done by this process, at once; the questions."""
    asked: list[dict[str, Any]] = []

    def at_once(key: str, question: str) -> dict[str, Any]:
        asked.append(json.loads(question))
        return file_rehearsals.rehearse(asked[-1])

    monkeypatch.setattr(preview_rehearsals._rehearsals, "ask", at_once)
    return asked


def counted(client: Client, draft: str, path: str, **form: Any) -> Page:
    answer = client.post(path, {"draft": draft, "do": "rehearse", **form})
    assert answer.status_code == 200
    return read(answer)


def figures(page: Page) -> dict[str, str]:
    return dict(zip(page.words_of("dt"), page.words_of("dd"), strict=True))


def test_into_a_table_by_a_key(as_owner: Client, owner: User, stock: Table) -> None:
    text = b"sku,n\na,1\nb,20\nd,4\ne,many\n"
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", text)).token
    path = "/tables/stock/import/"
    assert read(as_owner.get(path, {"draft": draft})).element("section", id="counting")["hx-post"] == path
    form = {"mode": "mirror", "key": ["sku"], "missing": "delete", "max_delete_percent": "50", "allow_rejected": "on"}
    jobs = ImportJob.objects.count()
    page = counted(as_owner, draft, path, **form)
    told = {"New": "1", "Changed": "1", "Unchanged": "1", "Removed": "1", "Rejected": "1"}
    assert figures(page) == told
    assert "Line 5 e,many" in page
    rows = page.element("table", aria_label="Records before and after").words_of("tr")
    assert any(row.endswith("n 2 20") for row in rows)
    assert ImportJob.objects.count() == jobs
    assert not RejectedRow.objects.exists()
    started = as_owner.post(path, {"draft": draft, "do": "start", "seen": page.value("seen"), **form})
    job = import_runs.run(int(started["Location"].strip("/").split("/")[-1]))
    assert job is not None
    done = [job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_removed, job.rows_rejected]
    assert done == [1, 1, 1, 1, 1]


def test_counts_of_a_changed_table_are_told_anew(as_owner: Client, owner: User, stock: Table) -> None:
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", b"sku,n\na,1\nd,4\n")).token
    path = "/tables/stock/import/"
    page = counted(as_owner, draft, path, mode="add")
    assert figures(page)["Rejected"] == "1"
    import_text(owner, "stock", "sku,n\nd,4\n")
    refused = as_owner.post(path, {"draft": draft, "do": "start", "mode": "add", "seen": page.value("seen")})
    assert refused.status_code == 422
    assert "The table has changed since the rows were counted" in read(refused)
    assert record_model(stock).objects.count() == 4
    again = counted(as_owner, draft, path, mode="add")
    assert figures(again)["Rejected"] == "2"
    started = as_owner.post(path, {"draft": draft, "do": "start", "mode": "add", "seen": again.value("seen")})
    assert started.status_code == 302


def test_what_is_wrong_alike_in_several_columns_is_said_once(as_owner: Client, owner: User) -> None:
    import_text(owner, "twins", "a,b,c\n1,2,3\n", create_table=True)
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", b"a,b,c\n4,5,6\nx,x,7\nx,8,y\n")).token
    page = counted(as_owner, draft, "/tables/twins/import/")
    assert page.words_of("h3", class_="counted-cause") == [
        "a b expected a whole number, found “x” 3 ×", "c expected a whole number, found “y” 1 ×",
    ]  # fmt: skip
    assert page.words_of("ul", class_="counted-rows") == ["Line 3 x,x,7 Line 4 x,8,y", "Line 4 x,8,y"]


def test_a_new_table_and_what_cannot_be(as_owner: Client, owner: User) -> None:
    draft = drafts.store(owner, SimpleUploadedFile("new.csv", b"name,n\nx,1\ny,2\nz,3,9\n")).token
    path = "/tables/new/import/"
    assert figures(counted(as_owner, draft, path)) == {"New": "2", "Rejected": "1"}
    assert not Table.objects.exists()
    import_text(owner, "taken", "a\n1\n", create_table=True)
    assert "taken" in counted(as_owner, draft, path, table_name="taken").element("p", role="status")


def test_imports_come_first_and_large_files_wait_to_be_asked(
    as_owner: Client, owner: User, stock: Table, here: list[dict[str, Any]], settings: Settings
) -> None:
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", b"sku,n\nd,4\n")).token
    job = import_text(owner, "stock", "sku,n\nx,9\n")
    ImportJob.objects.filter(pk=job.pk).update(state=ImportJob.State.QUEUED)
    assert "Imports come first" in counted(as_owner, draft, "/tables/stock/import/", mode="add")
    assert not here
    assert file_rehearsals.stands_in_the_way(0)
    settings.REHEARSAL_BYTES = 5
    page = read(as_owner.get("/tables/stock/import/", {"draft": draft}))
    assert "are not counted through by themselves" in page
    assert "hx-post" not in page.element("section", id="counting").attributes


def test_a_rehearsal_makes_way_and_ends_when_nobody_listens(
    owner: User, stock: Table, process_environment: dict[str, str]
) -> None:
    text = "sku,n\n" + "".join(f"s{n},{n}\n" for n in range(400_000))
    draft = drafts.store(owner, SimpleUploadedFile("a.csv", text.encode()))
    asked = {
        "user": owner.pk, "table": stock.pk, "table_name": "stock", "key": draft.key, "filename": "a.csv",
        "size": draft.size, "options": {}, "seconds": 60.0,
    }  # fmt: skip
    job = import_text(owner, "stock", "sku,n\nx,9\n")
    queued, over = ImportJob.State.QUEUED, ImportJob.State.COMPLETED
    for state, cause, ending in (
        (queued, "import", "gave_way"), (over, "closed", "unwanted"), (over, "lock", "gave_way"),
    ):  # fmt: skip
        ImportJob.objects.filter(pk=job.pk).update(state=state)
        command = [sys.executable, "-m", "django", "rehearse_file"]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=process_environment, cwd=settings.BASE_DIR
        ) as process:
            assert process.stdin
            assert process.stdout
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            if cause != "import":
                until(_is_loading)
            if cause == "closed":
                process.stdin.close()
            elif cause == "lock":  # somebody waits for the table, and gets it
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("LOCK TABLE userdata.stock IN ACCESS EXCLUSIVE MODE")
            assert json.load(process.stdout) == {"ending": ending}
    until(lambda: not _is_loading())
    assert record_model(stock).objects.count() == 4


def _is_loading() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE relation = %s::regclass AND pid <> pg_backend_pid())",
            ["userdata.stock"],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def test_other_options_end_a_rehearsal_and_one_that_breaks_off_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def answered(trial: preview_rehearsals._Trial) -> dict[str, Any]:
        begun.append(trial.question)
        if trial.question == "breaks off":
            raise ValueError
        trial.is_unwanted.wait(PATIENCE_SECONDS)
        return {"ending": "unwanted"}

    monkeypatch.setattr(preview_rehearsals, "_rehearsed", answered)
    monkeypatch.setattr(preview_rehearsals, "_REST_SECONDS", 0.0)
    rehearsals = preview_rehearsals._Rehearsals()

    def reason(key: str, question: str) -> str:
        with pytest.raises(preview_rehearsals.Pending) as pending:
            rehearsals.ask(key, question)
        return pending.value.reason

    assert reason("a", "long") == "counting"
    assert reason("b", "other") == "another"
    assert reason("a", "breaks off") == "counting"  # and ends the first
    found: list[dict[str, Any]] = []

    def is_answered() -> bool:
        try:
            found.append(rehearsals.ask("a", "breaks off"))
        except preview_rehearsals.Pending:
            return False
        return True

    until(is_answered)
    assert begun == ["long", "breaks off", "breaks off"]
    assert found == [{}]
