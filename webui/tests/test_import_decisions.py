"""The page before an import says what was decided and why, with controls; the page after it has them as buttons."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.exceptions import NotFound
from dataengine.models import ImportJob, Table
from dataengine.services import import_looks, import_runs
from dataengine.tests.importing import records
from webui.imports import drafts, previews
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)

NEW = "/tables/new/import/"
ORDERS = (
    "sku,qty,price,day,seen\n"
    + "".join(f'"00{n}",{n},1.000,01/02/2024,"yes"\n' for n in range(300))
    + '"a",twelve,2.500,03/04/2024,"no"\n'
    + '"b",n/a,3.500,03/04/2024,"no"\n'
    + "Total,,7.000,,\n"
)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs tests may be slower than a person is patient."""
    monkeypatch.setattr(import_looks, "WAIT_SECONDS", 60.0)


def test_a_preview_that_its_import_overtakes_is_gone(owner: User, caplog: pytest.LogCaptureFixture) -> None:
    with drafts.store(owner, SimpleUploadedFile("orders.csv", ORDERS.encode())) as draft:
        default_storage.delete(draft.key)  # as the import does that takes it
        with pytest.raises(NotFound) as raised:
            previews.preview(owner, draft, None, {"create_table": True})
    assert raised.value.error_code == "draft_gone"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def draft_of(client: Client, path: str, text: str) -> str:
    sent = client.post(path, {"do": "preview", "file": SimpleUploadedFile("orders.csv", text.encode())})
    return sent.headers["Location"]


def start(client: Client, path: str, location: str, **chosen: Any) -> ImportJob:
    """Send the page's own form, with what is chosen otherwise."""
    html = read(client.get(location))
    draft = html.value("draft")
    form = {"do": "start", "draft": draft, "table_name": "orders"}
    headers = ORDERS.split("\n")[0].split(",")
    for place, header in enumerate(headers):
        form |= {f"header-{place}": header, f"column-{place}": header}
    assert client.post(path, {**form, **chosen}).status_code == 302
    job = ImportJob.objects.latest("pk")
    done = import_runs.run(job.pk)
    assert done is not None
    return done


def test_a_key_is_offered_and_taken_under_the_name_that_the_column_gets(as_owner: Client) -> None:
    text = "".join(line for line in ORDERS.splitlines(keepends=True) if not line.startswith("Total"))
    location = draft_of(as_owner, NEW, text)
    assert "Make sku unique: no two of the 302 rows" in read(as_owner.get(location)).words
    job = start(as_owner, NEW, location, **{"column-0": "article", "unique-0": "yes"})
    assert job.table is not None
    assert [column.name for column in job.table.columns.filter(unique=True)] == ["article"]


def test_each_decision_is_said_with_its_reason_and_controls(as_owner: Client) -> None:
    html = read(as_owner.get(draft_of(as_owner, NEW, ORDERS)))
    assert "a whole number; 2 of 302 cells are not (line 302: twelve)" in html
    assert "Decided from all 303 rows" in html
    assert html.value("type-1") == ""
    assert html.value("bad-1") == "reject"
    assert html.element("select", name="dates-3").values("option", "value") == ["", "%m/%d/%Y"]
    assert html.element("select", name="decimal-2").values("option", "value") == ["", ","]
    assert "qty: treat n/a as null (1 cell)" in html
    assert "looks like a total: leave out" in html
    # Words in quotes are texts, which only who sees the quotes can know.
    assert "Yes / no" not in html.words_of("p")


def test_controls_and_boxes_are_options_of_the_import(as_owner: Client) -> None:
    location = draft_of(as_owner, NEW, ORDERS)
    chosen = {
        "type-0": "TEXT", "bad-1": "null", "dates-3": "%m/%d/%Y", "decimal-2": ",",
        "null_words": json.dumps(["n/a"]), "skip_last": "1",
    }  # fmt: skip
    job = start(as_owner, NEW, location, **chosen)
    assert (job.state, job.rows_read, job.rows_rejected) == ("completed", 302, 0), job.errors
    assert {name: job.options[name] for name in ("types", "on_bad_cell", "date_formats", "decimal")} == {
        "types": {"sku": "TEXT"},
        "on_bad_cell": {"qty": "null"},
        "date_formats": {"day": ["%m/%d/%Y"]},
        "decimal": {"price": ","},
    }
    assert records("orders", "sku", "qty", "price", "day", "seen")[-1] == ("b", None, "3500", "2024-03-04", "no")


