"""Far pages are estimated, marked so, and continue exactly, for any order, ties, NULLs and direction."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.access import get_table
from dataengine.models import Index, Table
from dataengine.postgres import ddl
from dataengine.queries import far_pages_by_sample, paging
from dataengine.queries.counts import Count
from dataengine.queries.listing import select
from dataengine.queries.ordering import Term, ordered, parse_ordering
from dataengine.queries.paging import last_page_cursor, page_by_cursor, page_by_number
from dataengine.records.model import Record, record_model
from dataengine.services import indexes
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting

ROWS = 5_000
FEW = 1_000
ABOUT = Count(ROWS, is_exact=False)
COLUMNS = ("u", "n", "few", "t", "d", "r")


@pytest.fixture(autouse=True)
def _estimates_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paging, "EXACT_OFFSET", 100)
    monkeypatch.setattr(paging, "KEYS_FIRST", 20)


@pytest.fixture
def table(owner: User) -> Table:
    return make(owner, ROWS)


def make(owner: User, rows: int) -> Table:
    """Numbers without ties, with ties and NULLs, of few kinds; texts; days; and one column without an index."""
    made = make_table(
        owner,
        "far",
        u="INTEGER UNIQUE NOT NULL",
        n="INTEGER",
        few="SMALLINT",
        t="TEXT",
        d="DATE",
        r="REAL",
        no="INTEGER",
    )
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO userdata.far (u, n, few, t, d, r, no)
            SELECT (i * 7919) %% 1000003, CASE WHEN i %% 10 = 0 THEN NULL ELSE (i * 31) %% 997 END,
                   CASE WHEN i %% 4 > 0 THEN i %% 3 END, md5((i %% 2000)::text),
                   '2020-01-01'::date + i / 100, i / 7.0, i
              FROM generate_series(1, %s) i
            """,
            [rows],
        )
        for column in made.columns.exclude(name="no"):
            Index.objects.get_or_create(table=made, column=column, defaults={"state": "completed"})
        cursor.execute(ddl.column_index(made, made.columns.get(name="t"), concurrently=False))
        cursor.execute("ANALYZE userdata.far")
    return made


def _ids(model: type[Record], terms: Sequence[Term]) -> list[int]:
    found: list[int] = list(ordered(model.objects.all(), terms).values_list("pk", flat=True))
    return found


@pytest.mark.django_db
def test_far_pages_are_about_where_they_should_be(table: Table, subtests: pytest.Subtests) -> None:
    orders = [f"{sign}{name}" for name in (*COLUMNS, "id") for sign in ("", "-")]
    for order, nulls in product(orders, ("first", "last")):
        with subtests.test(order=order, nulls=nulls):
            _are_about_where_they_should_be(table, order, nulls)


def _are_about_where_they_should_be(table: Table, order: str, nulls: str) -> None:
    model = record_model(table)
    terms, records = parse_ordering(model, order, nulls=nulls), model.objects.all()
    ids = _ids(model, terms)
    for number in (2, 5, 11, 12, 50, 250, 333, 480, 499, 500):
        page = page_by_number(records, terms, number=number, limit=10, count=ABOUT)
        assert page.is_exact == (number <= 11)
        assert len(page.records) == 10
        place = ids.index(page.records[0].pk)
        assert ids[place : place + 10] == [record.pk for record in page.records]
        assert abs(place - (number - 1) * 10) <= (0 if page.is_exact else ROWS * 0.04), (order, number, place)
    beyond = page_by_number(records, terms, number=501, limit=10, count=ABOUT)
    assert (beyond.records, beyond.next, beyond.is_exact) == ([], None, True)


@pytest.mark.django_db
def test_most_texts_before_an_exact_page_are_counted_and_not_walked_over(
    table: Table, owner: User, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setattr(paging, "EXACT_OFFSET", ROWS)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE userdata.far SET t = NULL WHERE no % 7 = 0")
        cursor.execute("ANALYZE userdata.far")
    made = get_table(owner, "far", "view")
    for order, nulls in product(("t", "-t"), ("first", "last")):
        with subtests.test(order=order, nulls=nulls):
            _are_counted_and_not_walked_over(made, order, nulls)


def _are_counted_and_not_walked_over(table: Table, order: str, nulls: str) -> None:
    model = record_model(table)
    terms, records = parse_ordering(model, order, nulls=nulls), model.objects.all()
    ids = _ids(model, terms)
    skipped: list[int] = []

    def noted(execute: Any, statement: Any, parameters: Any, many: bool, context: Any) -> Any:
        skipped.extend(int(number) for number in re.findall(r"OFFSET (\d+)", str(statement)))
        return execute(statement, parameters, many, context)

    for number in range(4, 501, 9):
        skipped.clear()
        with connection.execute_wrapper(noted):
            page = page_by_number(records, terms, number=number, limit=10)
        assert ([record.pk for record in page.records], page.is_exact) == (ids[number * 10 - 10 : number * 10], True)
        if 1_000 < number * 10 < 4_000:
            assert sum(skipped) < number * 10 / 2


@pytest.mark.django_db
def test_of_very_many_texts_nearer_pages_are_estimated(
    table: Table, client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "EXACT_OFFSET", 3_000)
    monkeypatch.setattr(paging, "_EXACT_OFFSET_OF_TEXTS", 300)
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 100)

    def is_exact(**asked: Any) -> bool:
        answer = client.get("/api/tables/far/records/", {"page": 100, **asked}).json()
        assert len(answer["results"]) == 10
        return bool(answer["page_exact"])

    assert is_exact(order_by="t")
    monkeypatch.setattr(paging, "_LARGE", 1_000)
    assert not is_exact(order_by="t")
    assert is_exact(order_by="t", page=30)
    assert is_exact(order_by="d")
    assert is_exact(order_by="t", no__gt=1)


