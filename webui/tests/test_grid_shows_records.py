from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from dataengine.records.model import record_model
from dataengine.services import bulk_records
from webui.tests.conftest import make_table
from webui.tests.pages import Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

GRID = "/tables/people/"


def grid(client: Client, query: str = "") -> Page:
    response = client.get(f"{GRID}{query}")
    assert response.status_code == 200
    return read(response)


def names(page: Page) -> list[str]:
    return [record["name"] for record in page.records()]


def sorting(page: Page, column: str = "name") -> tuple[str, str]:
    """How the list is sorted by a column, and the link of its head."""
    [head] = [head for head in page.elements("th") if head.words == column]
    return head["aria-sort"], head.elements("a")[0]["href"]


def test_the_table_is_named_and_empty_cells_differ_from_missing_ones(as_owner: Client, people: Table) -> None:
    html = grid(as_owner)
    assert html.element("table", class_="records")["aria-label"] == "people: People we know"
    assert names(html) == ["Ann", "Bob", "Cleo <b>"]
    shown = [
        (cell["class"], cell.words) for cell in (html.cell(1, "score"), html.cell(3, "score"), html.cell(1, "notes"))
    ]
    assert shown == [("cell-number", "12.50"), ("cell-number is-null", "null"), ("cell-text", "")]  # '' is a value
    assert "3 records" in html


def test_long_text_is_clipped_and_kept_in_the_title(as_owner: Client, people: Table) -> None:
    html = grid(as_owner)
    cell = html.cell(3, "notes")
    assert (cell["title"], cell.words) == ("x" * 500, "x" * 160 + "…")


def test_sorting_has_three_states_by_plain_links(as_owner: Client, people: Table) -> None:
    assert sorting(grid(as_owner)) == ("none", "?order_by=name")
    up = grid(as_owner, "?order_by=name")
    assert sorting(up) == ("ascending", "?order_by=-name")
    down = grid(as_owner, "?order_by=-name")
    assert sorting(down) == ("descending", "?")
    assert names(down) == list(reversed(names(up)))
    assert sorting(grid(as_owner, "?order_by=name&order_direction=DESC"))[0] == "descending"


def test_sorting_keeps_filters_and_leaves_the_page(as_owner: Client, people: Table) -> None:
    html = grid(as_owner, "?search=a&limit=2&page=2")
    assert sorting(html)[1] == "?search=a&limit=2&order_by=name"


def test_the_search_looks_in_every_column(as_owner: Client, people: Table) -> None:
    assert names(grid(as_owner, "?search=BOB@")) == ["Bob"]
    html = grid(as_owner, "?search=nowhere")
    assert "No record matches" in html
    assert html.element("input", id="search")["value"] == "nowhere"


def test_filters_show_as_chips_that_lead_to_the_list_without_them(as_owner: Client, people: Table) -> None:
    html = grid(as_owner, "?score__gte=7&born__isnull=true&order_by=name")
    assert names(html) == ["Bob"]
    assert "score is at least 7" in html
    [chip] = [link for link in html.elements("a") if link.attributes.get("aria-label", "").startswith("Remove: born")]
    assert chip["aria-label"].strip() == "Remove: born is null"
    assert chip["href"] == "/tables/people/?score__gte=7&order_by=name"


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("?nothing__gt=1", "There is no column “nothing”."),
        ("?score__gt=many", "Enter a number."),
        ("?score__icontains=1", "its lookups are"),
        ("?order_by=nothing", "There is no column “nothing”."),
        ("?cursor=forged", "does not belong to this list"),
        ("?_connector=OR", "There is no column"),
    ],
)
def test_invalid_parameters_show_an_error_and_no_records(
    query: str, complaint: str, as_owner: Client, people: Table
) -> None:
    response = as_owner.get(f"{GRID}{query}")
    html = read(response)
    assert response.status_code == 400
    assert complaint in html
    assert names(html) == []
    assert len(html.elements("h1")) == 1


def test_pages_go_onward_and_back_by_key(as_owner: Client, people: Table) -> None:
    first = grid(as_owner, "?limit=2&order_by=-id")
    assert (first.value("page"), "of 2" in first) == ("1", True)
    following = first.element("a", rel="next")["href"]
    second = grid(as_owner, following.removeprefix(GRID))
    assert names(second) == ["Ann"]
    back = second.element("a", rel="prev")["href"]
    assert names(grid(as_owner, back.removeprefix(GRID))) == names(first)


@pytest.mark.parametrize(
    ("limit", "shown"), [("0", "50"), ("-3", "50"), ("x", "50"), ("9" * 30, "50"), ("99999", "1000"), ("2", "2")]
)
def test_the_page_size_is_kept_in_bounds(limit: str, shown: str, as_owner: Client, people: Table) -> None:
    sizes = grid(as_owner, f"?limit={limit}").element("select", name="limit")
    assert sizes.words_of("option", selected="") == [shown]


