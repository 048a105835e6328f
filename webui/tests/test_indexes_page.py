"""What is slow says which index it lacks, offers to build it, and shows how far that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors

from dataengine.models import Index, Table
from dataengine.services import indexes
from webui.tests.conftest import PARTIAL
from webui.tests.pages import all_words, element

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/indexes/"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages take too long."""

    def page(*args: object, **options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    monkeypatch.setattr("dataengine.queries.paging.page_by_number", page)


@pytest.mark.usefixtures("slow")
def test_a_slow_order_offers_its_index(as_owner: Client, people: Table) -> None:
    response = as_owner.get("/tables/people/?order_by=notes")
    html = response.content.decode()
    assert response.status_code == 503
    assert "Sorting by “notes” needs an index." in html
    assert "Build the index of notes" in html
    assert 'name="query" value="order_by=notes"' in html
    assert as_owner.get("/tables/people/?order_by=notes", headers=PARTIAL).status_code == 200
    searched = as_owner.get("/tables/people/?search=x").content.decode()
    assert "Build the search index" in searched

    built = as_owner.post(URL, {"do": "build", "column": "notes", "query": "order_by=notes"})
    assert built["Location"] == f"{URL}?query=order_by%3Dnotes"
    assert people.columns.get(name="notes").index_state == "queued"
    again = as_owner.get("/tables/people/?order_by=notes").content.decode()
    assert "needs an index, which is being built" in again
    assert "See how far it is" in again


@pytest.mark.usefixtures("slow")
def test_who_may_not_design_is_told_who_may(as_colleague: Client, shared: Table) -> None:
    html = as_colleague.get("/tables/people/?order_by=notes").content.decode()
    assert "Somebody who may design this table" in html
    assert "Build" not in all_words(html)
    assert as_colleague.get(URL).status_code == 403
    assert as_colleague.post(URL, {"column": "notes"}).status_code == 403


def test_the_page_shows_how_far_they_are(as_owner: Client, people: Table, owner: User) -> None:
    indexes.set_indexed(user=owner, table=people, column=people.columns.get(name="notes"), indexed=True)
    Index.objects.update(state="running", progress=0.42)
    html = as_owner.get(f"{URL}?query=order_by%3Dnotes").content.decode()
    bar = element(html, "div", role="progressbar", aria_label="Index of notes").attributes
    assert (bar["aria-valuemin"], bar["aria-valuenow"], bar["aria-valuemax"]) == ("0", "42", "100")
    assert 'hx-trigger="every 1s"' in html
    assert "?query=order_by%3Dnotes" in html
    assert "ready, because it is unique" in html
    Index.objects.update(state="completed", progress=1)
    part = as_owner.get(f"{URL}?query=order_by%3Dnotes", headers=PARTIAL).content.decode()
    assert "hx-trigger" not in part
    assert '<a class="btn btn-primary" href="/tables/people/?order_by=notes">Show the records</a>' in part
    assert as_owner.post(URL, {"do": "drop", "column": "notes"}).status_code == 302
    assert not Index.objects.exists()
    as_owner.post(URL, {"do": "build", "column": ""})
    assert Index.objects.get().column is None
    assert as_owner.post(URL, {"do": "build", "column": "nope"}).status_code == 404


def test_an_exact_count_comes_apart_from_the_grid(
    as_owner: Client, people: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 1)
    html = as_owner.get("/tables/people/?name__startswith=&limit=1").content.decode()
    assert 'hx-get="/tables/people/count/' in html
    assert as_owner.get("/tables/people/count/", headers=PARTIAL).content.decode().strip() == "3 records"
    assert "1 record" in as_owner.get("/tables/people/count/?name=Ann", headers=PARTIAL).content.decode()
