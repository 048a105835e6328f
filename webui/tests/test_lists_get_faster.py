"""While an index is built by itself the grid says how far it is; the page of indexes says why it is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors
from pytest_django.fixtures import Settings
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.models import Index, Table
from dataengine.postgres.time_limits import time_limit
from dataengine.queries import listing, paging
from dataengine.queries.ordering import Term
from dataengine.services import indexes
from dataengine.tests.indexing import build_waiting
from webui.tests.conftest import PARTIAL
from webui.tests.pages import Page, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("few_are_many")]

GRID = "/tables/people/"
INDEXES = "/tables/people/indexes/"


def test_a_list_shows_how_far_its_index_is(as_owner: Client, people: Table) -> None:
    assert "Getting faster" not in read(as_owner.get(GRID))
    page = read(as_owner.get(f"{GRID}?order_by=-born"))
    assert len(page.records()) == 50
    assert "Getting faster: 0 %" in page
    assert "An index of born is being built, because lists sorted by born had to read 2,003 records." in page
    [index] = Index.objects.all()
    Index.objects.update(state="running", progress=0.4)
    part = page.element("div", id="faster")
    assert part["hx-trigger"] == "every 2s"
    again = read(as_owner.get(part["hx-get"], headers=PARTIAL))
    assert "Getting faster: 40 %" in again
    assert again.element("div", role="progressbar", aria_label="Getting faster")["aria-valuenow"] == "40"
    assert "Getting faster: 40 %" in read(as_owner.get(f"{GRID}?order_by=born", headers=PARTIAL))
    Index.objects.update(state="queued")
    build_waiting()
    done = read(as_owner.get(part["hx-get"], headers=PARTIAL))
    assert "Faster now." in done
    assert "hx-get" not in done.element("div", id="faster").attributes
    assert "Getting faster" not in read(as_owner.get(f"{GRID}?order_by=-born"))
    assert Index.objects.get() == index


@pytest.mark.parametrize(
    ("end", "words"),
    [({"state": "failed", "error": "Some values are too long."}, "Some values are too long."), (None, "taken away")],
)
def test_what_came_to_nothing_says_so(end: dict[str, str] | None, words: str, as_owner: Client, people: Table) -> None:
    part = read(as_owner.get(f"{GRID}?order_by=born")).element("div", id="faster")
    if end is None:
        Index.objects.all().delete()
    else:
        Index.objects.update(**end)
    page = read(as_owner.get(part["hx-get"], headers=PARTIAL))
    assert "Not faster." in page
    assert words in page
    assert "hx-get" not in page.element("div", id="faster").attributes


def test_what_was_too_slow_is_shown_once_its_index_is_there(
    as_owner: Client, people: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*args: object, **options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    with monkeypatch.context() as patched:
        patched.setattr("dataengine.queries.paging.page_by_number", page)
        slow = read(as_owner.get(f"{GRID}?order_by=born&name__iregex=1"))
    assert "Sorting by “born” needs an index, which is being built." in slow
    assert "Getting faster: 0 %" in slow
    assert "This list is shown as soon as it is ready." in slow
    assert "Build the index" not in slow
    again = slow.element("div", id="faster")["hx-get"]
    assert "Getting faster" in read(as_owner.get(again, headers=PARTIAL))
    build_waiting()
    ready = as_owner.get(again, headers=PARTIAL)
    assert (ready.status_code, ready["HX-Redirect"]) == (204, f"{GRID}?order_by=born&name__iregex=1")


@pytest.fixture
def sorting_is_slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Any order but that of ids takes too long; the columns that lists were to be sorted by."""
    quick, tried = paging.page_by_number, list[str]()

    def slow(queryset: Any, terms: list[Term], **options: Any) -> Any:
        tried.append(terms[0].column.name if terms[0].column else "id")
        if terms[0].column is None:
            return quick(queryset, terms, **options)
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    monkeypatch.setattr(paging, "page_by_number", slow)
    return tried


