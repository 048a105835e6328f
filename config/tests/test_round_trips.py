"""How many queries a request sends to PostgreSQL: over a network each exchange costs more than its query.

Counted is what the web server, as it is deployed, sends over the wire (``tap.py`` says what counts as one exchange).
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from guardian.shortcuts import assign_perm
from rest_framework_simplejwt.tokens import RefreshToken

from config.tests.serving import web_process
from config.tests.tap import Tap, tapped
from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import Table
from dataengine.services.tables import create_table
from dataengine.services.tokens import create_token

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FIELDS = {"name": "TEXT", "amount": "NUMERIC(10,2)", "day": "DATE"}


@dataclass
class Web:
    """The server, and how to send requests: ``headers`` are those of the table's owner."""

    port: int
    tap: Tap
    headers: dict[str, str]

    def exchanges(self, method: str, path: str, data: Any = None, **headers: str) -> list[str]:
        """The queries of the second such request; the first on a connection may have to prepare a statement."""
        for _ in range(2):
            self.tap.clear()
            with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) as client:
                is_form = "Cookie" in headers
                body = urlencode(data) if is_form and data else json.dumps(data) if data else None
                kind = "application/x-www-form-urlencoded" if is_form else "application/json"
                client.request(method, path, body=body, headers={"Content-Type": kind} | self.headers | headers)
                answer = client.getresponse()
                content = answer.read()
                assert answer.status in (200, 201), content
        return list(self.tap.exchanges)


@pytest.fixture
def table(transactional_db: None, owner: User) -> Table:
    made = create_table(user=owner, name="t", columns=[parse_sql_type(name, text) for name, text in FIELDS.items()])
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (name, amount) SELECT 'n' || n, n FROM generate_series(1, 500) AS n")
        cursor.execute("ANALYZE userdata.t")
    return made


@pytest.fixture(scope="module")
def served(process_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Tap]]:
    """The port of a web process for all these tests, and what it sends to PostgreSQL."""
    url = process_environment["DATABASE_URL"]
    server = urlsplit(url)
    with tapped(server.hostname or "", server.port or 5432) as tap:
        urls = {name: process_environment.get(name, "") for name in ("DATABASE_URL", "READER_URL")}
        through = {name: url.replace(f":{server.port}/", f":{tap.port}/") for name, url in urls.items()}
        environment = process_environment | {
            **through,
            "DATABASE_POOL_SIZE": "1",
            "DEBUG": "1",  # no static files are collected
        }
        with web_process(environment, tmp_path_factory.mktemp("tapped")) as port:
            yield port, tap


@pytest.fixture
def web(table: Table, owner: User, served: tuple[int, Tap]) -> Web:
    return Web(*served, {"Authorization": f"Bearer {RefreshToken.for_user(owner).access_token}"})


@pytest.fixture
def session(web: Web, owner: User) -> dict[str, str]:
    """Headers of the owner's browser."""
    client = Client()
    client.force_login(owner)
    client.get("/login/")
    cookies = {name: morsel.value for name, morsel in client.cookies.items()}
    token = cookies.setdefault("csrftoken", "x" * 32)
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), "X-CSRFToken": token}


PARTIAL = {"HX-Request": "true", "HX-Request-Type": "partial"}


def check(exchanges: list[str], most: int) -> None:
    assert len(exchanges) <= most, "\n".join(exchanges)


def test_the_api(web: Web) -> None:
    check(web.exchanges("GET", "/api/tables/t/records/7/"), 3)
    check(web.exchanges("GET", "/api/tables/t/records/?limit=50"), 4)
    check(web.exchanges("POST", "/api/tables/t/records/", {"name": "n", "amount": "1.5", "day": "2024-02-29"}), 3)


def test_the_api_with_an_api_token(web: Web, owner: User) -> None:
    _, text = create_token(user=owner, name="script", right="edit", tables=["t"])
    check(web.exchanges("GET", "/api/tables/t/records/7/", Authorization=f"Bearer {text}"), 3)
    check(web.exchanges("POST", "/api/tables/t/records/", {"name": "n"}, Authorization=f"Bearer {text}"), 3)


def test_the_api_for_a_user_with_a_granted_right(web: Web, table: Table, colleague: User) -> None:
    token = RefreshToken.for_user(colleague).access_token
    group = Group.objects.create(name="readers")
    colleague.groups.add(group)
    assign_perm("edit_table", group, table)
    check(web.exchanges("GET", "/api/tables/t/records/7/", Authorization=f"Bearer {token}"), 3)
    group.delete()
    assign_perm("view_table", colleague, table)
    check(web.exchanges("GET", "/api/tables/t/records/7/", Authorization=f"Bearer {token}"), 3)


def test_the_grid(web: Web, table: Table, session: dict[str, str]) -> None:
    check(web.exchanges("GET", "/tables/t/", **session), 5)
    check(web.exchanges("GET", "/tables/t/?order_by=-name&search=1", **session, **PARTIAL), 5)
    path = f"/tables/t/records/7/{table.columns.get(name='name').attribute}/"
    check(web.exchanges("POST", path, {"value": "x"}, **session, **PARTIAL), 7)
