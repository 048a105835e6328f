"""A change that touches values is shown in the column's row before it is made, and can be undone afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import AuditEvent, Column, Table
from dataengine.services.records import insert_record, update_record
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import Page, fields_of, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@pytest.fixture
def sales(owner: User) -> Table:
    """Amounts and days as texts, one of each not what the others are."""
    table = make_table(owner, "sales", {"amount": "TEXT", "day": "TEXT"})
    for amount, day in (("1.234,56", "31.12.2024"), ("7,50", "01.02.2023"), ("many", "soon"), ("7,50", None)):
        insert_record(user=owner, table=table, data={"amount": amount, "day": day})
    return table


def column(name: str) -> Column:
    return Column.objects.get(table__name="sales", name=name)


class Row:
    """A column's row on the designer's page, as a browser has it."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.url = f"/tables/sales/design/{column(name).pk}/"
        self.page = read(client.get(self.url, headers=PARTIAL))

    def send(self, do: str = "save", **values: str | None) -> int:
        form = {**fields_of(self.page), "do": do, **values}
        sent = {name: value for name, value in form.items() if value is not None}
        answer = self.client.post(self.url, sent, headers=PARTIAL)
        self.page = read(answer)
        return answer.status_code

    @property
    def figures(self) -> str:
        return self.page.element("ul", class_="rehearsal-figures").words

    @property
    def options(self) -> list[str]:
        return self.page.values("input", "value", type="radio", name="on_failure")


def values(client: Client, name: str) -> list[str]:
    """What the grid shows; nothing for null."""
    shown = [record[name] for record in read(client.get("/tables/sales/")).records()]
    return ["" if value == "null" else value for value in shown]


def undo(client: Client, page: Page, word: str = "Undo") -> str:
    [form] = [form for form in page.elements("form") if "/undo/" in form.attributes.get("action", "")]
    answer = client.post(form["action"], {"word": word, "next": "/tables/sales/design/"})
    return str(answer.headers.get("Location", answer.status_code))