def test_a_page_beyond_the_end_says_so(as_owner: Client, people: Table) -> None:
    for number in (3, 40, 10**8):
        html = grid(as_owner, f"?limit=2&page={number}")
        assert "This page is beyond the end" in html
        assert names(html) == []


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "١", str(10**12 + 1), str(10**30), "9" * 5_000])
def test_an_impossible_page_is_refused(number: str, as_owner: Client, people: Table) -> None:
    answer = as_owner.get(f"{GRID}?page={number}")
    assert answer.status_code == 400
    assert "page: Give a number from 1 to 1,000,000,000,000." in answer.content.decode()


def test_an_empty_table_still_shows_its_columns(as_owner: Client, owner: User) -> None:
    make_table(owner, "empty", {"a": "TEXT"})
    html = read(as_owner.get("/tables/empty/"))
    assert "No records yet" in html
    assert html.element("table", class_="records")["aria-label"] == "empty"
    make_table(owner, "bare", {})
    assert "This table has no columns yet" in read(as_owner.get("/tables/bare/"))


def test_columns_may_have_any_permitted_name(as_owner: Client, owner: User) -> None:
    columns = dict.fromkeys(("page", "search", "objects", "pk", "by", "größe", "first name", "None"), "TEXT")
    make_table(owner, "odd names", columns)
    for name in columns:
        html = read(as_owner.get("/tables/odd names/", {"order_by": f"-{name}", f"{name}__exact": "x"}))
        assert sorting(html, name)[0] == "descending"
        assert f"{name} is x" in html


def test_a_filter_is_made_by_a_form_without_a_script(as_owner: Client, people: Table) -> None:
    asked = {"column": "score", "condition": "gt", "value": "10", "query": "order_by=-name&page=3"}
    response = as_owner.get(f"{GRID}filter/", asked)
    assert response.headers["Location"] == f"{GRID}?order_by=-name&score__gt=10"
    missing = {"column": "born", "condition": "isnull=true", "value": "", "query": ""}
    assert as_owner.get(f"{GRID}filter/", missing).headers["Location"] == f"{GRID}?born__isnull=true"
    empty = as_owner.get(f"{GRID}filter/", {"column": "score", "condition": "gt", "value": ""})
    assert empty.status_code == 422
    assert "Give a value." in read(empty)
    wrong = as_owner.get(f"{GRID}filter/", {"column": "score", "condition": "gt", "value": "ten"})
    assert wrong.status_code == 422
    assert read(wrong).value("value") == "ten"
    assert "Enter a number." in read(wrong)


def test_the_empty_text_can_be_looked_for(as_owner: Client, people: Table) -> None:
    everybody = len(grid(as_owner).records())
    asked = {"column": "notes", "condition": "exact", "value": "", "query": ""}
    address = as_owner.get(f"{GRID}filter/", asked).headers["Location"]
    assert address == f"{GRID}?notes__exact="
    model = record_model(people)
    model.objects.filter(pk=1).update(**{people.columns.get(name="notes").attribute: ""})
    for query in ("notes=", "notes__exact="):
        html = grid(as_owner, f"?{query}")
        assert names(html) == ["Ann"]
        assert "notes is empty text" in html
    assert len(grid(as_owner, "?notes__ne=").records()) == everybody - 1
    assert len(grid(as_owner, "?score=").records()) == everybody


def test_conditions_suit_the_column(as_owner: Client, people: Table) -> None:
    dates = read(as_owner.get(f"{GRID}filter/?column=born"))
    assert "is after" in dates
    assert "contains" not in dates
    assert "is greater than" in read(as_owner.get(f"{GRID}filter/?column=id"))


HOSTILE = (
    "<script>x</script>",
    '" onclick="x',
    "' onfocus='x",
    "&lt;b&gt;",
    "</td><td>",
    "{{ 7 }}{% x %}",
    "\u2028<!--",
)


def test_a_cell_is_text_whatever_it_says(as_owner: Client, owner: User) -> None:
    table = make_table(owner, "hostile", {"a": "TEXT"})
    bulk_records.insert_many(user=owner, table=table, records=[{"a": text} for text in (*HOSTILE, HOSTILE[0] * 20)])
    cells = read(as_owner.get("/tables/hostile/")).elements("td", data_label="a")
    assert [cell.text for cell in cells] == [*HOSTILE, (HOSTILE[0] * 20)[:160] + "…"]
    assert [cell["title"] for cell in cells if "title" in cell.attributes] == [HOSTILE[0] * 20]
    assert not [inner.tag for cell in cells for inner in cell.inside]
    assert {name for cell in cells for name in cell.attributes} <= {"class", "data-label", "data-clipped", "title"}
