"""Public links: what they show, to whom, how long, and that they lead to nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, PublicLink, Table
from dataengine.services import sharing, trash
from dataengine.services.layouts import keep_layout, layout_of
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/sharing/links/"


@pytest.fixture(autouse=True)
def _allowed(settings: Settings) -> None:
    settings.PUBLIC_LINKS = True


def made(client: Client, query: str = "", **more: str) -> str:
    page = read(client.post(URL, {"do": "make", "name": "For the club", "days": "7", "query": query, **more}))
    [path] = [url for url in page.values("a", "href") if "/public/" in url]
    assert page.value("name") == "", "pressing again makes no second one of that name"
    assert page.element("input", id="made")["value"].endswith(path.removeprefix("http://testserver"))
    return path.removeprefix("http://testserver")


def test_a_link_shows_the_view_and_nothing_else(as_owner: Client, people: Table) -> None:
    path = made(as_owner, "name__contains=n&order_by=-name&page=4")
    assert len(path.split("/")[2]) >= 43
    answer = Client().get(path)
    page = read(answer)
    assert page.words_of("h1") == ["For the club"]
    assert "Ann" in page
    assert "Bob" not in page
    assert page.words_of("th")[:2] == ["name", "email"]
    assert not page.elements("form")
    assert not [url for url in page.values("a", "href") if not url.startswith(("#", "?page="))]
    assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
    for query in ("?name__contains=B", "?search=Bob", "?order_by=score", "?page=0", "?page=x", "?cursor=x"):
        assert "Bob" not in read(Client().get(path + query))
    assert Client().post(path).status_code == 405
    for elsewhere in ("/tables/people/", "/api/tables/people/"):
        visitor = Client()
        visitor.get(path)
        assert visitor.get(elsewhere).status_code in (302, 401)
    assert path.split("/")[2] not in str(PublicLink.objects.values())


@pytest.mark.django_db(transaction=True)
def test_who_knows_a_column_as_it_was_is_told_to_look_again(as_owner: Client, people: Table) -> None:
    public = made(as_owner)
    with connection.cursor() as cursor:  # so it is for a moment to whoever looked the table up before it was changed
        cursor.execute("ALTER TABLE userdata.people RENAME COLUMN score TO points")
    for path in ("/tables/people/", "/tables/people/charts/", "/tables/people/records/1/", public):
        answer = as_owner.get(path)
        assert (answer.status_code, "was changed meanwhile" in read(answer)) == (409, True), path


def test_hidden_columns_stay_hidden(as_owner: Client, people: Table, owner: User) -> None:
    columns = list(people.columns.all())
    email = people.columns.get(name="email")
    keys = [one.pk for one in columns]
    keep_layout(user=owner, table=people, order=keys, shown=set(keys) - {email.pk}, charts=True)
    assert email not in layout_of(owner, people, columns).shown
    page = read(Client().get(made(as_owner)))
    assert "ann@example.com" not in page.source
    assert "Ann" in page


@pytest.mark.parametrize(
    "how", ["revoked", "expired", "forbidden", "trashed", "no owner any more", "disabled", "column renamed", "guessed"]
)
def test_what_ends_a_link(
    how: str, as_owner: Client, people: Table, owner: User, colleague: User, settings: Settings
) -> None:
    path = made(as_owner, "score__gt=1")
    assert Client().get(path).status_code == 200
    link = PublicLink.objects.get()
    match how:
        case "revoked":
            assert as_owner.post(URL, {"do": "revoke", "link": link.pk})["Location"] == URL
        case "expired":
            PublicLink.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        case "forbidden":
            settings.PUBLIC_LINKS = False
            assert as_owner.get(URL).status_code == 404
        case "trashed":
            trash.delete_table(user=owner, table=people)
        case "no owner any more":
            sharing.hand_over(user=owner, table=people, name="colleague")
            sharing.take(user=colleague, table=people, kind="user", name="owner")
            assert Client().get(path).status_code == 404
            sharing.hand_over(user=colleague, table=people, name="owner")  # which does not bring it back
        case "disabled":
            owner.is_active = False
            owner.save()
        case "column renamed":
            people.columns.filter(name="score").update(name="points")
        case _:
            path = path[:-5] + "AAAA/"
    answer = Client().get(path)
    assert answer.status_code == 404
    assert "Ann" not in read(answer).source


def test_owners_make_and_revoke_them_and_the_trail_tells(as_owner: Client, as_colleague: Client, shared: Table) -> None:
    assert as_colleague.get(URL).status_code == 403
    assert as_colleague.post(URL, {"do": "make", "name": "x", "days": "7"}).status_code == 403
    for sent in ({"name": "", "days": "7"}, {"name": "x", "days": "0"}, {"name": "x", "days": "367"}):
        assert as_owner.post(URL, {"do": "make", **sent}).status_code == 422
    assert as_owner.post(URL, {"do": "make", "name": "x", "days": "1", "query": "nothing=1"}).status_code == 422
    made(as_owner)
    as_owner.post(URL, {"do": "revoke", "link": PublicLink.objects.get().pk})
    for number in ("1", "x", ""):
        assert as_owner.post(URL, {"do": "revoke", "link": number}).status_code == 404
    events = AuditEvent.objects.filter(action__startswith="link.").order_by("pk")
    assert [(event.action, event.details["name"]) for event in events] == [
        ("link.created", "For the club"), ("link.revoked", "For the club"),
    ]  # fmt: skip


def test_the_api_makes_lists_and_revokes_them(people: Table, owner: User, colleague: User, settings: Settings) -> None:
    sharing.give(user=owner, table=people, kind="user", name=colleague.username, right="design")
    api, theirs = APIClient(), APIClient()
    api.force_authenticate(owner)
    theirs.force_authenticate(colleague)
    address = "/api/tables/people/links/"
    asked = {"name": "For the club", "query": "name__contains=n&page=3", "columns": ["score", "name", "name"]}
    answer = api.post(address, asked, format="json")
    assert answer.status_code == 201, answer.content
    link = answer.json()
    assert (link["columns"], link["query"], link["created_by"]) == (["score", "name"], "name__contains=n", "owner")
    page = read(Client().get(link.pop("url").removeprefix("http://testserver")))
    assert (page.words_of("th"), "Ann" in page, "Bob" in page) == (["score", "name"], True, False)
    assert api.get(address).json()["results"] == [link]
    for wrong, field in (
        ({"name": ""}, "name"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "query": "nope=1"}, "nope"),
        ({"name": "x", "columns": ["nope"]}, "columns"),
        ({"name": "x", "more": 1}, "more"),
    ):
        refused = api.post(address, wrong, format="json")
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, [field]), wrong
    assert [theirs.get(address).status_code, theirs.post(address, asked, format="json").status_code] == [403, 403]
    assert theirs.delete(f"{address}{link['id']}/").status_code == 403
    assert [api.delete(f"{address}{link['id']}/").status_code for _ in range(2)] == [204, 404]
    settings.PUBLIC_LINKS = False
    assert api.post(address, asked, format="json").status_code == 403
