from __future__ import annotations

from unittest.mock import Mock

import pytest
from django.db import OperationalError
from django.test import Client

from dataengine.models import Table
from webui.designer import catalog
from webui.sessions import SessionStore
from webui.tests.conftest import PARTIAL
from webui.tests.pages import read


def test_a_partial_is_answered_to_htmx_alone(as_owner: Client, people: Table) -> None:
    page = as_owner.get("/tables/people/")
    part = as_owner.get("/tables/people/", headers=PARTIAL)
    assert read(page).outermost.tag == "html"
    assert (read(part).outermost.tag, read(part).outermost["id"]) == ("div", "grid")
    assert len(read(page).elements("h1")) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"HX-History-Restore-Request": "true"},
        {"HX-History-Restore-Request": "true", "HX-Request": "true", "HX-Request-Type": "partial"},
        {"HX-Request": "true", "HX-Request-Type": "full"},
    ],
)
def test_back_and_forward_get_the_whole_page(headers: dict[str, str], as_owner: Client, people: Table) -> None:
    assert read(as_owner.get("/tables/people/", headers=headers)).outermost.tag == "html"


def test_both_may_be_cached_side_by_side(as_owner: Client, people: Table) -> None:
    for headers in ({}, PARTIAL):
        vary = as_owner.get("/tables/people/", headers=headers).headers["Vary"]
        assert {"HX-Request", "HX-Request-Type"} <= {name.strip() for name in vary.split(",")}


def test_a_log_in_needed_inside_a_part_replaces_the_whole_page(client: Client, people: Table) -> None:
    headers = {**PARTIAL, "HX-Current-URL": "http://testserver/tables/people/?search=x"}
    response = client.get("/tables/people/?search=xy", headers=headers)
    assert response.headers["HX-Redirect"] == "/login/?next=/tables/people/%3Fsearch%3Dx"


def test_an_error_inside_a_part_is_plain_text_for_a_toast(as_owner: Client, people: Table) -> None:
    response = as_owner.get("/tables/nothing/", headers=PARTIAL)
    assert response.status_code == 404
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode() == "There is no table “nothing”."


def test_other_methods_are_refused(as_owner: Client, people: Table) -> None:
    assert as_owner.delete("/tables/people/").status_code == 405
    assert as_owner.head("/tables/people/").status_code == 200


def test_every_error_is_one_page_with_the_navigation(
    as_colleague: Client, shared: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(path: str, status: int) -> str:
        answer = as_colleague.get(path)
        page = read(answer)
        assert answer.status_code == status
        assert page.elements("nav", aria_label="Main")
        return page.element("h1").words

    as_colleague.raise_request_exception = False
    assert shown("/nothing/at/all/", 404) == shown("/tables/nothing/", 404) == shown("/imports/1/", 404)
    assert shown("/tables/people/import/", 403) == "You may not do that"
    for error, status, heading in (
        (ValueError("a fault"), 500, "Something went wrong on our side"),
        (OperationalError("the server is away"), 503, "Not possible right now"),
    ):
        monkeypatch.setattr(catalog, "listing", Mock(side_effect=error))
        assert shown("/", status) == heading


def test_errors_have_a_page_for_whoever_is_not_known(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    page = read(client.get("/nothing/"))
    assert not page.elements("nav", aria_label="Main")
    assert page.element("h1").words == "There is nothing here"
    # PostgreSQL is away: nobody can be asked who this is.
    monkeypatch.setattr(SessionStore, "load", Mock(side_effect=OperationalError("away")))
    client.cookies["sessionid"] = "x" * 32
    client.raise_request_exception = False
    answer = client.get("/")
    assert (answer.status_code, read(answer).element("h1").words) == (503, "Not possible right now")
