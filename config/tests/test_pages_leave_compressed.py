"""Pages are compressed, exports and JSON are not."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from django.test import Client
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.columns.sql_types import parse_sql_type
from dataengine.services.tables import create_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PACKED = {"Accept-Encoding": "gzip, deflate"}


@pytest.fixture
def browser(client: Client, owner: User) -> Client:
    table = create_table(user=owner, name="t", columns=[parse_sql_type("name", "TEXT")])
    client.force_login(table.owner)
    return client


def test_a_page(browser: Client) -> None:
    plain, packed = browser.get("/tables/t/"), browser.get("/tables/t/", headers=PACKED)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.content) < len(plain.content) / 3
    assert b"<h1>t</h1>" in gzip.decompress(packed.content)
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_a_part_of_a_page(browser: Client) -> None:
    part = browser.get("/tables/t/", headers=PACKED | {"HX-Request": "true", "HX-Request-Type": "partial"})
    assert b'<div id="grid">' in gzip.decompress(part.content)


def test_the_same_page_is_never_of_the_same_length(browser: Client) -> None:
    """Otherwise somebody who makes a victim's browser request pages could learn their contents from their lengths."""
    assert len({len(browser.get("/tables/t/", headers=PACKED).content) for _ in range(20)}) > 1


def test_what_is_no_page(browser: Client, owner: User) -> None:
    token = {"Authorization": f"Bearer {RefreshToken.for_user(owner).access_token}"}
    export = browser.get("/tables/t/export/csv/", headers=PACKED)
    listing = browser.get("/api/tables/t/records/", headers=PACKED | token)
    for answer in (export, listing):
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer.headers
