"""The grid in groups: by its URL alone, folded until one asks for the records."""

from __future__ import annotations

from django.test import Client

from dataengine.columns.types import REGISTRY
from dataengine.models import Table
from dataengine.services.records import insert_record
from webui.tests.conftest import make_table
from webui.tests.pages import Page, read

GRID = "/tables/people/"
REST = "group-cell group-rest"


def grouped(client: Client, query: str, grid: str = GRID) -> Page:
    answer = client.get(grid + query)
    assert answer.status_code == 200
    return read(answer)


def test_groups_unfold_and_lead_to_their_records(as_owner: Client, people: Table) -> None:
    insert_record(user=people.owner, table=people, data={"name": "Dan", "active": True})
    page = grouped(as_owner, "?group=active&order_by=-name")
    heads = page.elements("td", class_="group-cell")
    assert [head.words for head in heads] == ["yes 2 records", "null 2 records"]
    assert not page.records()
    yes = heads[0].element("a")
    assert yes["aria-expanded"] == "false"
    page = read(as_owner.get(yes["href"]))
    assert [record["name"] for record in page.records()] == ["Dan", "Ann"]
    both = read(as_owner.get(page.elements("td", class_="group-cell")[1].element("a")["href"]))
    assert len(both.records()) == 4
    folded = read(as_owner.get(both.elements("td", class_="group-cell")[0].element("a")["href"]))
    assert len(folded.records()) == 2
    # One record of each, and the way to the others.
    cut = grouped(as_owner, "?group=active&unfold=true&unfold_null=1&limit=1")
    assert len(cut.records()) == 2
    for rest in cut.elements("td", class_=REST):
        assert "2 records" in read(as_owner.get(rest.element("a")["href"])).element("p", class_="count")
    # Filters and the search hold; the parameters of groups are no filters, wherever the URL goes.
    assert [
        head.words for head in grouped(as_owner, "?group=active&search=dan").elements("td", class_="group-cell")
    ] == ["yes 1 record"]
    for path in ("count/", "charts/", "export/csv/"):
        assert as_owner.get(f"{GRID}{path}?group=active&unfold=true&unfold_null=1").status_code == 200
    assert as_owner.get(f"{GRID}?group=nope").status_code == 400


def test_every_type_that_has_an_order_is_grouped(as_owner: Client, people: Table) -> None:
    samples = {
        "smallint": "1", "integer": "1", "bigint": "1", "numeric": "1.5", "real": "0.1", "double": "0.1",
        "boolean": "true", "date": "2024-01-31", "time": "10:00:00.5", "timestamp": "2024-01-31T10:00:00.25",
        "timestamptz": "2024-01-31T10:00:01Z", "duration": "25:00:00", "uuid": "6f2c1b0e-6d5c-4c39-9d0a-3c7f1f9ce1aa",
        "email": "a@example.com", "url": "http://a.example", "choice": "x", "reference": "1",
    }  # fmt: skip
    kinds = {name: kind for name, kind in REGISTRY.items() if kind.can_be_sorted}
    types = {name: kind.sql_names[0] for name, kind in kinds.items()}
    types |= {"choice": "CHOICE('x')", "reference": "REFERENCES people"}
    table = make_table(people.owner, "things", {f"c {name}": text for name, text in types.items()})
    for pair in (1, 2):
        del pair
        data = {f"c {name}": samples.get(name, "a, b") for name in types}
        insert_record(user=people.owner, table=table, data=data)
    for name in types:
        page = grouped(as_owner, f"?group=c {name}&limit=1", "/tables/things/")
        [head] = page.elements("td", class_="group-cell")
        assert "2 records" in head, name
        page = read(as_owner.get(head.element("a")["href"]))
        page = read(as_owner.get(page.element("td", class_=REST).element("a")["href"]))
        assert "2 records" in page.element("p", class_="count"), name


def test_one_of_several_filters_is_enough(as_owner: Client, people: Table) -> None:
    query = "?name=Ann&name__in=Ann&score__gte=6&score__lt=8"
    page = grouped(as_owner, query)
    assert not page.records()
    other = page.element("a", class_="chip-match")
    assert (other.words, other["aria-label"]) == (
        "all of 3", "Records that meet all of these filters: change to any of",
    )  # fmt: skip
    page = read(as_owner.get(other["href"]))
    assert [record["name"] for record in page.records()] == ["Ann", "Bob"]
    assert page.element("a", class_="chip-match").words == "any of 3"
    assert "score is from 6 to below 8" in page
    limits = grouped(as_owner, "?score__gte=10&score__lt=8&match=any")
    assert "score is at least 10" in limits
    assert len(limits.records()) == 2
    assert as_owner.get(f"{GRID}?match=some").status_code == 400
    group = grouped(as_owner, "?score__gte=10&name__ne=Ann&match=any&group=active&unfold_null=1&limit=1")
    assert group.element("td", class_=REST).words == "These are the first 1"


def test_values_are_suggested_from_the_records_that_are_found(as_owner: Client, people: Table) -> None:
    insert_record(user=people.owner, table=people, data={"name": "Dan", "active": False})
    active = people.columns.get(name="active").pk

    def suggested(query: str) -> list[str]:
        return grouped(as_owner, query, f"/tables/people/columns/{active}/").values("input", "value", name="picked")

    assert sorted(suggested("")) == ["false", "true"]
    assert suggested("?name=Dan") == ["false"]
    assert suggested("?search=ann&active=false") == ["true"]
    assert sorted(suggested("?name=Dan&match=any")) == ["false", "true"]
    # The same in the form, which loads them when its column is chosen.
    page = read(as_owner.get("/tables/people/filter/", {"column": "active", "query": "name=Dan"}))
    assert page.values("input", "value", name="picked") == ["false"]
    # Which is also a page of its own, from which a way leads back to the same records.
    page = read(as_owner.get("/tables/people/filter/", {"query": "name=Dan"}))
    assert page.value("query") == "name=Dan"
    assert page.element("a", href="/tables/people/?name=Dan").words == "People we know"
    # What it proposes suits the column that it proposes, although it offers the conditions of all.
    assert page.value("condition") == "icontains"
    make_table(people.owner, "counted", {"number": "INTEGER", "name": "TEXT"})
    page = read(as_owner.get("/tables/counted/filter/"))
    assert page.element("select", name="column").values("option", "value")[0] == "number"
    assert page.value("condition") == "exact"


def test_a_range_stays_what_it_is(as_owner: Client, people: Table) -> None:
    score = people.columns.get(name="score").pk
    query = "?score__gte=7&score__lt=12.5&change=score__gte&change=score__lt"
    page = grouped(as_owner, query, f"/tables/people/columns/{score}/")
    chosen = [one["value"] for one in page.elements("option") if "selected" in one.attributes]
    assert "gte,lt" in chosen
    asked = {"query": "score__gte=7&score__lt=12.5", "change": ["score__gte", "score__lt"], "column": "score"}
    sent = as_owner.get("/tables/people/filter/", {**asked, "condition": "gte,lt", "value": "7", "until": "12.5"})
    assert sent["Location"] == f"{GRID}?score__gte=7&score__lt=12.5"
    for value, until, at in (("x", "1", "value"), ("1", "x", "until"), ("1", "", "until")):
        refused = as_owner.get(
            "/tables/people/filter/", {**asked, "condition": "gte,lt", "value": value, "until": until}
        )
        assert refused.status_code == 422
        assert read(refused).element("input", name=at)["aria-invalid"] == "true"