def test_what_does_not_fit_needs_a_choice(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(type="NUMERIC") == 422
    assert row.figures == "3 converted 1 that do not fit"
    assert "many" in row.page.words_of("code")
    assert row.options == ["null", "keep"]
    assert column("amount").type == "text"
    assert row.send("apply") == 422
    assert "Choose what becomes of the values that do not fit" in row.page
    assert row.send("apply", on_failure="null") == 200
    assert "The column “amount” is changed: 3 values converted, 1 that did not fit was cleared." in row.page
    assert column("amount").type == "numeric"
    assert values(as_owner, "amount") == ["1234.56", "7.50", "", "7.50"]
    assert undo(as_owner, row.page) == "/tables/sales/design/"
    page = read(as_owner.get("/tables/sales/design/"))
    assert "The column “amount” is as it was." in page
    assert column("amount").type == "text"
    assert values(as_owner, "amount") == ["1.234,56", "7,50", "many", "7,50"]
    assert undo(as_owner, page, "Redo") == "/tables/sales/design/"
    assert column("amount").type == "numeric"


def test_what_does_not_fit_is_kept_beside(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "day")
    assert row.send(type="DATE", label="Day") == 422
    assert row.send("apply", on_failure="keep") == 204  # the page is loaded again, for it has another column
    assert values(as_owner, "Day") == ["2024-12-31", "2023-02-01", "", ""]
    assert values(as_owner, "Day (before)") == ["", "", "soon", ""]


def test_the_default_takes_the_place_of_what_does_not_fit(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(type="NUMERIC", default="0", required="on") == 422
    assert row.options == ["default", "keep"]
    assert row.send("apply", on_failure="default") == 200
    assert values(as_owner, "amount") == ["1234.56", "7.50", "0", "7.50"]


def test_what_cannot_be_done_promises_no_undoing(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(type="NUMERIC", required="on") == 422
    assert row.options == []
    assert "The column allows nothing in their place." in row.page
    assert "It can be undone." not in row.page
    assert row.send(type="NUMERIC", default="0", required="on") == 422
    assert "default" in row.options
    assert "It can be undone." in row.page


def test_values_that_all_fit_are_shown_as_well(as_owner: Client, sales: Table) -> None:
    update = Row(as_owner, "day")
    update_record(user=sales.owner, table=sales, pk=3, data={"day": "03.03.2020"})
    assert update.send(type="DATE") == 422
    assert update.figures == "3 converted 1 as before"
    assert update.options == []
    assert update.send("apply") == 200
    assert values(as_owner, "day") == ["2024-12-31", "2023-02-01", "2020-03-03", ""]


def test_what_leaves_values_alone_is_done_at_once(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(required="on", max_length="8", label="Amount") == 200
    assert (column("amount").required, column("amount").constraints) == (True, {"maxLength": 8})
    assert undo(as_owner, row.page) == "/tables/sales/design/"
    assert (column("amount").required, column("amount").label) == (False, "")


def test_duplicates_and_broken_rules_are_named(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(unique="on", case="exact") == 422
    assert "as record 2" in row.page
    assert row.send(unique=None, max_length="4", case="exact") == 422
    assert "1 that do not fit" in row.figures
    assert "1.234,56" in row.page.words_of("code")


def test_another_change_is_rehearsed_anew(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(type="NUMERIC") == 422
    assert row.send("apply", type="BOOLEAN", on_failure="null") == 422
    assert row.figures == "4 that do not fit"
    assert column("amount").type == "text"


def test_records_that_change_meanwhile_are_shown_first(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send(type="NUMERIC") == 422
    update_record(user=sales.owner, table=sales, pk=2, data={"amount": "few"})
    assert row.send("apply", on_failure="null") == 422
    assert "The records have changed since." in row.page
    assert row.figures == "2 converted 2 that do not fit"
    assert row.send("apply") == 200
    assert values(as_owner, "amount") == ["1234.56", "", "", "7.50"]


def test_a_forged_or_foreign_plan_is_no_plan(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    assert row.send("apply", type="NUMERIC", plan="forged", on_failure="null") == 422
    assert column("amount").type == "text"
    other = Row(as_owner, "day")
    assert other.send(type="DATE") == 422
    stolen = other.page.value("plan")
    assert row.send("apply", type="NUMERIC", plan=stolen, on_failure="null") == 422
    assert column("amount").type == "text"


@pytest.mark.parametrize(
    ("sent", "field", "complaint"),
    [
        ({"type": "CHOICE"}, "choices", "Give at least one choice."),
        ({"type": "REFERENCES", "references": "nowhere"}, "references", "no table “nowhere”"),
        ({"type": "NUMERIC", "default": "x"}, "default", "not a value of this type"),
        ({"type": "JSON", "unique": "on"}, "unique", "cannot be unique"),
        ({"pattern": "("}, "pattern", "does not understand this pattern"),
        ({"name": "day"}, "name", "already has a column with that name"),
    ],
)
def test_what_makes_no_sense_stands_at_its_input(
    sent: dict[str, str], field: str, complaint: str, as_owner: Client, sales: Table
) -> None:
    key = column("amount").pk
    row = Row(as_owner, "amount")
    assert row.send("save", **sent) == 422
    assert complaint in row.page.element("ul", class_="errorlist", id=f"id_{key}_{field}_error").words
    form = {**fields_of(row.page), **sent, "do": "check"}
    errors = as_owner.post(row.url, form, headers=PARTIAL).json()["errors"]
    assert complaint in errors[f"id_{key}_{field}"][0]


def test_undoing_asks_where_values_were_changed_since(as_owner: Client, sales: Table) -> None:
    row = Row(as_owner, "amount")
    row.send(type="NUMERIC")
    row.send("apply", on_failure="null")
    update_record(user=sales.owner, table=sales, pk=2, data={"amount": "8"})
    event = AuditEvent.objects.filter(action="column.changed").latest("pk")
    url = f"/tables/sales/undo/{event.pk}/"
    form = {"word": "Undo", "next": "/tables/sales/design/"}
    question = as_owner.post(url, form).headers["Location"]
    assert as_owner.post(url, form, headers=PARTIAL).headers["HX-Redirect"] == question
    page = read(as_owner.get(question))
    assert "1 record has another value" in page
    assert "record 2" in page.words_of("a")
    assert as_owner.get(f"{url}?count=x&id=y&next=https://example.com/").status_code == 200
    assert as_owner.get("/tables/sales/undo/999999/").status_code == 404
    assert as_owner.post(url, fields_of(page)).headers["Location"] == "/tables/sales/design/"
    assert values(as_owner, "amount") == ["1.234,56", "8", "many", "7,50"]


def test_only_who_may_design_undoes_it(
    as_colleague: Client, as_stranger: Client, as_owner: Client, sales: Table
) -> None:
    Row(as_owner, "amount").send(label="Amount")
    event = AuditEvent.objects.filter(action="column.changed").latest("pk")
    url = f"/tables/sales/undo/{event.pk}/"
    assert as_stranger.post(url).status_code == 404
    assert as_colleague.post(url).status_code == 404
    assert column("amount").label == "Amount"


def test_without_scripts_the_page_shows_it(as_owner: Client, sales: Table) -> None:
    url = f"/tables/sales/design/{column('amount').pk}/"
    form = {**fields_of(read(as_owner.get(url, headers=PARTIAL))), "type": "NUMERIC", "do": "save"}
    answer = as_owner.post(url, form)
    page = read(answer)
    assert answer.status_code == 422
    assert page.element("h1").words == "Design of sales"
    plan = page.element("input", name="plan")["value"]
    answer = as_owner.post(url, form | {"do": "apply", "plan": plan, "on_failure": "null"})
    assert answer.headers["Location"] == f"/tables/sales/design/#column-{column('amount').pk}"
    assert column("amount").type == "numeric"
