from __future__ import annotations

import pytest
from django.test import Client

from dataengine.models import ImportJob, Table
from webui.tests.pages import read

TABLE_PAGES = {
    "/tables/people/": "view",
    "/tables/people/records/1/": "view",
    "/tables/people/filter/?column=name": "view",
    "/tables/people/sharing/": "view",
    "/tables/people/activity/": "view",
    "/tables/people/records/1/history/": "view",
    "/tables/people/sharing/found/?name=co": "own",
    "/tables/people/records/new/": "edit",
    "/tables/people/records/1/delete/": "edit",
    "/tables/people/import/": "edit",
    "/tables/people/design/": "design",
    "/tables/people/delete/": "own",
}


@pytest.mark.parametrize("url", TABLE_PAGES)
def test_the_owner_sees_every_page(url: str, as_owner: Client, people: Table) -> None:
    assert as_owner.get(url).status_code == 200


@pytest.mark.parametrize(("url", "right"), TABLE_PAGES.items())
def test_a_colleague_who_may_view_gets_no_further(url: str, right: str, as_colleague: Client, shared: Table) -> None:
    assert as_colleague.get(url).status_code == (200 if right == "view" else 403)


@pytest.mark.parametrize("url", TABLE_PAGES)
def test_for_a_stranger_the_table_does_not_exist(url: str, as_stranger: Client, people: Table) -> None:
    response = as_stranger.get(url)
    assert response.status_code == 404
    assert "People we know" not in read(response).source


@pytest.mark.parametrize("url", ["/", "/tables/new/", "/imports/", "/account/", *TABLE_PAGES])
def test_whoever_is_not_logged_in_is_asked_to_and_comes_back(url: str, client: Client, people: Table) -> None:
    response = client.get(url)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/login/?next=")


def test_the_list_shows_own_and_shared_tables_only(
    as_owner: Client, as_colleague: Client, as_stranger: Client, shared: Table
) -> None:
    assert "People we know" in read(as_owner.get("/"))
    seen = read(as_colleague.get("/"))
    assert "People we know" in seen
    assert "shared by owner" in seen
    assert "People we know" not in read(as_stranger.get("/")).source


def test_imports_are_seen_by_whoever_sees_the_table(
    as_owner: Client, as_colleague: Client, as_stranger: Client, shared: Table
) -> None:
    job = ImportJob.objects.create(
        table=shared, table_name="people", user=shared.owner, filename="secret.csv", state="completed"
    )
    url = f"/imports/{job.pk}/"
    assert as_owner.get(url).status_code == as_colleague.get(url).status_code == 200
    assert as_stranger.get(url).status_code == 404
    assert "secret.csv" not in read(as_stranger.get("/imports/")).source
    assert as_colleague.post(f"{url}cancel/").status_code == 403
    assert as_stranger.get(f"{url}rejected.csv").status_code == 404


def test_a_colleague_cannot_write_by_posting(as_colleague: Client, shared: Table) -> None:
    assert as_colleague.post("/tables/people/records/1/", {"x": "y"}).status_code == 403
    assert as_colleague.post("/tables/people/records/1/delete/").status_code == 403
    assert as_colleague.post("/tables/people/delete/").status_code == 403
    assert as_colleague.post("/tables/people/design/", {"do": "save", "table_name": "mine"}).status_code == 403
    assert Table.objects.filter(name="people").exists()
