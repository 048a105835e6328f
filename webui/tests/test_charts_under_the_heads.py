"""The charts under the heads show what is in each column; their bars are links that filter the grid."""

from __future__ import annotations

import random
import re
from string import ascii_letters
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.models import Table
from dataengine.profiles import profiles
from dataengine.services.bulk_records import insert_many
from dataengine.services.column_changes import alter_column
from dataengine.services.records import insert_record
from webui.tests.conftest import make_table
from webui.tests.pages import Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

GRID = "/tables/people/"
CHARTS = "/tables/people/charts/"


def charts(client: Client, path: str = CHARTS) -> Page:
    response = client.get(path)
    assert response.status_code == 200
    return read(response)


def links(page: Page) -> dict[str, str]:
    """The link of each bar, by its name."""
    return {link["aria-label"]: link["href"] for link in page.elements("a")}


def test_bars_have_names_and_lead_to_the_grid_filtered_so(as_owner: Client, people: Table) -> None:
    found = links(charts(as_owner))
    assert found["active yes, 1 record"] == f"{GRID}?active__exact=true"
    assert found["active null, 2 records"] == f"{GRID}?active__isnull=true"
    assert found["score null, 1 record"] == f"{GRID}?score__isnull=true"
    for name, href in found.items():
        counted = re.search(r"(\d+) records?$", name)
        assert counted is not None
        assert len(read(as_owner.get(href)).records()) == int(counted[1])


def test_a_bar_keeps_what_the_grid_is_and_replaces_its_own_columns_filter(as_owner: Client, people: Table) -> None:
    query = "?search=a&score__gt=1&active=true&order_by=-name&page=3&limit=25"
    found = links(charts(as_owner, CHARTS + query))
    # Of the records that are found by all but the column's own filter.
    assert found["active null, 1 record"] == (
        f"{GRID}?search=a&score__gt=1&order_by=-name&limit=25&active__isnull=true"
    )
    # The chosen bar removes the filter.
    assert found["active yes, 1 record"] == f"{GRID}?search=a&score__gt=1&order_by=-name&limit=25"
    assert len(charts(as_owner, CHARTS + query).elements("a", aria_current="true")) == 1


def test_users_words_are_neither_markup_nor_parameters(as_owner: Client, owner: User) -> None:
    table = make_table(owner, "odd names", {"first name": "TEXT", "page": "TEXT", "search": "BOOLEAN"})
    alter_column(user=owner, table=table, column=table.columns.get(name="page"), changes={"label": "<i>&"})
    for value in ("<b>&=", "<b>&=", '"', ""):
        insert_record(user=owner, table=table, data={"first name": value, "page": value, "search": True})
    html = charts(as_owner, "/tables/odd names/charts/?page=2&search=b&page__ne=z&search__isnull=false")
    assert not html.elements("b") + html.elements("i")
    found = links(html)
    assert found["search yes, 2 records"].endswith("?search=b&page__ne=z&search__exact=true")
    found = links(charts(as_owner, "/tables/odd names/charts/?page=2&search=&page__ne=z&search__isnull=false"))
    for column in ("first name", "<i>&"):
        for value, count in (("<b>&=, 2 records", 2), ('", 1 record', 1), ("empty text, 1 record", 1)):
            shown = read(as_owner.get(found[f"{column} {value}"].replace("search=&", "")))
            assert len(shown.records()) == count


def test_references_go_by_name_for_those_who_may_see_them(
    as_owner: Client, as_colleague: Client, colleague: User, people: Table
) -> None:
    pets = make_table(people.owner, "pets", {"keeper": "REFERENCES people"})
    for keeper in (1, 1, 2, None):
        insert_record(user=people.owner, table=pets, data={"keeper": keeper})
    assign_perm("view_table", colleague, pets)
    assert links(charts(as_owner, "/tables/pets/charts/"))["keeper Ann, 2 records"] == "/tables/pets/?keeper__exact=1"
    html = charts(as_colleague, "/tables/pets/charts/")
    assert "keeper 1, 2 records" in links(html)
    assert "Ann" not in html.source


def test_there_is_one_for_each_column_shown(as_owner: Client, people: Table) -> None:
    assert len(charts(as_owner).elements("td")) == 7
    name = people.columns.get(name="name").pk
    as_owner.post("/tables/people/columns/", {"order": [name], "shown": [name], "charts": "on"})
    assert len(charts(as_owner).elements("td")) == 7  # columns that the form did not name are shown
    order = list(people.columns.values_list("pk", flat=True))
    as_owner.post("/tables/people/columns/", {"order": order, "shown": [name], "charts": "on"})
    assert len(charts(as_owner).elements("td")) == 2


def test_charts_can_be_turned_off(as_owner: Client, people: Table) -> None:
    assert read(as_owner.get(GRID)).element("tr", class_="charts")["hx-get"].startswith(CHARTS)
    order = list(people.columns.values_list("pk", flat=True))
    as_owner.post("/tables/people/columns/", {"order": order, "shown": order})
    assert CHARTS not in read(as_owner.get(GRID)).source


def test_a_sample_is_called_one(as_owner: Client, owner: User) -> None:
    make_table(owner, "large", {"n": "INTEGER"})
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.large (n) SELECT i % 5 FROM generate_series(1, 40000) AS i")
        cursor.execute("ANALYZE userdata.large")
    html = charts(as_owner, "/tables/large/charts/")
    assert re.search(r"sample of [\d,]+", html.words)
    assert any(re.fullmatch(r"n 3, about [78],\d\d0 records", name) for name in links(html))


