"""Every error has one shape, whoever or whatever is at fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from dataengine.models import Table
from dataengine.services import records as record_services

from .conftest import MakeTable


def error(answer: Any) -> dict[str, Any]:
    """The error of an answer, whose shape is checked."""
    assert answer["Content-Type"].startswith("application/json")
    body = answer.json()
    assert list(body) == ["error"]
    assert {"code", "message", "fields"} <= set(body["error"])
    assert isinstance(body["error"]["message"], str)
    assert body["error"]["message"]
    assert "<" not in body["error"]["message"]
    assert "SELECT" not in body["error"]["message"]
    found: dict[str, Any] = body["error"]
    return found


@pytest.mark.parametrize(
    "path", ["/api", "/api/", "/api/nope/", "/api/tables", "/api/tables/a/b/c/", "/api/records/1/"]
)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "patch"])
def test_unknown_addresses(db: None, path: str, method: str) -> None:
    answer = getattr(Client(), method)(path)
    assert answer.status_code == 404
    assert error(answer)["code"] == "not_found"


@pytest.mark.parametrize(
    "path", ["/api/tables/", "/api/get-records/?table_name=x", "/api/imports/", "/api/tables/x/export/"]
)
def test_without_token(db: None, path: str) -> None:
    answer = Client().get(path)
    assert answer.status_code == 401
    assert error(answer)["code"] == "not_authenticated"
    assert answer["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("header", ["Bearer x", "Bearer", "Bearer a b", "Basic eDp5", "Token x", "Bearer é"])
def test_with_a_bad_token(db: None, header: str) -> None:
    answer = Client().get("/api/tables/", headers={"authorization": header})
    assert answer.status_code == 401
    error(answer)


def test_sessions_do_not_open_the_api(owner: User) -> None:
    browser = Client()
    browser.force_login(owner)
    assert browser.get("/api/tables/").status_code == 401


@pytest.mark.parametrize(
    "body",
    ["{", "[", "nul", '{"a":}', b"\xff\xfe", '{"a": NaN}', '{"a": 1e999}', "[" * 100_000, '{"a": ' + "9" * 5000 + "}"],
)
def test_malformed_json(client: APIClient, body: str | bytes) -> None:
    answer = client.post("/api/create-table/", body, content_type="application/json")
    assert answer.status_code == 400
    error(answer)


@pytest.mark.parametrize("body", ["[]", "[1]", '"x"', "1", "null", "true", "{}"])
@pytest.mark.parametrize("path", ["create-table", "add-column", "insert-record", "token", "token/refresh"])
def test_json_that_is_not_an_object(client: APIClient, path: str, body: str) -> None:
    answer = client.post(f"/api/{path}/", body, content_type="application/json")
    assert answer.status_code == 400
    assert error(answer)["fields"]


def test_other_media_types(client: APIClient) -> None:
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "application/xml", "nonsense"):
        answer = client.post("/api/create-table/", "a=b", content_type=content_type)
        assert answer.status_code == 415
        error(answer)


@pytest.mark.parametrize("path", ["/api/tables/none/records/bulk/", "/api/tables/none/records/1/"])
def test_other_media_types_where_the_address_is_at_fault_first(client: APIClient, path: str) -> None:
    answer = client.patch(path, "a: b", content_type="application/yaml")
    assert answer.status_code in {404, 415}
    assert answer.json()["error"]["code"] in {"table_not_found", "unsupported_media_type"}


def test_any_accept_header_gets_json(client: APIClient) -> None:
    assert client.get("/api/tables/", headers={"accept": "text/html"}).status_code == 200
    error(client.get("/api/tables/x/", headers={"accept": "text/html"}))


def test_schema_and_docs_whatever_is_accepted(db: None) -> None:
    for accept in ("text/html", "application/xml", "image/png", "*/*"):
        for path, content_type in (
            ("schema", "application/json"),
            ("docs", "text/html; charset=utf-8"),
        ):
            answer = Client().get(f"/api/{path}/", headers={"accept": accept})
            assert (answer.status_code, answer["Content-Type"]) == (200, content_type)
    assert error(Client().post("/api/docs/"))["code"] == "method_not_allowed"


def test_requests_that_come_to_no_view(db: None) -> None:
    for path in ("/api/tables/", "/api/nope/"):
        answer = Client().get(path, headers={"host": "evil.example"})
        assert (answer.status_code, error(answer)["code"]) == (400, "bad_request")
    assert Client().get("/", headers={"host": "evil.example"})["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"])
@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("insert-record", {"table_name": "t", "data": {"a": "*"}}, "a"),
        ("insert-record", {"table_name": "t", "data": {"j": {"x": ["*"]}}}, "x"),
        ("insert-record", {"table_name": "t", "data": {"*": 1}}, "data"),
        ("insert-record", {"table_name": "*", "data": {}}, "table_name"),
        ("create-table", {"table_name": "*", "fields": {"a": "TEXT"}}, "table_name"),
        ("create-table", {"table_name": "u", "fields": {"*": "TEXT"}}, "fields"),
        ("create-table", {"table_name": "u", "fields": {"a": "TEXT DEFAULT '*'"}}, "a"),
        ("token", {"username": "*", "password": "x"}, "username"),
    ],
)
def test_text_that_postgresql_cannot_hold(
    client: APIClient, make_table: MakeTable, text: str, path: str, body: dict[str, Any], field: str
) -> None:
    make_table("t", a="TEXT", j="JSONB")
    sent = json.dumps(body).replace("*", json.dumps(text)[1:-1])
    answer = client.post(f"/api/{path}/", sent, content_type="application/json")
    assert answer.status_code == 400
    assert list(error(answer)["fields"]) == [field]


BAD_PARAMETERS: list[tuple[str, str]] = [
    ("page=0", "page"), ("page=-1", "page"), ("page=x", "page"), ("page=1.5", "page"),
    (f"page={10**12 + 1}", "page"), (f"page={10**30}", "page"), (f"limit={10**30}", "limit"), ("limit=0", "limit"),
    ("limit=1001", "limit"), ("limit=", "limit"), ("limit=" + "9" * 2000, "limit"), ("order_by=nope", "order_by"),
    ("order_by=-", "order_by"), ("order_by=a__b", "order_by"), ("order_by=pk", "order_by"),
    ("order_by=%00", "order_by"), ("order_by=j", "order_by"), ("order_direction=up", "order_direction"),
    ("count=some", "count"), ("cursor=x", "cursor"), ("cursor=%00", "cursor"), ("nope=1", "nope"),
    ("a__nope=1", "a__nope"), ("_connector=OR", "_connector"), ("a=%00", "a"), ("search=%00", "search"),
    ("n__gt=abc", "n__gt"), ("n=1e5", "n"), ("n__in=1,x", "n__in"), ("n__range=1", "n__range"),
    ("n__range=1,2,3", "n__range"), ("n=" + "9" * 40, "n"), ("a__iregex=(", "a__iregex"), ("j=1", "j"),
    ("j__isnull=perhaps", "j__isnull"), ("d__year=x", "d__year"), ("d__month=13", "d__month"), ("d=tomorrow", "d"),
    ("c1=1", "c1"), ("id__contains=1", "id__contains"), ("a=1&a=2", "a"), ("pk=1", "pk"), ("d__date=x", "d__date"),
    ("table=1", "table"), ("__=1", "__"), ("a__=1", "a__"), ('a__in="x', "a__in"),
    ("_negated=1", "_negated"), ("pk__in=1", "pk__in"), ("id__pk=1", "id__pk"), ("filter=x", "filter"),
    ("a__a=x", "a__a"), ("a____exact=x", "a____exact"), ("a__exact__exact=x", "a__exact__exact"),
    ("a__filter=x", "a__filter"), ("d__year__gt=1", "d__year__gt"), ("objects=1", "objects"), ("A=x", "A"),
    ("a__EXACT=x", "a__EXACT"), ("a__iregex=[", "a__iregex"), ("a__iregex=a{99999}", "a__iregex"),
    ("p=1_000", "p"), ("p=%D9%A1", "p"), ("f=1_0", "f"), ("f__lt=1e999", "f__lt"), ("p__in=1,,2", "p__in"),
    ("n=%D9%A1", "n"), ("n__isnull=maybe", "n__isnull"),
]  # fmt: skip


def test_bad_list_parameters_are_named(client: APIClient, make_table: MakeTable, subtests: pytest.Subtests) -> None:
    make_table("t", a="TEXT", n="INTEGER", d="DATE", j="JSON", p="NUMERIC", f="REAL")
    for query, field in BAD_PARAMETERS:
        with subtests.test(query=query, field=field):
            for url in ("/api/get-records/?table_name=t&", "/api/tables/t/records/?"):
                answer = client.get(url + query)
                assert answer.status_code == 400, answer.content
                assert list(error(answer)["fields"]) == [field]


def test_huge_numbers(client: APIClient, make_table: MakeTable) -> None:
    make_table("t", a="TEXT")
    huge = 10**30
    for url in ("/api/get-records/?table_name=t&", "/api/tables/t/records/?", "/api/tables/?", "/api/imports/?"):
        assert client.get(f"{url}page={10**12}&limit=1000").json()["results"] == []
        for parameter in ("page", "limit"):
            answer = client.get(f"{url}{parameter}={huge}")
            assert (answer.status_code, list(error(answer)["fields"])) == (400, [parameter])
    for answer in (
        client.put("/api/update-record/", {"table_name": "t", "id": huge, "data": {}}),
        client.delete("/api/delete-record/", {"table_name": "t", "id": -huge}),
    ):
        assert answer.status_code == 400
        assert list(error(answer)["fields"]) == ["id"]
    assert client.get(f"/api/imports/{huge}/").status_code == 404
    for beyond in (2**63, huge, "9" * 5000):
        assert client.get(f"/api/tables/t/records/{beyond}/").status_code == 404


@pytest.mark.parametrize("name", ["%00", "a%00", "%F0%9F%92%A5", "..", "%2e%2e", "'", "%FF", "x" * 300])
def test_odd_table_names_in_addresses(client: APIClient, name: str) -> None:
    for path in (f"/api/tables/{name}/", f"/api/tables/{name}/records/", f"/api/tables/{name}/columns/{name}/"):
        answer = client.get(path)
        assert answer.status_code in {400, 404}
        error(answer)


def test_a_body_too_large(client: APIClient, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000
    answer = client.post("/api/create-table/", {"table_name": "x" * 2_000, "fields": {}})
    assert answer.status_code == 413
    assert error(answer)["code"] == "too_large"


def test_our_own_faults_are_json_too(client: APIClient, make_table: MakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**kwargs: Any) -> None:
        raise ZeroDivisionError

    make_table("t", a="TEXT")
    monkeypatch.setattr(record_services, "insert_record", fail)
    client.raise_request_exception = False
    answer = client.post("/api/insert-record/", {"table_name": "t", "data": {}})
    assert answer.status_code == 500
    assert error(answer)["code"] == "internal_error"


@pytest.mark.django_db(transaction=True)
def test_busy_tables_and_slow_queries(
    client: APIClient, make_table: MakeTable, second_connection: Callable[[], Any]
) -> None:
    from django.db import connection

    make_table("t", a="TEXT")
    client.post("/api/insert-record/", {"table_name": "t", "data": {"a": "x"}})
    other = second_connection()
    other.execute("BEGIN; LOCK TABLE userdata.t IN ACCESS EXCLUSIVE MODE")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    busy = client.put("/api/update-record/", {"table_name": "t", "id": 1, "data": {"a": "y"}})
    assert (busy.status_code, error(busy)["code"], busy["Retry-After"]) == (503, "table_busy", "1")
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET statement_timeout = '50ms'")
    slow = client.get("/api/tables/t/records/1/")
    with connection.cursor() as cursor:
        cursor.execute("RESET statement_timeout; RESET lock_timeout")
    assert (slow.status_code, error(slow)["code"]) == (503, "query_timeout")
    other.execute("ROLLBACK")
    assert Table.objects.count() == 1
