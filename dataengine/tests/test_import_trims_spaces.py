"""Spaces around cells are ignored except in plain text; addresses of all scripts are accepted."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.tests.importing import import_text, make_table, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)

_COLUMNS = {
    "t": "TEXT", "e": "EMAIL", "u": "URL", "c": "CHOICE('a b','c')", "n": "NUMERIC", "d": "DATE", "b": "BOOLEAN",
}  # fmt: skip
_ROWS = (
    "t,e,u,c,n,d,b\n"
    " x ,a@x.org , http://x.org\t, c ,\t1.5,2024-01-31 , true\n"
    " x ,\u00a0b@x.org,http://x.org,a b,2,2024-01-31,no \n"
)


def test_spaces_are_kept_in_plain_text_only(owner: User) -> None:
    make_table(owner, "A", **_COLUMNS)
    job = import_text(owner, "A", _ROWS)
    assert rejected(job) == []
    assert records("A", *_COLUMNS) == [
        (" x ", "a@x.org", "http://x.org", "c", "1.5", "2024-01-31", "true"),
        (" x ", "b@x.org", "http://x.org", "a b", "2", "2024-01-31", "false"),
    ]


def test_spaces_can_be_ignored_everywhere(owner: User) -> None:
    make_table(owner, "A", **_COLUMNS)
    job = import_text(owner, "A", _ROWS + '"",,,,,,\n   ,,,,,,true\n', trim=True)
    assert rejected(job) == []
    assert [text for (text,) in records("A", "t")] == ["x", "x", "", None]


def test_spaces_can_be_kept_in_addresses_and_choices(owner: User) -> None:
    make_table(owner, "A", **_COLUMNS)
    job = import_text(owner, "A", _ROWS, trim=False)
    assert rejected(job) == [
        (2, [("e", "invalid_type"), ("u", "invalid_type"), ("c", "constraint_failed")]),
        (3, [("e", "invalid_type")]),
    ]


def test_a_unique_address_is_the_same_with_spaces_around_it(owner: User) -> None:
    make_table(owner, "A", e="EMAIL UNIQUE")
    job = import_text(owner, "A", "e\na@x.org \n a@x.org\n")
    assert records("A", "e") == [("a@x.org",)]
    assert rejected(job) == [(3, [("e", "duplicate_in_file")])]


_ADDRESSES = [
    ("ü@ä.de", "HTTPS://X.org"),
    ("jörg.müller+x@bücher.example", "http://bücher.example/ä?ö"),
    ("用户@例子.广告", "hTTp://例子.广告/"),
    ("a@x.org", "ftp://x.org"),
]
_NO_ADDRESSES = [
    ("Ada <a@x.org>", "http://x y"),
    ("“a@x.org”", "www.x.org"),
    ("a@localhost", "mailto:a@x.org"),
    ("a\u200b@x.org", "javascript:alert(1)"),
    ("a@-ä.de", "http://"),
]


def test_addresses_of_the_whole_world_go_in_by_file_and_by_hand(owner: User, client: APIClient) -> None:
    make_table(owner, "A", e="EMAIL", u="URL")
    text = "e,u\n" + "".join(f"{email},{url}\n" for email, url in _ADDRESSES)
    assert rejected(import_text(owner, "A", text)) == []
    for email, url in _ADDRESSES:
        body = {"table_name": "A", "data": {"e": email, "u": url}}
        assert client.post("/api/insert-record/", body, format="json").status_code == 201
    assert records("A", "e", "u") == _ADDRESSES * 2


def test_what_is_no_address_is_refused_by_file_and_by_hand(owner: User, client: APIClient) -> None:
    make_table(owner, "A", e="EMAIL", u="URL")
    text = "e;u\n" + "".join(f"{email};{url}\n" for email, url in _NO_ADDRESSES)
    job = import_text(owner, "A", text)
    assert [errors for _, errors in rejected(job)] == [[("e", "invalid_type"), ("u", "invalid_type")]] * 5
    for email, url in _NO_ADDRESSES:
        answer = client.post("/api/insert-record/", {"table_name": "A", "data": {"e": email, "u": url}}, format="json")
        assert answer.status_code == 400
        assert set(answer.json()["error"]["fields"]) == {"e", "u"}
