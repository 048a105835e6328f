"""A slow page names the index that it needs, offers to build it, and shows the progress."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg import errors

from dataengine.models import Index, Table
from dataengine.services import indexes
from webui.tests.conftest import PARTIAL
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/indexes/"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pages take too long."""

    def page(*args: object, **options: object) -> None:
        raise OperationalError("canceling statement due to statement timeout") from errors.QueryCanceled()

    monkeypatch.setattr("dataengine.queries.paging.page_by_number", page)


@pytest.mark.usefixtures("slow")
def test_a_slow_order_offers_its_index(as_owner: Client, people: Table) -> None:
    response = as_owner.get("/tables/people/?order_by=notes")
    html = read(response)
    assert response.status_code == 503
    assert "Sorting by “notes” needs an index." in html
    assert "Build the index of notes" in html
    assert html.element("form", action=URL).value("query") == "order_by=notes"
    assert as_owner.get("/tables/people/?order_by=notes", headers=PARTIAL).status_code == 200
    searched = read(as_owner.get("/tables/people/?search=x"))
    assert "Build the search index" in searched

    built = as_owner.post(URL, {"do": "build", "column": "notes", "query": "order_by=notes"})
    assert built["Location"] == f"{URL}?query=order_by%3Dnotes"
    assert people.columns.get(name="notes").index_state == "queued"
    again = read(as_owner.get("/tables/people/?order_by=notes"))
    assert "needs an index, which is being built" in again
    assert "See the progress" in again


@pytest.mark.usefixtures("slow")
def test_users_who_may_not_design_are_told_who_may(as_colleague: Client, shared: Table) -> None:
    html = read(as_colleague.get("/tables/people/?order_by=notes"))
    assert "Ask somebody with the right to design this table" in html
    assert "Build" not in html
    assert as_colleague.get(URL).status_code == 403
    assert as_colleague.post(URL, {"column": "notes"}).status_code == 403


def test_the_page_shows_the_progress(as_owner: Client, people: Table, owner: User) -> None:
    indexes.set_indexed(user=owner, table=people, column=people.columns.get(name="notes"), indexed=True)
    Index.objects.update(state="running", progress=0.42)
    html = read(as_owner.get(f"{URL}?query=order_by%3Dnotes"))
    bar = html.element("div", role="progressbar", aria_label="Index of notes")
    assert (bar["aria-valuemin"], bar["aria-valuenow"], bar["aria-valuemax"]) == ("0", "42", "100")
    assert [one["hx-trigger"] for one in html.inside if "hx-trigger" in one.attributes] == ["every 1s"]
    assert [one["hx-get"] for one in html.inside if "hx-get" in one.attributes] == [f"{URL}?query=order_by%3Dnotes"]
    assert "ready, because it is unique" in html
    Index.objects.update(state="completed", progress=1)
    part = read(as_owner.get(f"{URL}?query=order_by%3Dnotes", headers=PARTIAL))
    assert "hx-trigger" not in part.source
    assert part.element("a", href="/tables/people/?order_by=notes").words == "Show the records"
    assert as_owner.post(URL, {"do": "drop", "column": "notes"}).status_code == 302
    assert not Index.objects.exists()
    as_owner.post(URL, {"do": "build", "column": ""})
    assert Index.objects.get().column is None
    assert as_owner.post(URL, {"do": "build", "column": "nope"}).status_code == 404


def test_an_exact_count_comes_apart_from_the_grid(
    as_owner: Client, people: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dataengine.queries.counts.EXACT_BELOW", 1)
    html = read(as_owner.get("/tables/people/?name__startswith=&limit=1"))
    assert [one for one in html.inside if one.attributes.get("hx-get", "").startswith("/tables/people/count/")]
    assert read(as_owner.get("/tables/people/count/", headers=PARTIAL)).words == "3 records"
    assert "1 record" in read(as_owner.get("/tables/people/count/?name=Ann", headers=PARTIAL))
