"""Every route × role × method: what ``route_rights.py`` says is so, and it says something of every route.

Each request is undone afterwards. Who has the right is answered with whatever the empty request deserves, but neither
refused nor by a fault of ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from pytest_django.fixtures import Settings
from rest_framework_simplejwt.tokens import RefreshToken

from config.tests.route_rights import API, CONSOLE, ELSEWHERE
from conftest import PASSWORD
from dataengine.access import RIGHTS
from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import (
    AuditEvent,
    ChangeJob,
    ImportJob,
    PublicLink,
    Recipe,
    RejectedRow,
    Session,
    TrashItem,
    Webhook,
)
from dataengine.models.sources import Source
from dataengine.models.webhooks import Delivery
from dataengine.services import sharing, tables, tokens, trash
from dataengine.services.records import insert_record
from webui.imports import resumable

BELOW = ("admin/", "account/second-factor/")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ROLES = ("anonymous", "stranger", "view", "edit", "design", "own", "owner", "admin")
REFUSED = {401, 403, 404, 405}
VERBS: dict[str, dict[str, Any]] = {
    "api/update-table/": {"table_name": "t", "label": "T"},
    "api/delete-table/": {"table_name": "t"},
    "api/add-column/": {"table_name": "t", "column_name": "more", "column_type": "TEXT"},
    "api/update-column/": {"table_name": "t", "column_name": "name", "label": "N"},
    "api/delete-column/": {"table_name": "t", "column_name": "name"},
    "api/insert-record/": {"table_name": "t", "data": {"name": "x"}},
    "api/get-records/": {"table_name": "t"},
    "api/update-record/": {"table_name": "t", "id": 1, "data": {"name": "x"}},
    "api/delete-record/": {"table_name": "t", "id": 1},
    "api/upload-csv/": {"table_name": "t"},
}
"""The bodies of requests whose table is in the body."""
BODIES: dict[str, dict[str, Any]] = {
    "api/tables/<str:table_name>/columns/": {"column_name": "more", "column_type": "TEXT"},
    "api/tables/<str:table_name>/duplicate/": {"table_name": "u"},
    "api/imports/<int:pk>/again/": {"options": {}},
    "imports/<int:pk>/again/": {"options": "{}"},
}
"""Bodies without which input is refused before anything is looked up."""


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[str]:
    for pattern in (resolver or get_resolver()).url_patterns:
        name = f"{prefix}{pattern.pattern}"
        if isinstance(pattern, URLPattern):
            yield name
        else:
            yield from routes(pattern, name)


def is_elsewhere(route: str) -> bool:
    return route in ELSEWHERE or route.startswith(BELOW)


def test_every_route_is_classified() -> None:
    known = {*API, *CONSOLE}
    assert not [route for route in routes() if route not in known and not is_elsewhere(route)]
    assert not known - set(routes()), "routes that are gone"
    assert not [route for route in ELSEWHERE if route not in BELOW and route not in set(routes())]


@pytest.fixture
def cast(db: None, owner: User, stranger: User) -> dict[str, User | None]:
    """By role: a user. Their rights are given with the table."""
    made: dict[str, User | None] = {"anonymous": None, "stranger": stranger, "owner": owner}
    for role in (*RIGHTS, "admin"):
        made[role] = User.objects.create_user(f"{role}-er", password=PASSWORD, is_superuser=role == "admin")
    return made


@pytest.fixture
def values(cast: dict[str, User | None], owner: User) -> dict[str, str]:
    """What stands for the parts of addresses, by the words before and in them."""
    columns = [parse_sql_type("name", "TEXT"), parse_sql_type("gone", "TEXT")]
    table = tables.create_table(user=owner, name="t", columns=columns)
    for right in RIGHTS:
        sharing.give(user=owner, table=table, kind="user", name=f"{right}-er", right=right)
    pk = insert_record(user=owner, table=table, data={"name": "n"}).pk
    event = AuditEvent.objects.get(action="record.inserted")
    trash.delete_column(user=owner, table=table, column=table.columns.get(name="gone"))
    job = ImportJob.objects.create(
        table=table, table_name="t", user=owner, filename="a.csv", source="nowhere", state=ImportJob.State.COMPLETED,
        findings={"headers": ["name"]}, options={"create_table": True},
    )  # fmt: skip
    RejectedRow.objects.create(job=job, line=2, raw="x", errors=[{"column": "name", "code": "x", "message": "x"}])
    change = ChangeJob.objects.create(table=table, user=owner, action="delete", parameters={"filter": {}})
    hook = Webhook.objects.create(table=table, user=owner, url="https://example.com/", secret="s" * 32)
    delivery = Delivery.objects.create(webhook=hook, event_type="import.completed", message_id="m", payload={})
    source = Source.objects.create(table=table, user=owner, url="https://example.com/", cron="@daily")
    column = table.columns.get(name="name")
    link = PublicLink.objects.create(table=table, user=owner, name="l", digest="d", expires_at=timezone.now())
    Recipe.objects.create(table=table, user=owner, name="t", options={})
    token, _ = tokens.create_token(user=owner, name="x", right="own", tables=None)
    Client().force_login(owner)  # a session
    upload = resumable.begin(owner, "a.csv", 4, "t")
    return {
        "<str:table_name>": "t", "<str:name>": "t", "<str:column_name>": "name", "<record:id>": str(pk),
        "<record:event>": str(event.pk), "<int:event>": str(event.pk), "records/<int:pk>": f"records/{pk}",
        "imports/<int:pk>": f"imports/{job.pk}", "imports/<record:pk>": f"imports/{job.pk}",
        "changes/<int:pk>": f"changes/{change.pk}", "changes/<record:pk>": f"changes/{change.pk}",
        "trash/<int:pk>": f"trash/{TrashItem.objects.get().pk}",
        "trash/<record:pk>": f"trash/{TrashItem.objects.get().pk}", "design/<int:pk>": f"design/{column.pk}",
        "sources/<record:pk>": f"sources/{source.pk}", "sources/<int:pk>": f"sources/{source.pk}",
        "columns/<int:pk>": f"columns/{column.pk}", "webhooks/<int:pk>": f"webhooks/{hook.pk}",
        "webhooks/<record:pk>": f"webhooks/{hook.pk}", "<record:delivery>": str(delivery.pk), "<int:line>": "2",
        "<record:line>": "2", "<slug:attribute>": column.attribute, "<str:file_format>": "csv",
        "schemas/<str:name>": "schemas/create-table", "users/<int:pk>": f"users/{owner.pk}",
        "tokens/<int:pk>": f"tokens/{token.pk}", "tokens/<record:pk>": f"tokens/{token.pk}",
        "links/<record:pk>": f"links/{link.pk}",
        "<slug:pk>": Session.objects.get().public_id, "<str:token>": upload.token,
    }  # fmt: skip


def address(route: str, values: dict[str, str]) -> str:
    for part, value in sorted(values.items(), key=lambda item: "/" not in item[0]):
        route = route.replace(part, value)
    assert "<" not in route, route
    return f"/{route}"


def ask(client: Client, role: str, cast: dict[str, User | None], route: str, method: str, url: str) -> Any:
    body = VERBS.get(route) or BODIES.get(route) or {}
    if route.startswith(("api/tables/", "tables/")) and route.endswith(("undo/", "history/")):
        body = {"event": AuditEvent.objects.get(action="record.inserted").pk}
    send = partial(client.generic, method, url)
    if not route.startswith("api/"):
        if method == "POST" and not route.startswith("uploads/"):
            return client.post(url, body)
        return send(headers={"Tus-Resumable": "1.0.0", "Upload-Length": "4"})
    user = cast[role]
    headers = {"Authorization": f"Bearer {RefreshToken.for_user(user).access_token}"} if user else {}
    if method == "GET":
        return client.get(url, VERBS.get(route, {}), headers=headers)
    if method == "POST" and (route == "api/upload-csv/" or url.endswith("/t/imports/")):
        return client.post(url, {"file": SimpleUploadedFile("a.csv", b"name\nx\n"), **body}, headers=headers)
    return send(json.dumps(body), content_type="application/json", headers=headers)


def expected(needed: str, role: str) -> set[int] | None:
    """The codes with which somebody without the right is answered; None for who has it."""
    right, hidden = needed.rstrip("?"), needed.endswith("?")
    if right == "open" or (right == "user" and role != "anonymous"):
        return None
    if role == "anonymous":
        return {401}
    if right == "other":
        return None if role == "owner" else {404}
    if right == "admin":
        return None if role == "admin" else {403}
    if role == "owner" or (role in RIGHTS and RIGHTS.index(role) >= RIGHTS.index(right)):
        return None
    return {403} if role in RIGHTS and not hidden else {404}


def has_more(role: str, needed: str) -> bool:
    """Whether a right includes the one that is needed, as each does those before it (``test_access.py``)."""
    return needed in RIGHTS and RIGHTS.index(role) > RIGHTS.index(needed)


def code_of(answer: HttpResponse) -> int:
    """The code; being sent to the log-in, in one of the console's ways, is 401."""
    to = answer.headers.get("Location", "")
    return 401 if to.startswith("/login/") or b"You are not logged in" in answer.content[:200] else answer.status_code


