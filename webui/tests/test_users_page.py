"""Administrators invite, change and shut out users; nobody else sees that they could."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.test import APIClient

from dataengine import access
from dataengine.exceptions import AccessDenied
from dataengine.models import AuditEvent, Session, Table
from dataengine.services import users
from dataengine.services.tokens import create_token
from webui import reset_mail
from webui.tests.conftest import PEOPLE, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.core.mail import EmailMessage

NEW = "another horse, a bigger battery"


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("boss", "boss@example.com", "x")


@pytest.fixture
def as_admin(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def test_users_are_listed_and_found(as_admin: Client, owner: User, colleague: User) -> None:
    page = read(as_admin.get("/users/"))
    assert page.words_of("a", class_="row-link") == ["boss", "colleague", "owner"]
    assert read(as_admin.get("/users/?search=OWNER%40")).words_of("a", class_="row-link") == ["owner"]
    assert "Nobody has that" in read(as_admin.get("/users/?search=%00nobody"))


def test_others_have_no_such_pages(as_owner: Client, colleague: User) -> None:
    assert "/users/" not in read(as_owner.get("/")).values("a", "href")
    one = f"/users/{colleague.pk}/"
    for path in ("/users/", "/users/new/", one):
        assert as_owner.get(path).status_code == 403
    form = {"username": "x", "email": "x@example.com", "is_admin": "on", "active": "no"}
    for path in ("/users/new/", one, f"{one}active/", f"{one}reset/", f"{one}second-factor/"):
        assert as_owner.post(path, form).status_code == 403
    colleague.refresh_from_db()
    assert (colleague.is_active, colleague.is_superuser) == (True, False)
    assert not User.objects.filter(username="x").exists()
    # Staff, who may use Django's admin, are not enough.
    User.objects.filter(username="owner").update(is_staff=True)
    assert as_owner.get("/users/").status_code == 403


def test_an_invitation_brings_a_right_on_tables(
    as_admin: Client, admin: User, mailoutbox: list[EmailMessage], client: Client
) -> None:
    table = make_table(admin, "plans", PEOPLE, label="Our plans")
    make_table(admin, "secrets", PEOPLE)
    form = {"username": "new.one", "email": "new@example.com", "right": "edit", "tables": "plans", "new_group": "sales"}
    assert as_admin.post("/users/new/", form).headers["Location"] == "/users/"
    made = User.objects.get(username="new.one")
    assert [group.name for group in made.groups.all()] == ["sales"]
    assert set(access.rights_of(made, table)) == {"view", "edit"}
    assert "Invited" in read(as_admin.get("/users/")).element("table", aria_label="Users")
    reset_mail.invite(made.pk, "boss", "http://testserver/")
    [mail] = mailoutbox
    assert mail.to == ["new@example.com"]
    assert "boss invites you" in mail.body
    assert "- Our plans" in mail.body
    assert "secrets" not in mail.body
    found = re.search(r"http://testserver(/invitations/\S+)", str(mail.body))
    assert found is not None
    form_url = client.get(found[1]).headers["Location"]
    assert "Welcome to Tablekeep" in read(client.get(form_url))
    assert "too short" in read(client.post(form_url, {"new_password1": "x", "new_password2": "x"}))
    assert client.post(form_url, {"new_password1": NEW, "new_password2": NEW}).status_code == 302
    assert "no longer works" in read(Client().get(found[1]))
    assert client.post("/login/", {"username": "new.one", "password": NEW}).status_code == 302
    assert client.get("/tables/plans/").status_code == 200
    assert client.get("/tables/secrets/").status_code == 404
    event = AuditEvent.objects.get(action="user.created")
    assert event.details == {"username": "new.one", "right": "edit", "tables": ["plans"]}


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"username": "owner"}, "This name is taken."),
        ({"username": "OWNER"}, "This name is taken."),
        ({"username": "a b"}, "Enter a valid username."),
        ({"username": ""}, "This field is required."),
        ({"email": "no address"}, "Enter a valid email address."),
        ({"email": "OWNER@example.com"}, "Another user has this address."),
        ({"tables": "theirs"}, "theirs is not one of the available choices."),
        ({"right": "root"}, "root is not one of the available choices."),
    ],
)
def test_what_is_wrong_is_said(as_admin: Client, owner: User, given: dict[str, str], words: str) -> None:
    make_table(owner, "theirs", PEOPLE)
    answer = as_admin.post("/users/new/", {"username": "new", "email": "new@example.com", **given})
    assert answer.status_code == 422
    assert words in read(answer)
    assert User.objects.count() == 2


def test_an_administrator_invites_into_no_table_of_others(as_admin: Client, people: Table) -> None:
    assert people.name not in read(as_admin.get("/users/new/")).values("input", "value")


def test_users_are_changed(as_admin: Client, admin: User, owner: User) -> None:
    Group.objects.create(name="sales")
    page = f"/users/{owner.pk}/"
    assert as_admin.post(page, {"email": "o@example.com", "groups": "sales", "is_admin": "on"}).status_code == 302
    owner.refresh_from_db()
    assert (owner.email, owner.is_superuser, owner.is_staff) == ("o@example.com", True, True)
    assert as_admin.post(page, {"email": "boss@example.com"}).status_code == 422
    assert as_admin.post(page, {"email": "o@example.com"}).status_code == 302
    owner.refresh_from_db()
    assert (owner.is_superuser, owner.groups.count()) == (False, 0)
    refused = as_admin.post(f"/users/{admin.pk}/", {"email": "boss@example.com"})
    assert "This is you." in read(refused)
    admin.refresh_from_db()
    assert admin.is_superuser


def test_somebody_is_shut_out_at_once(as_admin: Client, admin: User, as_owner: Client, owner: User) -> None:
    _, text = create_token(user=owner, name="x", right="view")
    page = f"/users/{owner.pk}/"
    assert as_admin.post(f"{page}active/", {"active": "no"}).headers["Location"] == page
    assert as_owner.get("/").status_code == 302
    assert not Session.objects.filter(user=owner).exists()
    script = APIClient(headers={"authorization": f"Bearer {text}"})
    assert script.get("/api/tables/").status_code == 401
    assert "Shut out" in read(as_admin.get("/users/"))
    assert as_admin.post(f"{page}active/", {"active": "yes"}).status_code == 302
    owner.refresh_from_db()
    assert owner.is_active
    # What was ended stays so.
    assert script.get("/api/tables/").status_code == 401
    assert as_admin.post(f"/users/{admin.pk}/active/", {"active": "no"}).status_code == 409


def test_of_two_administrators_who_shut_each_other_out_one_is_left(admin: User) -> None:
    other = User.objects.create_superuser("other", "other@example.com", "x")
    users.set_active(by=admin, user=User.objects.get(pk=other.pk), is_active=False)
    with pytest.raises(AccessDenied):  # as a request that had begun before
        users.set_active(by=other, user=admin, is_active=False)
    with pytest.raises(AccessDenied):
        users.change(by=other, user=admin, email=admin.email, groups=(), is_admin=False)
    admin.refresh_from_db()
    assert admin.is_active
    assert admin.is_superuser


def test_a_link_for_a_password_is_sent(
    as_admin: Client, owner: User, mailoutbox: list[EmailMessage], password: str
) -> None:
    assert as_admin.post(f"/users/{owner.pk}/reset/").status_code == 302
    assert AuditEvent.objects.filter(action="password.reset_sent").exists()
    reset_mail.invite(owner.pk, "boss", "http://testserver/")
    [mail] = mailoutbox
    assert mail.subject == "A new password for Tablekeep"
    assert owner.check_password(password)
    owner.is_active = False
    owner.save()
    reset_mail.invite(owner.pk, "boss", "http://testserver/")
    assert len(mailoutbox) == 1


@pytest.mark.parametrize("pk", [0, 999_999, 10**30])
def test_nobody_has_that_number(as_admin: Client, pk: int) -> None:
    assert as_admin.get(f"/users/{pk}/").status_code == 404


def test_a_name_does_nothing_in_the_pages(as_admin: Client, owner: User) -> None:
    Group.objects.create(name="<script>alert(1)</script>")
    owner.groups.set(Group.objects.all())
    pages: list[Any] = [as_admin.get(path) for path in ("/users/", "/users/new/", f"/users/{owner.pk}/")]
    assert not any("<script>alert" in read(page).source for page in pages)
