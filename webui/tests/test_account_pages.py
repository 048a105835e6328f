"""The account page and that of API tokens: what is shown, made and ended there, without scripts."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from dataengine.models import ApiToken, Session, Table
from dataengine.services.tokens import create_token
from dataengine.tests.waiting import PATIENCE_SECONDS
from webui.snippets import snippets
from webui.tests.conftest import PEOPLE, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from conftest import LiveServer

PAGE = "/account/tokens/"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FORM = {"name": "report", "right": "edit", "expires": "", "reach": "all"}


def browser(password: str, **options: Any) -> Client:
    made = Client(**options)
    assert made.post("/login/", {"username": "owner", "password": password}).status_code == 302
    return made


def test_sessions_are_shown_and_ended(owner: User, password: str) -> None:
    here = browser(password, headers={"user-agent": FIREFOX}, REMOTE_ADDR="10.1.2.3")
    there, third = browser(password, REMOTE_ADDR="10.1.2.4"), browser(password)
    table = read(here.get("/account/")).element("table", aria_label="Sessions")
    assert len(table.elements("tr")) == 1 + 3
    assert "Firefox on Linux" in table
    assert table.words_of("span", class_="state state-completed") == ["This one"]
    other = Session.objects.get(session_key=there.cookies["sessionid"].value)
    assert here.get(f"/account/sessions/{other.public_id}/end/").status_code == 405
    assert here.post(f"/account/sessions/{other.public_id}/end/").headers["Location"] == "/account/"
    assert here.post(f"/account/sessions/{other.public_id}/end/").status_code == 404
    assert [client.get("/").status_code for client in (here, there, third)] == [200, 302, 200]
    assert here.post("/account/sessions/end/").headers["Location"] == "/account/"
    assert [client.get("/").status_code for client in (here, third)] == [200, 302]


def test_a_session_of_somebody_else_is_not_ended(as_owner: Client, as_stranger: Client) -> None:
    theirs = Session.objects.get(session_key=as_stranger.cookies["sessionid"].value)
    assert as_owner.post(f"/account/sessions/{theirs.public_id}/end/").status_code == 404
    assert as_stranger.get("/").status_code == 200


def test_a_token_is_made_shown_once_and_revoked(as_owner: Client, people: Table) -> None:
    made = as_owner.post(PAGE, FORM | {"reach": "some", "tables": "people", "expires": "2999-12-31"})
    assert made.status_code == 200
    assert "no-store" in made.headers["Cache-Control"]
    text = read(made).element("input", id="token")["value"]
    assert text.startswith("tk_")
    again = read(as_owner.get(PAGE))
    assert text not in again.source
    assert text[-4:] in again.element("table", aria_label="API tokens")
    token = ApiToken.objects.get()
    assert (token.name, token.right, token.tables) == ("report", "edit", [people.pk])
    assert str(token.expires_at).startswith("2999-12-31 23:59")
    assert as_owner.post(f"{PAGE}{token.pk}/revoke/").headers["Location"] == PAGE
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"name": ""}, "This field is required."),
        ({"reach": "some"}, "Choose at least one table."),
        ({"tables": "people"}, "You have chosen tables."),
        ({"reach": "some", "tables": "of_others"}, "of_others is not one of the available choices."),
        ({"expires": "2020-01-01"}, "This time is over."),
        ({"right": "root"}, "root is not one of the available choices."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    as_owner: Client, people: Table, stranger: User, given: dict[str, str], words: str
) -> None:
    make_table(stranger, "of_others", PEOPLE)
    refused = as_owner.post(PAGE, FORM | given)
    assert refused.status_code == 422
    assert words in read(refused)
    assert not ApiToken.objects.exists()


def test_tokens_of_others_are_out_of_reach(as_owner: Client, stranger: User) -> None:
    token, _ = create_token(user=stranger, name="theirs", right="view")
    assert "theirs" not in read(as_owner.get(PAGE))
    assert as_owner.post(f"{PAGE}{token.pk}/revoke/").status_code == 404
    assert ApiToken.objects.exists()


def test_an_expired_token_says_so(as_owner: Client, owner: User) -> None:
    create_token(user=owner, name="old", right="view")
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(days=1))
    assert read(as_owner.get(PAGE)).words_of("span", class_="state state-failed") == ["Expired"]


def test_a_name_does_nothing_in_the_page(as_owner: Client, people: Table) -> None:
    answer = as_owner.post(PAGE, FORM | {"name": "<script>alert(1)</script>"})
    assert "<script>alert" not in read(answer).source
    assert as_owner.get(f"{PAGE}?table=</textarea><script>").status_code == 200


def test_snippets_are_for_the_chosen_table(as_owner: Client, people: Table, owner: User) -> None:
    make_table(owner, "pets", {"name": "TEXT"})
    page = read(as_owner.get(f"{PAGE}?table=pets"))
    for key in ("curl", "python"):
        text = page.element("textarea", id=key).text
        assert "http://testserver/api/tables/pets/records/?limit=" in text
        assert "tk_…" in text


@pytest.mark.parametrize("key", ["curl", "python"])
def test_snippets_work_as_pasted(live_asgi: LiveServer, people: Table, owner: User, key: str) -> None:
    client = Client(headers={"host": live_asgi.url.removeprefix("http://")})
    client.force_login(owner)
    text = read(client.post(PAGE, FORM | {"reach": "some", "tables": "people"})).element("textarea", id=key).text
    command = ["sh", "-c", text] if key == "curl" else [sys.executable, "-c", text]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS)
    assert done.returncode == 0, done.stderr
    assert "Ann" in done.stdout


def test_no_name_of_a_table_ends_a_quotation() -> None:
    name = 'it\'s "$(id)" `x`\\'
    for snippet in snippets("http://x", name):
        assert "http://x/api/tables/it%27s%20%22%24%28id%29%22%20%60x%60%5C/records/" in snippet.text