def is_private(answer: Any) -> bool:
    """Whether no cache gives the answer to anybody else; what is open is the same for all."""
    kept = {part.strip() for part in answer["Cache-Control"].split(",")}
    vary = {part.strip() for part in answer["Vary"].split(",")}
    return bool(kept & {"private", "no-store"}) and {"Cookie", "Authorization"} <= vary


@pytest.mark.parametrize("role", ROLES)
def test_every_route_and_method_for(
    role: str, cast: dict[str, User | None], values: dict[str, str], settings: Settings
) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    settings.PUBLIC_LINKS = True  # or its pages are not there
    settings.REMOTE_SOURCES = True
    wrong = []
    client = Client()
    if (user := cast[role]) is not None:
        client.force_login(user)
    for route, methods in (API | CONSOLE).items():
        needs = dict(entry.split() for entry in methods.split(", "))
        url = address(route, values)
        for method in METHODS if role == "owner" else needs:
            if role in RIGHTS and has_more(role, needs.get(method, "")):
                continue
            with transaction.atomic():
                answer = ask(client, role, cast, route, method, url)
                content = b"".join(answer) if answer.streaming else answer.content
                code = answer.status_code if answer.streaming else code_of(answer)
                if not is_private(answer):
                    wrong.append(f"{method} {url}: {answer.headers}")
                transaction.set_rollback(True)
            if method not in needs:
                fits = code == 405 or (method in ("GET", "HEAD") and code in (404, 412))
                want: object = 405
            else:
                refused = expected(needs[method], role)
                fits = code in refused if refused else code < 500 and code not in REFUSED
                want = refused or "an answer"
            if not fits:
                wrong.append(f"{method} {url} by {role}: {code}, not {want}: {content[:150]!r}")
    assert not wrong, "\n".join(wrong)


def test_tokens_in_addresses_are_read() -> None:
    assert not [route for route in {*API, *CONSOLE} if re.search(r"<[^>]*<", route)]
