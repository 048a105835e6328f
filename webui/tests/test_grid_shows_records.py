from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import Table
from dataengine.services import bulk_records
from webui.tests.conftest import make_table
from webui.tests.pages import all_words, element, elements

if TYPE_CHECKING:
    from django.contrib.auth.models import User

GRID = "/tables/people/"


def grid(client: Client, query: str = "") -> str:
    response = client.get(f"{GRID}{query}")
    assert response.status_code == 200
    return response.content.decode()


def names(html: str) -> list[str]:
    return re.findall(r'aria-label="Record \d+">\d+</a></td><td class="cell-text" data-label="name">([^<]*)<', html)


def sorting(html: str) -> tuple[str, str]:
    """How the list is sorted by name, and where its head leads."""
    [head] = [head for head in elements(html, "th") if head.words == "name"]
    [link] = [link for link in elements(html.partition("<thead>")[2], "a") if link.words == "name"]
    return head.attributes["aria-sort"], link.attributes["href"]


def test_the_table_is_named_and_its_cells_tell_nothing_from_missing(as_owner: Client, people: Table) -> None:
    html = grid(as_owner)
    assert element(html, "table", class_="records").attributes["aria-label"] == "people: People we know"
    assert names(html) == ["Ann", "Bob", "Cleo &lt;b&gt;"]
    assert '<td class="cell-number" data-label="score">12.50</td>' in html
    assert '<td class="cell-number is-null" data-label="score">null</td>' in html
    assert '<td class="cell-text" data-label="notes"></td>' in html  # '' is a value
    assert "3 records" in html


def test_long_text_is_clipped_and_kept_in_the_title(as_owner: Client, people: Table) -> None:
    html = grid(as_owner)
    assert f'title="{"x" * 500}">{"x" * 160}…</td>' in html


def test_sorting_has_three_states_by_plain_links(as_owner: Client, people: Table) -> None:
    assert sorting(grid(as_owner)) == ("none", "?order_by=name")
    up = grid(as_owner, "?order_by=name")
    assert sorting(up) == ("ascending", "?order_by=-name")
    down = grid(as_owner, "?order_by=-name")
    assert sorting(down) == ("descending", "?")
    assert names(down) == list(reversed(names(up)))
    assert 'aria-sort="descending"' in grid(as_owner, "?order_by=name&order_direction=DESC")


def test_sorting_keeps_filters_and_leaves_the_page(as_owner: Client, people: Table) -> None:
    html = grid(as_owner, "?search=a&limit=2&page=2")
    assert "?search=a&amp;limit=2&amp;order_by=name" in html


def test_the_search_looks_in_every_column(as_owner: Client, people: Table) -> None:
    assert names(grid(as_owner, "?search=BOB@")) == ["Bob"]
    html = grid(as_owner, "?search=nowhere")
    assert "No record matches" in html
    assert 'value="nowhere"' in html


def test_filters_show_as_chips_that_lead_to_the_list_without_them(as_owner: Client, people: Table) -> None:
    html = grid(as_owner, "?score__gte=7&born__isnull=true&order_by=name")
    assert names(html) == ["Bob"]
    assert "score is at least <b>7</b>" in html
    assert 'aria-label="Remove: born is missing "' in html
    assert 'href="/tables/people/?score__gte=7&amp;order_by=name"' in html


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
def test_what_makes_no_sense_is_said_and_shows_nothing(
    query: str, complaint: str, as_owner: Client, people: Table
) -> None:
    response = as_owner.get(f"{GRID}{query}")
    html = response.content.decode()
    assert response.status_code == 400
    assert complaint in html
    assert names(html) == []
    assert html.count("<h1") == 1


def test_pages_go_onward_and_back_by_key(as_owner: Client, people: Table) -> None:
    first = grid(as_owner, "?limit=2&order_by=-id")
    assert "Page 1 of 2" in all_words(first)
    following = re.search(r'href="/tables/people/(\?[^"]*)"[^>]*rel="next"', first)
    assert following is not None
    second = grid(as_owner, following[1].replace("&amp;", "&"))
    assert names(second) == ["Ann"]
    back = re.search(r'href="/tables/people/(\?[^"]*)"[^>]*rel="prev"', second)
    assert back is not None
    assert names(grid(as_owner, back[1].replace("&amp;", "&"))) == names(first)