def test_what_is_chosen_stays_chosen_when_looking_again(as_owner: Client) -> None:
    location = draft_of(as_owner, NEW, ORDERS)
    draft = read(as_owner.get(location)).value("draft")
    form = {
        "do": "preview", "draft": draft, "header-1": "qty", "column-1": "qty", "type-1": "TEXT",
        "null_words": json.dumps(["n/a"]), "skip_last": "1",
    }  # fmt: skip
    html = read(as_owner.post(NEW, form))
    assert html.value("type-1") == "TEXT"
    assert "n/a: null" in html
    assert "the last row left out" in html
    assert "checked" in html.element("input", name="skip_last", value="1").attributes


def test_a_line_of_units_is_taken_as_a_row(as_owner: Client) -> None:
    location = draft_of(as_owner, NEW, "depth,temp\nm,°C\n1.5,20\n2.5,21\n")
    page = read(as_owner.get(location))
    assert "has units (depth: m, temp: °C): take it as a row" in page
    again = read(as_owner.post(NEW, {"do": "preview", "draft": page.value("draft"), "has_units": "no"}))
    assert "checked" in again.element("input", name="has_units", value="no").attributes
    form = {"do": "start", "draft": page.value("draft"), "table_name": "depths", "has_units": "no"}
    assert as_owner.post(NEW, form).status_code == 302
    done = import_runs.run(ImportJob.objects.latest("pk").pk)
    assert done is not None
    assert done.rows_read == 3


def test_words_that_are_written_and_ticked_are_said_once(as_owner: Client) -> None:
    draft = read(as_owner.get(draft_of(as_owner, NEW, ORDERS))).value("draft")
    form = {"do": "preview", "draft": draft, "null_values": "n/a, ?", "null_words": json.dumps(["?", "n/a", "-"])}
    html = read(as_owner.post(NEW, form))
    assert html.element("input", name="null_words")["value"] == json.dumps(["n/a", "?", "-"])


def test_into_a_table_it_says_what_does_not_fit(as_owner: Client, people: Table, looks_apart: None) -> None:
    path = f"/tables/{people.name}/import/"
    text = "name,email,born\nDan,dan@example.com,1999-01-01\nEve,nothing,x\n"
    html = read(as_owner.get(draft_of(as_owner, path, text)))
    assert "1 of 2 cells does not fit (line 3: expected an e-mail address" in html
    assert html.element("select", name="bad-1").values("option", "value") == ["reject", "null"]
    assert not html.elements("select", name="type-1")


def test_a_gap_between_the_columns_of_a_file_is_called_so(as_owner: Client, people: Table, looks_apart: None) -> None:
    path = f"/tables/{people.name}/import/"
    html = read(as_owner.get(draft_of(as_owner, path, "name,,email,shoe\nDan,,dan@example.com,9\nEve,,,\n")))
    assert "no name in the file, no values in its first rows" in html
    assert "1 column has neither a name nor a value in the first rows: left out." in html
    assert "Ignored, since no column has this name: shoe" in html