def test_charts_that_take_too_long_say_so(as_owner: Client, people: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiles, "SECONDS", -1.0)
    monkeypatch.setattr("dataengine.profiles.samples._share_to_read", slow_look)
    html = charts(as_owner)
    assert "charts take too long" in html
    assert len(html.elements("td")) == 7


def slow_look(table: Table) -> tuple[int, float]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(5)")
    return 1, 1.0


def test_strangers_see_none(as_stranger: Client, people: Table) -> None:
    assert as_stranger.get(CHARTS).status_code == 404


@pytest.mark.parametrize(
    ("values", "caption", "missing"),
    [
        ([True] * 199 + [False], "99% yes", None),
        ([True] + [False] * 199, "<1% yes", None),
        ([True, None], "100% yes", "50% null"),
        ([False] + [None] * 300, "0% yes", "99% null"),
        ([None], "", "all null"),
    ],
)
def test_shares_are_not_rounded_to_none_or_all(
    values: list[bool | None], caption: str, missing: str | None, as_owner: Client, owner: User
) -> None:
    table = make_table(owner, "flags", {"flag": "BOOLEAN"})
    insert_many(user=owner, table=table, records=[{"flag": value} for value in values])
    html = charts(as_owner, "/tables/flags/charts/")
    words = html.element("p", class_="chart-words")
    assert words.words_of("span") == [caption]
    assert words.words_of("a") == ([missing] if missing else [])


def test_a_wide_table_has_charts_for_its_first_columns(as_owner: Client, owner: User) -> None:
    names = [f"n{number}" for number in range(1, 301)]
    wide = make_table(owner, "wide", dict.fromkeys(names, "INTEGER"))
    insert_record(user=owner, table=wide, data={"n1": 5, "n101": 5})
    html = charts(as_owner, "/tables/wide/charts/")
    assert len(html.elements("td")) == 301
    assert links(html)["n1 5, 1 record"] == "/tables/wide/?n1__exact=5"
    assert "n101 5, 1 record" not in links(html)
    page = read(as_owner.get("/tables/wide/"))
    assert page.element("a", href="/tables/wide/columns/?").words == "Choose among 300 columns"
    keys = list(wide.columns.values_list("pk", flat=True))
    response = as_owner.post(
        "/tables/wide/columns/", {"order": list(reversed(keys)), "shown": keys[99:102], "charts": "on"}
    )
    assert response.status_code == 302
    assert next(iter(links(charts(as_owner, "/tables/wide/charts/")))) == "n102 null, 1 record"


def test_an_empty_table_has_none(as_owner: Client, owner: User) -> None:
    make_table(owner, "empty", {"a": "TEXT"})
    html = charts(as_owner, "/tables/empty/charts/")
    assert len(html.elements("td")) == 2
    assert not html.elements("a")


def test_values_left_out_are_not_counted_as_missing(as_owner: Client, owner: User) -> None:
    table = make_table(owner, "stories", {"title": "TEXT", "story": "TEXT"})
    # Long texts that do not compress, so that they are long for PostgreSQL too.
    long = ["".join(random.Random(seed).choices(ascii_letters, k=5000)) for seed in (1, 2)]
    for title, story in (("a", long[0]), ("a", long[1]), ("b", long[1]), (long[0], long[0])):
        insert_record(user=owner, table=table, data={"title": title, "story": story})
    captions = charts(as_owner, "/tables/stories/charts/").words_of("p", class_="chart-words")
    assert captions == ["2+ values", "long texts"]


def test_texts_that_all_differ_show_their_lengths(as_owner: Client, owner: User) -> None:
    table = make_table(owner, "notes", {"note": "TEXT"})
    insert_many(user=owner, table=table, records=[{"note": f"{n:04}" + "ü" * (n % 10)} for n in range(300)])
    html = charts(as_owner, "/tables/notes/charts/")
    assert html.words_of("p", class_="chart-words") == ["all different, 4 – 13 characters"]
    bars = html.elements("span", class_="bar")
    assert [bar["title"] for bar in bars] == [f"note {n} characters, 30 records" for n in range(4, 14)]
    assert not html.elements("a")
    long = ["".join(random.Random(seed).choices(ascii_letters, k=5000)) for seed in (1, 2)]
    insert_many(user=owner, table=table, records=[{"note": text} for text in long])
    html = charts(as_owner, "/tables/notes/charts/")
    assert html.elements("span", class_="bar")[-1]["title"] == "note 14 or more characters, 2 records"


def test_charts_follow_search_and_filters(as_owner: Client, owner: User) -> None:
    make_table(owner, "large", {"n": "INTEGER", "kind": "TEXT", "rest": "TEXT"})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.large (n, kind, rest)"
            " SELECT i % 5, 'k' || i % 2, CASE WHEN i % 4000 = 0 THEN 'x%s' END"
            " FROM generate_series(1, 60000) AS i"
        )
        cursor.execute("ANALYZE userdata.large")
    few = charts(as_owner, "/tables/large/charts/?rest=x%25s&n__lt=5")
    assert "of these 15 records" in few
    assert links(few)["kind k0, 15 records"] == "/tables/large/?rest=x%25s&n__lt=5&kind__exact=k0"
    assert not any(name.startswith("kind k1") for name in links(few))
    many = charts(as_owner, "/tables/large/charts/?kind=k1")
    assert re.search(r"sample of [\d,]+", many.words)
    # A column that filters still offers its other values.
    assert {name.split(",")[0] for name in links(many) if name.startswith("kind")} == {"kind k0", "kind k1"}
    assert len(charts(as_owner, "/tables/large/charts/?kind=nix").elements("td")) == 4
    assert charts(as_owner, "/tables/large/charts/?nix=1")
