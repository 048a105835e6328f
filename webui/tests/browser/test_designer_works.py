"""The designer with scripts: rows are dragged and moved by keys, checked while they are typed, open where they are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

from dataengine.models import Table
from dataengine.services.records import insert_record
from webui.tests.browser.test_every_page_is_accessible import problems_now
from webui.tests.conftest import make_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def names_in(page: Page) -> list[str]:
    return [field.input_value() for field in page.get_by_label("Column name").all()]


def order_of(table: Table) -> list[str]:
    return list(table.columns.values_list("name", flat=True))


@pytest.fixture
def three_rows(owners_page: Page) -> Page:
    """The form of a new table with three columns."""
    owners_page.goto("/tables/new/")
    owners_page.get_by_text("Start from something you have").click()
    owners_page.get_by_label("Text to start from").fill("first,second,third")
    owners_page.get_by_role("button", name="Fill in the columns").click()
    expect(owners_page.get_by_label("Column name")).to_have_count(3)
    return owners_page


def test_every_field_and_button_has_one_name(owners_page: Page, people: Table) -> None:
    """A row has one field of each name, also among those that are hidden, whatever else is on the page."""
    page = owners_page
    page.goto("/tables/new/")
    for label in ("Table name", "Column name", "Type", "Unique", "Required"):
        expect(page.get_by_label(label)).to_have_count(1)
        expect(page.get_by_label(label)).to_be_visible()
    for name in ("Add column", "Create table"):
        expect(page.get_by_role("button", name=name)).to_have_count(1)
    page.goto("/tables/people/design/")
    for label in ("Table name", "Column name", "Type", "Unique", "Required"):
        expect(page.get_by_label(label)).to_have_count(1)
        expect(page.get_by_label(label)).to_be_visible()
    for name in ("Add column", "Save", "Delete table"):
        expect(page.get_by_role("button", name=name)).to_have_count(1)


def test_rows_are_moved_by_alt_and_arrows_and_the_focus_goes_along(three_rows: Page) -> None:
    page = three_rows
    page.get_by_label("Column name").nth(2).focus()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_label("Column name").nth(1)).to_have_value("third")
    expect(page.get_by_label("Column name").nth(1)).to_be_focused()
    expect(page.locator("#moved-said")).to_have_text("third: 2 of 3")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_label("Column name").first).to_be_focused()
    assert names_in(page) == ["third", "first", "second"]
    page.keyboard.press("Alt+ArrowUp")
    assert names_in(page) == ["third", "first", "second"]


def test_rows_are_dragged(three_rows: Page) -> None:
    page = three_rows
    grip = page.locator(".column-row .row-grip")
    grip.nth(2).drag_to(page.locator(".column-row").nth(0), target_position={"x": 20, "y": 4})
    expect(page.locator("#moved-said")).to_have_text("third: 1 of 3")
    assert names_in(page) == ["third", "first", "second"]


def test_only_what_applies_to_the_type_is_asked_for(three_rows: Page) -> None:
    page = three_rows
    row = page.locator(".column-row").first
    row.get_by_text("Label, description, default, rules").click()

    def asked() -> set[str]:
        fields = row.locator(".field").filter(visible=True).all()
        return {field.locator("label").first.inner_text().strip() for field in fields}

    always = {"Column name", "Type", "Label", "Description", "Default", "Index"}
    assert asked() == always | {"Shortest", "Longest", "Pattern"}
    for value, extra in (
        ("VARCHAR", {"Length", "Shortest", "Longest", "Pattern"}),
        ("NUMERIC", {"Digits, decimals", "At least", "At most", "Shown as"}),
        ("CHOICE", {"Choices"}),
        ("REFERENCES", {"Refers to"}),
        ("DATE", {"At least", "At most"}),
        ("JSON", {"JSON Schema"}),
    ):
        row.get_by_label("Type").select_option(value)
        assert asked() == (always - {"Index"} if value == "JSON" else always) | extra, value
    row.get_by_label("Type").select_option("NUMERIC")
    expect(row.get_by_label("Digits, decimals")).to_have_attribute("placeholder", "12, 2")


def test_one_of_very_many_rows_gets_what_its_new_type_takes(three_rows: Page) -> None:
    page = three_rows
    page.get_by_text("Start from something you have").click()
    columns = ", ".join(f"c{number} integer" for number in range(45))
    page.get_by_label("Text to start from").fill(f"CREATE TABLE wide ({columns})")
    page.locator("button[value=paste]").click()
    row = page.locator(".column-row").nth(44)
    expect(row).to_be_visible()
    kind = row.get_by_label("Type")
    expect(row.get_by_label("Digits, decimals")).to_have_count(0)
    kind.focus()
    kind.select_option("NUMERIC")
    expect(row.get_by_label("Digits, decimals")).to_have_attribute("placeholder", "12, 2")
    expect(kind).to_be_focused()
    kind.select_option("CHOICE")
    expect(row.get_by_role("list", name="Choices")).to_be_visible()
    expect(row.get_by_label("Digits, decimals")).to_have_count(0)


def test_a_reference_tells_by_what_its_records_are_shown(people: Table, three_rows: Page) -> None:
    page = three_rows
    page.get_by_label("Type").first.select_option("REFERENCES")
    refers = page.get_by_label("Refers to").first
    expect(refers).to_have_accessible_description(re.compile("by which column its records are named"))
    refers.fill("people")
    expect(refers).to_have_accessible_description("People we know: its records are named by name")


def test_leaving_a_field_moves_no_button_away_from_under_the_pointer(people: Table, owners_page: Page) -> None:
    page = owners_page
    page.goto("/tables/new/")
    page.get_by_label("Table name").fill("visits")
    page.get_by_label("Column name").fill("who")
    page.get_by_label("Type").select_option("REFERENCES")
    page.get_by_label("Refers to").fill("people")
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("heading", level=1, name="visits")).to_be_visible()
    page.goto("/tables/new/")
    name = page.get_by_label("Table name")
    name.fill("people")
    box = page.get_by_role("button", name="Add column").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    with page.expect_response(lambda answer: answer.request.method == "POST") as checked:
        pass
    assert "This name is taken." in checked.value.text()
    expect(page.locator("#id_table_name_error")).to_have_count(0)
    page.mouse.up()
    expect(page.get_by_label("Column name")).to_have_count(2)


def test_errors_show_while_it_is_typed_at_the_field_and_go_again(three_rows: Page, people: Table) -> None:
    page = three_rows
    table = page.get_by_label("Table name")
    table.fill("people")
    table.press("Tab")
    expect(page.locator("#id_table_name_error")).to_have_text("This name is taken.")
    expect(table).to_have_attribute("aria-invalid", "true")
    expect(table).to_have_accessible_description(re.compile("This name is taken."))
    table.fill("persons")
    table.press("Tab")
    expect(page.locator("#id_table_name_error")).to_have_count(0)
    expect(table).not_to_have_attribute("aria-invalid", "true")
    second = page.get_by_label("Column name").nth(1)
    second.fill("First")
    second.press("Tab")
    expect(page.locator("#id_columns-1-name_error")).to_contain_text("differ only in upper and lower case")
    assert not Table.objects.filter(name="persons").exists()


def choices(page: Page) -> Locator:
    return page.locator(".choice-list").first.get_by_role("textbox")


def test_choices_are_typed_moved_and_removed(three_rows: Page) -> None:
    page = three_rows
    page.get_by_label("Table name").fill("made")
    page.get_by_label("Type").first.select_option("CHOICE")
    choices(page).first.click()
    for text in ("red", "green", "blue"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    page.keyboard.type("grey")
    page.keyboard.press("Alt+ArrowUp")
    page.keyboard.press("Alt+ArrowUp")
    assert [field.input_value() for field in choices(page).all()] == ["red", "grey", "green", "blue", ""]
    page.locator(".choice-list").first.get_by_role("button", name="Remove green").click()
    grips = page.locator(".choice-list").first.locator(".choice-grip")
    grips.nth(2).drag_to(page.locator(".choice-list li").first, target_position={"x": 10, "y": 2})
    page.get_by_role("button", name="Create table").click()
    expect(page.get_by_role("heading", level=1, name="made")).to_be_visible()
    assert Table.objects.get(name="made").columns.get(name="first").parameters == {"choices": ["blue", "red", "grey"]}


def test_a_columns_row_opens_and_closes_where_it_is(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/design/")
    page.get_by_role("link", name="Change email").click()
    row = page.locator(".column-edit")
    expect(row.get_by_label("Column name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(row).to_have_count(0)
    expect(page.get_by_role("link", name="Change email")).to_be_focused()
    page.keyboard.press("Enter")
    row.get_by_label("Label").fill("E-mail")
    page.keyboard.press("Escape")  # which would lose what was typed
    expect(row.get_by_label("Label")).to_have_value("E-mail")
    row.get_by_label("Required").check()
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_role("heading", name="What this would do to 3 records")).to_be_focused()
    row.get_by_label("Required").uncheck()
    row.get_by_label("Label").press("Enter")
    expect(page.get_by_role("link", name="Change E-mail")).to_be_focused()
    assert people.columns.get(name="email").label == "E-mail"


def test_a_change_of_values_is_shown_made_and_undone(owners_page: Page, owner: User) -> None:
    page = owners_page
    table = make_table(owner, "sales", {"amount": "TEXT"})
    for amount in ("1.234,56", "7,50", "many"):
        insert_record(user=owner, table=table, data={"amount": amount})
    page.goto("/tables/sales/design/")
    page.get_by_role("link", name="Change amount").click()
    row = page.locator(".column-edit")
    row.get_by_label("Type").select_option("NUMERIC")
    row.get_by_role("button", name="Save").click()
    expect(row.get_by_role("heading", name="What this would do to 3 records")).to_be_focused()
    expect(row.get_by_role("list")).to_contain_text(["2 converted"])
    assert problems_now(page, "a rehearsal") == []
    row.get_by_role("radio", name="Leave them empty", exact=True).check()
    row.get_by_role("button", name="Save and change the values").click()
    expect(page.get_by_role("link", name="Change amount")).to_be_focused()
    expect(page.locator("tbody[data-movable]")).to_contain_text("NUMERIC")
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The column “amount” is as it was.")).to_be_visible()
    expect(page.locator("tbody[data-movable]")).to_contain_text("TEXT")


def test_names_stand_below_their_head(owners_page: Page, people: Table) -> None:
    """The grip, which shows when a pointer is there, takes no room before the name."""
    page = owners_page
    page.goto("/tables/people/design/")

    def left(text: str, within: str) -> float:
        """Where a text begins, not where the element begins that holds it."""
        start = page.locator(f".column-list {within}", has_text=text).first.evaluate(
            "(element) => { const range = document.createRange(); range.selectNodeContents(element);"
            " return range.getBoundingClientRect().left; }"
        )
        return float(start)

    head = left("Column", "thead th")
    assert abs(left("score", "strong") - head) < 0.5
    page.get_by_role("link", name="Change score").hover()
    expect(page.locator("tbody[data-movable]", has_text="score").locator(".row-grip")).to_be_visible()
    assert abs(left("score", "strong") - head) < 0.5


def test_a_tables_columns_are_put_in_order_for_everybody(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.goto("/tables/people/design/")
    page.get_by_role("link", name="Change score").focus()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Alt+ArrowUp")
    expect(page.get_by_role("link", name="Change score")).to_be_focused()
    expect(page.locator("#moved-said")).to_have_text("score: 3 of 6")
    assert order_of(people) == ["name", "email", "score", "born", "active", "notes"]
    rows = page.locator("tbody[data-movable]")
    rows.nth(5).hover()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        rows.nth(5).locator(".row-grip").drag_to(rows.nth(0), target_position={"x": 30, "y": 4})
    assert order_of(people) == ["notes", "name", "email", "score", "born", "active"]
    page.reload()
    expect(rows.first).to_contain_text("notes")
    expect(page.get_by_role("button", name="Move notes up")).to_be_disabled()


def test_a_definition_is_copied(owners_page: Page, people: Table) -> None:
    page = owners_page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/tables/people/definition/")
    page.get_by_role("button", name="Copy JSON Schema").click()
    expect(page.get_by_text("Copied: JSON Schema.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("textarea#json").input_value()