def test_the_page_comes_before_the_answer_where_that_takes_long(
    as_owner: Client, looks_apart: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    location = draft_of(as_owner, NEW, ORDERS)
    monkeypatch.setattr(import_looks, "WAIT_SECONDS", 0.0)
    html = read(as_owner.get(location))
    assert "Looking into the columns…" in html
    assert html.value("column-1") == "qty"
    monkeypatch.setattr(import_looks, "WAIT_SECONDS", 60.0)
    part = as_owner.post(
        NEW,
        {"do": "preview", "draft": html.value("draft")},
        headers={"HX-Request": "true", "HX-Request-Type": "partial"},
    )
    assert "2 of 302 cells are not" in read(part)
    assert "<html" not in part.content.decode()


def test_after_an_import_one_click_does_it_over(as_owner: Client) -> None:
    job = start(as_owner, NEW, draft_of(as_owner, NEW, ORDERS), skip_last="1")
    assert job.rows_rejected == 2
    page = f"/imports/{job.pk}/"
    html = read(as_owner.get(page))
    buttons = {button.words: button["value"] for button in html.elements("button", name="options")}
    others = {"Make the 2 cells of qty null", "Treat n/a in qty as null", "Read price with a decimal comma"}
    assert others <= set(buttons)
    sent = as_owner.post(f"{page}again/", {"options": buttons["Make qty text instead"]})
    assert sent.status_code == 302
    again = ImportJob.objects.latest("pk")
    assert sent.headers["Location"] == f"/imports/{again.pk}/"
    done = import_runs.run(again.pk)
    assert done is not None
    assert (done.rows_rejected, records("orders", "qty")[-2:]) == (0, [("twelve",), ("n/a",)])
    old = read(as_owner.get(page))
    assert "The table was made anew by" in old
    assert "Make qty text instead" not in old
    assert as_owner.post(f"/imports/{again.pk}/again/", {"options": "no"}).status_code == 400


def test_who_does_not_own_the_table_cannot_do_it_over(as_owner: Client, as_stranger: Client) -> None:
    job = start(as_owner, NEW, draft_of(as_owner, NEW, ORDERS))
    assert as_stranger.post(f"/imports/{job.pk}/again/", {"options": "{}"}).status_code == 404


@pytest.mark.parametrize("do", ["preview", "start"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type-1", "NONSENSE("),
        ("bad-1", "explode"),
        ("dates-3", "%Q"),
        ("decimal-2", ";"),
        ("skip_last", "5000"),
        ("skip_last", "many"),
        ("skip_last", "9" * 5_000),
        ("null_words", "no json"),
        ("null_words", '[1, {"a": 2}]'),
        ("null_words", "7"),
        ("column-1", "not a name!"),
    ],
)
def test_nonsense_in_controls_is_said_and_never_an_error_of_ours(
    as_owner: Client, field: str, value: str, do: str
) -> None:
    draft = read(as_owner.get(draft_of(as_owner, NEW, ORDERS))).value("draft")
    form = {"draft": draft, "table_name": "orders"}
    for place, header in enumerate(ORDERS.split("\n")[0].split(",")):
        form |= {f"header-{place}": header, f"column-{place}": header}
    answer = as_owner.post(NEW, {**form, field: value, "do": do})
    assert answer.status_code in {200, 302, 422}
    if answer.status_code == 302:
        assert ImportJob.objects.latest("pk").table_name == "orders"
    else:
        assert "orders.csv" in read(answer)


def test_the_form_s_decimal_mark_is_that_of_the_columns_without_one_of_their_own(as_owner: Client) -> None:
    text = "a,b,c\n" + "1.000,2.000,x\n" * 3
    location = draft_of(as_owner, NEW, text)
    form = {"do": "start", "draft": read(as_owner.get(location)).value("draft"), "table_name": "orders"}
    for place, header in enumerate("abc"):
        form |= {f"header-{place}": header, f"column-{place}": header}
    assert as_owner.post(NEW, {**form, "decimal": ",", "decimal-1": "."}).status_code == 302
    job = import_runs.run(ImportJob.objects.latest("pk").pk)
    assert job is not None
    assert job.options["decimal"] == {"a": ",", "b": ".", "c": ","}
    assert records("orders", "a", "b", "c")[0] == ("1000", "2.000", "x")


def test_buttons_to_do_it_over_are_for_those_who_may(
    as_owner: Client, as_colleague: Client, colleague: User, looks_apart: None
) -> None:
    job = start(as_owner, NEW, draft_of(as_owner, NEW, ORDERS))
    assign_perm("edit_table", colleague, Table.objects.get(name="orders"))
    page = f"/imports/{job.pk}/"
    assert "Make qty text instead" in read(as_owner.get(page)).words_of("button")
    assert "Make qty text instead" not in read(as_colleague.get(page)).words_of("button")


def test_a_look_that_failed_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([{}, {"rows": 1}])
    monkeypatch.setattr(import_looks, "_answer", lambda question: next(answers))
    asked = [import_looks.look("uploads/once", "a.csv", {}, None) for _ in range(3)]
    assert asked == [{}, {"rows": 1}, {"rows": 1}]