@pytest.mark.parametrize(
    ("limit", "shown"), [("0", "50"), ("-3", "50"), ("x", "50"), ("9" * 30, "50"), ("99999", "1000"), ("2", "2")]
)
def test_the_page_size_is_kept_in_bounds(limit: str, shown: str, as_owner: Client, people: Table) -> None:
    assert f"<option selected>{shown}</option>" in grid(as_owner, f"?limit={limit}")


def test_a_page_beyond_the_end_says_so(as_owner: Client, people: Table) -> None:
    for number in (3, 40, 10**8):
        html = grid(as_owner, f"?limit=2&page={number}")
        assert "This page is beyond the end" in html
        assert names(html) == []


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "١", str(10**12 + 1), str(10**30), "9" * 5_000])
def test_a_page_that_cannot_be_is_refused(number: str, as_owner: Client, people: Table) -> None:
    answer = as_owner.get(f"{GRID}?page={number}")
    assert answer.status_code == 400
    assert "page: Give a number from 1 to 1,000,000,000,000." in answer.content.decode()


def test_an_empty_table_still_shows_its_columns(as_owner: Client, owner: User) -> None:
    make_table(owner, "empty", {"a": "TEXT"})
    html = as_owner.get("/tables/empty/").content.decode()
    assert "No records yet" in html
    assert 'aria-label="empty"' in html
    make_table(owner, "bare", {})
    assert "This table has no columns yet" in as_owner.get("/tables/bare/").content.decode()


def test_columns_may_bear_any_permitted_name(as_owner: Client, owner: User) -> None:
    columns = dict.fromkeys(("page", "search", "objects", "pk", "by", "größe", "first name", "None"), "TEXT")
    make_table(owner, "odd names", columns)
    for name in columns:
        html = as_owner.get("/tables/odd names/", {"order_by": f"-{name}", f"{name}__exact": "x"}).content.decode()
        assert 'aria-sort="descending"' in html
        assert f"{name} is <b>x</b>" in html


def test_a_filter_is_made_by_a_form_without_a_script(as_owner: Client, people: Table) -> None:
    asked = {"column": "score", "condition": "gt", "value": "10", "query": "order_by=-name&page=3"}
    response = as_owner.get(f"{GRID}filter/", asked)
    assert response.headers["Location"] == f"{GRID}?order_by=-name&score__gt=10"
    missing = {"column": "born", "condition": "isnull=true", "value": "", "query": ""}
    assert as_owner.get(f"{GRID}filter/", missing).headers["Location"] == f"{GRID}?born__isnull=true"
    empty = as_owner.get(f"{GRID}filter/", {"column": "score", "condition": "gt", "value": ""})
    assert empty.status_code == 422
    assert "Give a value." in empty.content.decode()
    wrong = as_owner.get(f"{GRID}filter/", {"column": "score", "condition": "gt", "value": "ten"})
    assert wrong.status_code == 422
    assert 'value="ten"' in wrong.content.decode()
    assert "Enter a number." in wrong.content.decode()


def test_conditions_suit_the_column(as_owner: Client, people: Table) -> None:
    dates = as_owner.get(f"{GRID}filter/?column=born").content.decode()
    assert "is after" in dates
    assert "contains" not in dates
    assert "is greater than" in as_owner.get(f"{GRID}filter/?column=id").content.decode()


HOSTILE = (
    "<script>x</script>",
    '" onclick="x',
    "' onfocus='x",
    "&lt;b&gt;",
    "</td><td>",
    "{{ 7 }}{% x %}",
    "\u2028<!--",
)


class Cells(HTMLParser):
    """The texts of all cells, and the names of everything within them."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.titles: list[str] = []
        self.names: set[str] = set()
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "td":
            self.inside = str(given.get("class")).startswith("cell-text")
            self.texts += [""] * self.inside
        if self.inside:
            self.names |= {tag, *given}
            self.titles += [title] if (title := given.get("title")) else []

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "td"


def test_a_cell_is_text_whatever_it_says(as_owner: Client, owner: User) -> None:
    table = make_table(owner, "hostile", {"a": "TEXT"})
    bulk_records.insert_many(user=owner, table=table, records=[{"a": text} for text in (*HOSTILE, HOSTILE[0] * 20)])
    page = Cells()
    page.feed(as_owner.get("/tables/hostile/").content.decode())
    assert page.texts == [*HOSTILE, (HOSTILE[0] * 20)[:160] + "…"]
    assert page.titles == [HOSTILE[0] * 20]
    assert page.names <= {"td", "class", "data-label", "data-clipped", "title"}
