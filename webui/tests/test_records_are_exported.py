"""The grid's records as a file: the same records in the same order, whatever the page."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

from dataengine.models import Table
from webui.tests.pages import read


def content(answer: Any) -> bytes:
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_the_grid_links_to_what_it_shows(as_owner: Client, people: Table) -> None:
    page = read(as_owner.get("/tables/people/?score__gt=1&order_by=-name&limit=25&page=1"))
    links = [link for link in page.values("a", "href") if link.startswith("/tables/people/export/")]
    plain = [f"/tables/people/export/{kind}/?score__gt=1&order_by=-name" for kind in ("csv", "xlsx", "json")]
    exact = f"{plain[0]}&guard=exact"
    assert links == [plain[0], exact, *plain[1:]]
    assert content(as_owner.get(exact)).startswith(b'"id",name,')
    links = plain
    answer = as_owner.get(links[0])
    assert answer["Content-Disposition"] == 'attachment; filename="people.csv"'
    lines = content(answer).decode().splitlines()
    assert [line.split(",")[1] for line in lines] == ["name", "Bob", "Ann"]
    assert content(as_owner.get(links[1]))[:2] == b"PK"
    assert [record["name"] for record in json.loads(content(as_owner.get(links[2])))] == ["Bob", "Ann"]


def test_it_is_for_those_who_may_see_the_table(as_colleague: Client, as_stranger: Client, shared: Table) -> None:
    assert content(as_colleague.get("/tables/people/export/csv/")).startswith(b"id,name,")
    assert as_stranger.get("/tables/people/export/csv/").status_code == 404
    assert Client().get("/tables/people/export/csv/").status_code == 302


def test_invalid_formats_are_not_found(as_owner: Client, people: Table) -> None:
    assert as_owner.get("/tables/people/export/exe/").status_code == 404
    assert as_owner.get("/tables/people/export/csv/?nope=1").status_code == 400
    assert as_owner.get("/tables/people/export/csv/?guard=nope").status_code == 404