def test_what_cannot_be_sorted_yet_is_shown_by_id(
    as_owner: Client, people: Table, sorting_is_slow: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = as_owner.get(f"{GRID}?order_by=-born&name__iregex=person&limit=25")
    assert answer.status_code == 200
    page = read(answer)
    assert sorting_is_slow == ["born", "id"]
    assert "Sorting by “born” needs an index, which is being built." in page
    assert "Sorted by id for now." in page
    assert "Getting faster: 0 %" in page
    ids = ids_of(page)
    assert (len(ids), ids) == (25, sorted(ids))
    assert not page.elements("th", aria_sort="descending")
    # The next page goes on from this one, and says in its URL what it is.
    [following] = page.values("a", "href", rel="next")
    assert "order_by" not in following
    assert "name__iregex=person" in following
    assert ids_of(read(as_owner.get(following)))[0] == ids[-1] + 1
    # When the index is there, the page is what was asked for.
    build_waiting()
    monkeypatch.undo()
    ready = as_owner.get(page.element("div", id="faster")["hx-get"], headers=PARTIAL)
    assert ready["HX-Redirect"] == f"{GRID}?order_by=-born&name__iregex=person&limit=25"
    assert read(as_owner.get(ready["HX-Redirect"])).elements("th", aria_sort="descending")


def ids_of(page: Page) -> list[int]:
    found = page.values("tr", "id")
    return [int(name[1:]) for name in found if name[1:].isdecimal()]


def test_programs_get_what_they_asked_for_or_an_error(people: Table, owner: User, sorting_is_slow: list[str]) -> None:
    headers = {"Authorization": f"Bearer {RefreshToken.for_user(owner).access_token}"}
    answer = Client().get("/api/tables/people/records/?order_by=born", headers=headers)
    assert (answer.status_code, sorting_is_slow) == (503, ["born"])


def test_a_list_that_waits_for_its_index_is_not_tried_for_long(
    as_owner: Client, people: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []
    limited = time_limit

    def noted(seconds: float) -> Any:
        limits.append(seconds)
        return limited(seconds)

    monkeypatch.setattr(listing, "time_limit", noted)
    # From the first visit on: a list of the whole table tells beforehand that it will need an index.
    for query in ("order_by=born", "order_by=born&score__isnull=true", "order_by=-born&page=3"):
        limits.clear()
        as_owner.get(f"{GRID}?{query}")
        assert 0 < limits[0] <= 1, query
    limits.clear()
    build_waiting()
    as_owner.get(f"{GRID}?order_by=born")
    assert limits[0] > 3


def test_texts_are_many_sooner(as_owner: Client, people: Table, settings: Settings) -> None:
    settings.AUTO_INDEX_AFTER_RECORDS = 4_000
    for query in ("order_by=born", "name=nobody"):
        as_owner.get(f"{GRID}?{query}")
    assert not Index.objects.exists()
    as_owner.get(f"{GRID}?order_by=name")
    assert [(index.column.name, index.records_read) for index in Index.objects.all() if index.column] == [
        ("name", 2_003)
    ]


def test_who_may_only_look_gets_it_too(as_colleague: Client, shared: Table) -> None:
    page = read(as_colleague.get(f"{GRID}?order_by=born"))
    assert "Getting faster: 0 %" in page
    assert "Indexes of this table" not in page
    again = page.element("div", id="faster")["hx-get"]
    assert as_colleague.get(again, headers=PARTIAL).status_code == 200


def test_it_is_nobody_elses(as_stranger: Client, as_owner: Client, people: Table) -> None:
    again = read(as_owner.get(f"{GRID}?order_by=born")).element("div", id="faster")["hx-get"]
    assert as_stranger.get(again, headers=PARTIAL).status_code == 404
    for query in ("", "?index=", "?index=x&index=99999999999999999999&index=-1&query=%00", "?index=7&waits=1"):
        answer = as_owner.get(f"{GRID}faster/{query}", headers=PARTIAL)
        assert (answer.status_code, "Not faster." in read(answer)) == (200, True)
    assert as_owner.get(f"{GRID}faster/?query=order_by%3Dborn")["Location"] == f"{GRID}?order_by=born"


def test_the_page_of_indexes_says_why_and_keeps_it(as_owner: Client, people: Table, owner: User) -> None:
    indexes.set_indexed(user=owner, table=people, column=people.columns.get(name="notes"), indexed=True)
    for query in ("order_by=born", "score__gte=99", "search=nobody"):
        as_owner.get(f"{GRID}?{query}")
    build_waiting()
    page = read(as_owner.get(INDEXES))
    today = Index.objects.get(column__name="born").created_at
    assert f"made by itself on {today:%-d %b %Y} because lists sorted by born had to read 2,003 records" in page
    assert "because lists filtered by score had to read 2,003 records" in page
    assert "because searches had to read 2,003 records" in page
    assert page.source.count("made by itself on") == 3
    assert [keep.words for keep in page.elements("button", value="build") if keep.words.startswith("Keep")] == [
        "Keep the index of Search", "Keep the index of born", "Keep the index of score"
    ]  # fmt: skip
    as_owner.post(INDEXES, {"do": "build", "column": "born"})
    as_owner.post(INDEXES, {"do": "build", "column": ""})
    assert [index.column.name for index in Index.objects.filter(automatic=True) if index.column] == ["score"]
    assert Index.objects.filter(automatic=False).count() == 3


def test_without_it_the_page_offers_the_index_as_before(
    as_owner: Client, people: Table, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def page(*args: object, **options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    settings.AUTO_INDEX = False
    monkeypatch.setattr("dataengine.queries.paging.page_by_number", page)
    slow = read(as_owner.get(f"{GRID}?order_by=born"))
    assert "Build the index of born" in slow
    assert "Getting faster" not in slow
    assert "by itself" not in read(as_owner.get(INDEXES))
