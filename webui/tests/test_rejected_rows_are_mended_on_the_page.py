"""An import's page shows its rejected rows as a grid: mended in place, fixed alike, tried again. By plain forms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.imports.converting.number_styles import UNDISPUTED
from dataengine.models import ChangeJob, ImportJob
from dataengine.services import change_runs
from dataengine.tests.importing import import_text, make_table, records
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Element, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)

FILE = "name,qty,born\nAnn,1,2024-01-31\nBob,x,31.12.2023\nCid,y,2024-03-01\nDan,4\nEve,x,2024-03-01\n"


@pytest.fixture
def job(owner: User) -> ImportJob:
    make_table(owner, "t", name="TEXT", qty="INTEGER", born="DATE")
    return import_text(owner, "t", FILE, date_formats=["%Y-%m-%d"])


def page_of(client: Client, job: ImportJob, query: str = "") -> Element:
    return read(client.get(f"/imports/{job.pk}/{query}"))


def cell(page: Element, line: int, title: str) -> Element:
    return page.element("input", aria_label=f"{title}, line {line}")


def test_a_row_is_mended_by_its_form(as_owner: Client, job: ImportJob) -> None:
    page = page_of(as_owner, job)
    assert (cell(page, 3, "qty")["value"], cell(page, 3, "qty")["aria-invalid"]) == ("x", "true")
    assert "aria-invalid" not in cell(page, 3, "name").attributes
    why = page.element("p", id=cell(page, 3, "qty")["aria-describedby"])
    assert "expected a whole number" in why
    assert "Dan,4" in page.element("tr", id="row-5")
    key = cell(page, 3, "qty")["name"]
    form = page.element("form", id="mend-3")
    shown = [one for one in page.elements("input", form="mend-3") if one["name"].startswith("cell-")]
    sent = {one["name"]: one["value"] for one in shown} | {"version": "0"}
    done = as_owner.post(form["action"], sent | {key: "7"}, follow=True)
    assert "The row of line 3 still has errors." in read(done)
    born = cell(page, 3, "born")["name"]
    answer = as_owner.post(form["action"], sent | {key: "7", born: "2023-12-31", "version": "1"}, headers=PARTIAL)
    row = read(answer).element("tr", id="row-3")
    assert "good now" in row
    assert row.element("input", name="version")["value"] == "2"
    assert "1 row is good now" in page_of(as_owner, job)
    assert page_of(as_owner, job, "?column=%00&code=%00").elements("tr", id="row-3") == []  # a cause that none has


def test_two_people_at_once_see_theirs_and_yours(as_owner: Client, job: ImportJob) -> None:
    page = page_of(as_owner, job)
    key, where = cell(page, 3, "qty")["name"], page.element("form", id="mend-3")["action"]
    assert as_owner.post(where, {key: "5", "version": "0"}).status_code == 302
    refused = as_owner.post(where, {key: "6", "version": "0"})
    assert refused.status_code == 409
    clash = read(refused).element("div", role="alert")
    assert "theirs: 5" in clash
    assert "yours: 6" in clash
    mine = clash.element("form")
    sent = {one["name"]: one["value"] for one in mine.elements("input") if one["name"] != "csrfmiddlewaretoken"}
    assert as_owner.post(mine["action"], sent).status_code == 302
    assert cell(page_of(as_owner, job), 3, "qty")["value"] == "6"


def test_what_others_write_into_other_cells_stays(as_owner: Client, job: ImportJob) -> None:
    page = page_of(as_owner, job)
    where, keys = page.element("form", id="mend-3")["action"], [cell(page, 3, name)["name"] for name in ("qty", "born")]
    qty, born = keys
    seen = {qty.replace("cell", "seen"): "x", born.replace("cell", "seen"): "31.12.2023"}
    theirs = {qty: "x", born: "2023-12-31", "version": "0"}
    mine = {qty: "5", born: "31.12.2023", "version": "0"}
    assert as_owner.post(where, theirs | seen).status_code == 302
    assert as_owner.post(where, mine | seen).status_code == 302
    page = page_of(as_owner, job)
    assert [cell(page, 3, name)["value"] for name in ("qty", "born")] == ["5", "2023-12-31"]
    assert "1 row is good now" in page


def test_many_alike_are_fixed_and_tried_again(as_owner: Client, job: ImportJob) -> None:
    page = page_of(as_owner, job)
    causes = page.element("nav", aria_label="Rejected rows by cause")
    [chosen] = [one["href"] for one in causes.elements("a") if "qty" in one]
    page = read(as_owner.get(chosen))
    assert "Apply to all 3 like this" in page
    assert len(page.elements("tr", data_mend=f"/imports/{job.pk}/rejected/3/")) == 1
    assert not page.elements("tr", data_mend=f"/imports/{job.pk}/rejected/5/")
    form = {"column": "qty", "code": "invalid_type"}
    fix = f"/imports/{job.pk}/rejected/fix/"
    done = as_owner.post(fix, form | {"kind": "map", "from": ["x", "y"], "to": ["7", ""]}, follow=True)
    assert "2 cells are changed; 1 row is good now, 1 still have errors." in read(done)
    assert done.redirect_chain[-1][0] == f"{chosen}#rejected"
    assert "Nothing was changed" in read(as_owner.post(fix, form | {"kind": "trim"}, follow=True))
    dates = {"column": "born", "code": "invalid_type", "kind": "date_format"}
    assert "format: " in read(as_owner.post(fix, dates | {"format": "%d"}))
    assert "1 row is good now" in read(as_owner.post(fix, dates | {"format": "%d.%m.%Y"}, follow=True))
    retry = f"/imports/{job.pk}/rejected/retry/"
    chosen_rows = {"which": "chosen"} | form
    assert "No row is chosen" in read(as_owner.post(retry, chosen_rows, follow=True))
    assert page_of(as_owner, job).element("input", type="checkbox", value="4", form="retry")["name"] == "line"
    as_owner.post(retry, chosen_rows | {"line": ["4"]})
    change = ChangeJob.objects.get(action="retry")
    change_runs.run(change.pk)
    assert change.parameters["lines"] == [4]
    assert "Tried again: the row could not be taken in" in page_of(as_owner, job)
    change.delete()
    assert as_owner.post(retry).headers["Location"] == f"/imports/{job.pk}/#rejected"
    page = page_of(as_owner, job)
    assert "Trying the rows again" in page
    assert "hx-get" in page.element("section", id="rejected").attributes
    assert not page.elements("form", action=retry)
    change_runs.run(ChangeJob.objects.get(action="retry").pk)
    ended = as_owner.get(f"/imports/{job.pk}/?retrying=1", headers=PARTIAL)
    assert ended.headers["HX-Redirect"] == f"/imports/{job.pk}/"
    page = page_of(as_owner, job)
    assert "Tried again: 2 rows are in the table now, 2 still rejected." in page
    assert "3 rows imported, 2 were not" in page
    assert len(records("t")) == 3


def test_who_may_not_change_records_only_reads(as_owner: Client, job: ImportJob) -> None:
    job.options = {"dry_run": True}
    job.save()
    page = page_of(as_owner, job)
    assert not page.elements("input", aria_label="qty, line 3")
    assert "Bob,x,31.12.2023" in page


def test_whole_rows_are_fixed_alike(as_owner: Client, job: ImportJob) -> None:
    page = page_of(as_owner, job, "?column=*&code=too_few_fields")
    details = page.element("details", id="alike")
    assert details.words_of("button") == ["Leave the missing cells empty"]
    form = {name: details.value(name) for name in ("kind", "column", "code")}
    told = read(as_owner.post(f"/imports/{job.pk}/rejected/fix/", form, follow=True))
    assert "1 row is changed; 1 row is good now." in told
    assert not page_of(as_owner, job, "?column=*&code=malformed_quotes").elements("details", id="alike")


def test_of_many_columns_the_wrong_ones_are_seen_at_once(as_owner: Client, owner: User) -> None:
    names = [f"c{number}" for number in range(12)]
    make_table(owner, "wide", **dict.fromkeys(names, "NUMERIC(5,2)"))
    good, bad = ["1.5"] * 12, ["1.5"] * 9 + ["x", "1.5", "1.5"]
    text = "\n".join(",".join(row) for row in (names, good, bad, [*good[:11], "y"]))
    wide = import_text(owner, "wide", f"{text}\n")
    page = page_of(as_owner, wide)

    def heads(shown: Element) -> list[str]:
        return [head.text for head in shown.element("table", aria_label="Rejected rows").elements("th", scope="col")]

    assert heads(page)[:5] == ["Line", "c0", "c9", "c11", "c1"]
    assert heads(page_of(as_owner, wide, "?column=c11&code=invalid_type"))[:4] == ["Line", "c0", "c11", "c9"]
    assert "columns with errors come first" in page
    key, where = cell(page, 3, "c9")["name"], page.element("form", id="mend-3")["action"]
    row = read(as_owner.post(where, {key: "7", "version": "0"}, headers=PARTIAL)).element("tr", id="row-3")
    assert cell(row, 3, "c9")["value"] == "7"
    assert cell(row, 3, "c10")["value"] == "1.5"


def test_notes_on_many_columns_do_not_push_the_rows_out_of_sight(as_owner: Client, job: ImportJob) -> None:
    told = [f"c{number}: number, decimal point: 60 cells show it, {UNDISPUTED}" for number in range(12)]
    job.findings = {**job.findings, "notes": [*told[:9], "qty: 48 cells show it, 12 do not fit", *told[9:]]}
    job.save()
    notes = page_of(as_owner, job).element("section", aria_labelledby="notes-title")
    more = notes.element("details")
    assert "12 do not fit" in notes.elements("li")[0]
    assert "12 do not fit" not in more
    assert len(more.elements("li")) == 8
    assert "8 more, all undisputed" in more
    job.findings = {**job.findings, "notes": told[:6]}  # nobody opens something for a single one
    job.save()
    assert not page_of(as_owner, job).element("section", aria_labelledby="notes-title").elements("details")
