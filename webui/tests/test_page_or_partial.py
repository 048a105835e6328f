from __future__ import annotations

import pytest
from django.test import Client

from dataengine.models import Table
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