@pytest.mark.django_db
def test_so_are_most_records_with_the_same_common_text(
    table: Table, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "EXACT_OFFSET", ROWS)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE userdata.far SET t = CASE WHEN no % 9 > 0 THEN 'word ' || (no / 7) % 3 END")
        cursor.execute("ANALYZE userdata.far")
    model = record_model(get_table(owner, "far", "view"))
    for order, nulls, numbers in (("t", "last", (50, 100, 300, 420)), ("-t", "", (60, 200)), ("t", "first", (99, 400))):
        terms, records = parse_ordering(model, order, nulls=nulls), model.objects.all()
        ids = _ids(model, terms)
        for number in numbers:
            with CaptureQueriesContext(connection) as asked:
                page = page_by_number(records, terms, number=number, limit=10)
            assert [record.pk for record in page.records] == ids[number * 10 - 10 : number * 10]
            skipped = [int(far) for query in asked for far in re.findall(r"OFFSET (\d+)", query["sql"])]
            assert sum(skipped) < number * 10 / 4, (order, number)


@pytest.fixture
def few(owner: User) -> Table:
    """All of whose records are read time and again."""
    return make(owner, FEW)


@settings(max_examples=60)
@given(st.data())
@pytest.mark.django_db
def test_from_there_every_record_follows_once(few: Table, data: st.DataObject) -> None:
    model = record_model(few)
    order = data.draw(st.sampled_from([f"{sign}{name}" for name in (*COLUMNS, "id") for sign in ("", "-")]))
    limit = data.draw(st.integers(40, 160))
    number = data.draw(st.integers(1, -(-FEW // limit)))
    terms = parse_ordering(model, order, nulls=data.draw(st.sampled_from(["first", "last"])))
    ids, records = _ids(model, terms), model.objects.all()
    page = start = page_by_number(records, terms, number=number, limit=limit, count=Count(FEW, is_exact=False))
    seen = [record.pk for record in page.records]
    while page.next:
        page = page_by_cursor(records, terms, cursor=page.next, limit=limit)
        assert page.is_exact == start.is_exact
        seen += [record.pk for record in page.records]
    assert seen == ids[ids.index(seen[0]) :]
    page = start
    while page.previous:
        page = page_by_cursor(records, terms, cursor=page.previous, limit=limit)
        seen = [record.pk for record in page.records] + seen
    assert seen == ids
    assert (page.number, page.is_exact) == (1, True)


@pytest.mark.django_db
def test_the_last_page(table: Table, subtests: pytest.Subtests) -> None:
    model = record_model(table)
    for order in ("id", "-n", "no", "t,n"):
        with subtests.test(order=order):
            terms = parse_ordering(model, order)
            ids = _ids(model, terms)
            cursor = last_page_cursor(model, terms, number=500)
            page = page_by_cursor(model.objects.all(), terms, cursor=cursor, limit=10)
            assert [record.pk for record in page.records] == ids[-10:]
            assert (page.number, page.is_exact, page.next) == (500, False, None)


FILTERED: list[tuple[dict[str, str], str]] = [
    ({"no__gt": "2500"}, "id"),  # a column that correlates with the order
    ({"no__gt": "2500"}, "-d"),
    ({"n__gte": "300"}, "n"),
    ({"n__gte": "300", "few__isnull": "false"}, "-n"),
    ({"t__iregex": "^[0-7]"}, "t"),
    ({"few__ne": "1"}, "-few"),
    ({"r__lt": "400"}, "u"),
    ({}, "t,n"),
    ({}, "few,-u"),
    ({"no__lt": "4000"}, "-few,d,t"),
]


@pytest.mark.django_db
def test_under_filters_and_in_any_order_too(
    table: Table, monkeypatch: pytest.MonkeyPatch, subtests: pytest.Subtests
) -> None:
    monkeypatch.setattr(far_pages_by_sample, "SAMPLED", 2_500)
    for filters, order in FILTERED:
        with subtests.test(filters=filters, order=order):
            _are_about_where_they_should_be_under(table, filters, order)


def _are_about_where_they_should_be_under(table: Table, filters: dict[str, str], order: str) -> None:
    selection = select(record_model(table), {**filters, "order_by": order})
    records, terms = selection.records, selection.terms
    ids: list[int] = list(ordered(records, terms).values_list("pk", flat=True))
    for share in (0.1, 0.5, 0.9):
        number = int(len(ids) * share) // 10
        page = page_by_number(records, terms, number=number, limit=10, count=ABOUT)
        place = ids.index(page.records[0].pk)
        assert not page.is_exact
        assert abs(place - (number - 1) * 10) <= len(ids) * 0.12, (number, place)
        assert ids[place : place + 10] == [record.pk for record in page.records]
        assert page.next
        assert page.previous
        following = page_by_cursor(records, terms, cursor=page.next, limit=10)
        assert ids[place + 10 : place + 20] == [record.pk for record in following.records]
        before = page_by_cursor(records, terms, cursor=page.previous, limit=10)
        assert ids[max(0, place - 10) : place] == [record.pk for record in before.records]
    near_the_end = page_by_number(records, terms, number=int(len(ids) * 1.04) // 10, limit=10, count=ABOUT)
    if near_the_end.records:  # if a sample can tell
        assert not near_the_end.is_exact
        assert ids.index(near_the_end.records[0].pk) >= len(ids) * 0.8
    beyond = page_by_number(records, terms, number=2_000, limit=10, count=ABOUT)
    assert (beyond.records, beyond.next, beyond.is_exact) == ([], None, True)


@pytest.mark.django_db
def test_pages_that_cannot_be_estimated_are_exact(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(far_pages_by_sample, "FEWEST", ROWS + 1)
    model = record_model(table)
    for order, records in (
        ("no", model.objects.all()),  # has no index
        ("t,n", model.objects.all()),
        ("n", model.objects.exclude(pk=1)),
    ):
        ids: list[int] = list(ordered(records, parse_ordering(model, order)).values_list("pk", flat=True))
        page = page_by_number(records, parse_ordering(model, order), number=321, limit=10, count=ABOUT)
        assert ([record.pk for record in page.records], page.is_exact) == (ids[3200:3210], True)


@pytest.mark.django_db
def test_a_list_that_was_counted_ends_there(table: Table) -> None:
    records = record_model(table).objects.all()
    terms = parse_ordering(records.model)
    page = page_by_number(records, terms, number=600, limit=10, count=Count(ROWS, is_exact=True))
    assert (page.records, page.is_exact) == ([], True)
    assert page.previous
    last = page_by_cursor(records, terms, cursor=page.previous, limit=10)
    assert last.records[-1].pk == ROWS


@pytest.mark.django_db
def test_without_statistics(owner: User) -> None:
    made = make_table(owner, "unknown", n="INTEGER")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.unknown (n) SELECT i FROM generate_series(1, %s) i", [ROWS])
    Index.objects.create(table=made, column=made.columns.get(), state="completed")
    model = record_model(made)
    page = page_by_number(model.objects.all(), parse_ordering(model, "n"), number=321, limit=10, count=ABOUT)
    assert (page.is_exact, page.records[0].pk) == (True, 3201)
    page = page_by_number(model.objects.all(), parse_ordering(model, "id"), number=321, limit=10, count=ABOUT)
    assert (page.is_exact, page.records[0].pk) == (False, 3200)  # by the first and the last id


@pytest.mark.django_db(transaction=True)
def test_indexes_are_walked(owner: User, client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 1_000)
    monkeypatch.setattr(paging, "EXACT_OFFSET", 1_000)
    table = make_table(owner, "walked", n="INTEGER")
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.walked (n) SELECT CASE WHEN i % 5 > 0 THEN i % 1000 END"
            " FROM generate_series(1, 30000) i"
        )
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
    build_waiting()
    plans: list[str] = []

    def explain(execute: Any, statement: str, parameters: Any, many: bool, context: Any) -> Any:
        if (
            isinstance(statement, str)
            and statement.startswith("SELECT")
            and '"walked"' in statement
            and "ORDER BY" in statement
        ):
            connection.connection.execute("SET LOCAL enable_indexscan = on")
            rows = connection.connection.execute(f"EXPLAIN {statement}", parameters).fetchall()
            plans.append("\n".join(line for (line,) in rows))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(explain):
        for order in ("n", "-n", "n&nulls=first", "-n&nulls=first"):
            page = client.get(f"/api/get-records/?table_name=walked&order_by={order}&page=2500").json()
            assert (page["page"], page["page_exact"], len(page["results"])) == (2500, False, 10)
            for link in ("next", "previous", "last"):
                assert client.get(page[link]).status_code == 200
    assert len(plans) >= 16
    assert not [plan for plan in plans if "Seq Scan" in plan or " Sort" in plan], plans
