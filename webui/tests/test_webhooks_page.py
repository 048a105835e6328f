"""The webhooks of a table, made and followed in the console, without scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import Client
from guardian.shortcuts import assign_perm

from dataengine.models import Delivery, Table, Webhook
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

URL = "/tables/people/webhooks/"
NEW = {"url": "https://hooks.example.com/", "events": ["import.failed"]}


def test_one_is_made_and_its_secret_is_shown_once(as_owner: Client, people: Table) -> None:
    assert URL in read(as_owner.get("/tables/people/")).values("a", "href")
    page = read(as_owner.post(URL, NEW))
    secret = Webhook.objects.get().secret
    assert secret in page.values("input", "value")
    later = read(as_owner.get(URL))
    assert "https://hooks.example.com/" in later
    assert "An import failed" in later
    assert secret not in later.values("input", "value")


def test_what_is_wrong_is_said_at_the_field(as_owner: Client, people: Table) -> None:
    answer = as_owner.post(URL, {"url": "https://10.0.0.1/", "events": ["import.failed"]})
    assert answer.status_code == 422
    page = read(answer)
    assert "This address is not public." in page
    assert "https://10.0.0.1/" in page.values("input", "value")
    assert "Choose at least one." in read(as_owner.post(URL, {"url": "https://hooks.example.com/"}))
    assert not Webhook.objects.exists()


def test_messages_are_followed_and_sent_again(as_owner: Client, people: Table) -> None:
    as_owner.post(URL, NEW)
    webhook = Webhook.objects.get()
    here = f"{URL}{webhook.pk}/"
    assert "No message yet" in read(as_owner.get(here))
    delivery = Delivery.objects.create(
        webhook=webhook, event_type="import.failed", message_id="m", payload={}, state="failed", attempt=8,
        tries=[{"at": "2026-01-01T00:00:00Z", "status": 503, "error": "The address answered 503."}],
    )  # fmt: skip
    page = read(as_owner.get(here))
    assert "given up" in page
    assert "The address answered 503." in page
    as_owner.post(here, {"do": "again", "delivery": delivery.pk})
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempt) == ("queued", 0)
    assert "already under way" in read(as_owner.post(here, {"do": "again", "delivery": delivery.pk}, follow=True))
    for wrong in ("", "x", "9" * 30, delivery.pk + 1):
        assert as_owner.post(here, {"do": "again", "delivery": wrong}).status_code == 404
    as_owner.post(here, {"do": "switch"})
    assert "off" in read(as_owner.get(here))
    Webhook.objects.update(stopped="right")
    for page in (read(as_owner.get(here)), read(as_owner.get(URL))):
        assert "“owner”, who made it, may not design this table any more." in page
    assert as_owner.post(here, {"do": "delete"})["Location"] == URL
    assert not Delivery.objects.exists()


def test_only_designers_see_them(client: Client, people: Table, colleague: User, stranger: User) -> None:
    webhook = Webhook.objects.create(table=people, url="https://hooks.example.com/", events=["import.failed"])
    assign_perm("edit_table", colleague, people)
    for user, status in ((colleague, 403), (stranger, 404)):
        client.force_login(user)
        assert client.get(URL).status_code == status
        assert client.post(f"{URL}{webhook.pk}/", {"do": "delete"}).status_code == status
    assert Webhook.objects.exists()
