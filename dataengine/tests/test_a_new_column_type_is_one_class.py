"""A new column type is one class: it works in the whole engine without changes to other files."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from rest_framework.test import APIClient

from dataengine.columns.types import BY_SQL_NAME, REGISTRY, register
from dataengine.models import Table
from dataengine.profiles.profiles import profiles
from dataengine.tests.address_type import Address, registered
from dataengine.tests.importing import import_text, records

if TYPE_CHECKING:
    from django.contrib.auth.models import User

# An import into an existing table takes its ids in a session of its own.
pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = {"host": "TEXT UNIQUE", "ip": "INET NOT NULL", "gateway": "INET DEFAULT '192.0.2.1'"}


@pytest.fixture(autouse=True)
def address() -> Iterator[Address]:
    with registered() as kind:
        yield kind


@pytest.fixture
def hosts(client: APIClient) -> Table:
    """A table with two records, made through the API."""
    answer = client.post("/api/create-table/", {"table_name": "hosts", "fields": FIELDS})
    assert answer.status_code == 201, answer.json()
    described = {column["column_name"]: column for column in answer.json()["columns"]}
    assert (described["ip"]["column_type"], described["ip"]["type"]) == ("INET", "address")
    for host, ip in (("a", " 10.0.0.10 "), ("b", "2001:DB8::1")):
        assert insert(client, host=host, ip=ip).status_code == 201
    return Table.objects.get(name="hosts")


def insert(client: APIClient, **data: Any) -> Any:
    return client.post("/api/insert-record/", {"table_name": "hosts", "data": data})


def found(client: APIClient, query: str) -> list[str]:
    answer = client.get(f"/api/get-records/?table_name=hosts&order_by=ip&{query}")
    assert answer.status_code == 200, answer.json()
    return [record["host"] for record in answer.json()["results"]]


@pytest.mark.usefixtures("hosts")
def test_values_are_taken_and_refused(client: APIClient) -> None:
    answer = insert(client, host="c", ip="10.0.0.9", gateway="fe80::1")
    assert answer.json() == {"id": 3, "host": "c", "ip": "10.0.0.9", "gateway": "fe80::1"}
    for wrong in ("10.0.0.256", "", 5, True, [1]):
        answer = insert(client, host="d", ip=wrong)
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["ip"]), wrong
    assert answer.json()["error"]["fields"]["ip"] == ["Give one value."]
    assert insert(client, host="d", ip="x").json()["error"]["fields"]["ip"] == ["Enter an IPv4 or IPv6 address."]
    assert insert(client, host="d", ip=None).json()["error"]["fields"]["ip"] == ["This field may not be null."]
    assert records("hosts", "ip", "gateway")[0] == ("10.0.0.10/32", "192.0.2.1/32")


def test_a_default_is_a_value(client: APIClient) -> None:
    fields = {"ip": "INET DEFAULT 'nowhere'"}
    answer = client.post("/api/create-table/", {"table_name": "t", "fields": fields})
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["ip"])


def test_records_are_changed_and_changes_taken_back(client: APIClient, hosts: Table) -> None:
    changes = [{"id": pk, "data": {"ip": ip}} for pk, ip in ((1, "2001:db8::1"), (2, "10.0.0.10"))]
    answer = client.patch(f"/api/tables/{hosts.name}/records/bulk/", {"records": changes})
    assert answer.status_code == 200
    assert records("hosts", "ip") == [("2001:db8::1/128",), ("10.0.0.10/32",)]
    undone = client.post(f"/api/tables/{hosts.name}/undo/", {"event": int(answer["X-Undo"])})
    assert undone.status_code == 200
    assert records("hosts", "ip") == [("10.0.0.10/32",), ("2001:db8::1/128",)]


@pytest.mark.usefixtures("hosts")
def test_lists_are_filtered_sorted_and_searched(client: APIClient) -> None:
    insert(client, host="c", ip="10.0.0.9")
    assert found(client, "") == ["c", "a", "b"]
    assert found(client, "ip=2001:db8:0::1") == ["b"]
    assert found(client, "ip__lt=10.0.0.10") == ["c"]
    assert found(client, "ip__in=10.0.0.9,10.0.0.10") == ["c", "a"]
    assert found(client, "ip__ne=10.0.0.9") == ["a", "b"]
    assert found(client, "search=10.0.0.9") == ["c"]
    assert found(client, "limit=1&page=2") == ["a"]
    answer = client.get("/api/get-records/?table_name=hosts&ip=10.0")
    assert answer.json()["error"]["fields"] == {"ip": ["Enter an IPv4 or IPv6 address."]}
    answer = client.get("/api/get-records/?table_name=hosts&ip__icontains=10")
    assert "the type of “ip” is ip address" in answer.json()["error"]["fields"]["ip__icontains"][0]


def test_pages_follow_one_another(client: APIClient, hosts: Table) -> None:
    first = client.get(f"/api/tables/{hosts.name}/records/?order_by=-ip&limit=1").json()
    assert [record["host"] for record in first["results"]] == ["b"]
    assert [record["host"] for record in client.get(first["next"]).json()["results"]] == ["a"]


def test_a_file_is_imported_and_a_bad_row_rejected(owner: User, hosts: Table) -> None:
    text = "host,ip,gateway\nc,10.0.0.1,\nd,10.0.0.300,::1\ne, FE80::1 ,NA\nf,,1.2.3.4\n"
    job = import_text(owner, hosts.name, text)
    assert (job.state, job.rows_imported, job.rows_rejected) == ("completed", 2, 2)
    [bad, missing] = job.rejected_rows.order_by("line")
    assert (bad.line, bad.errors) == (
        3,
        [
            {
                "column": "ip",
                "code": "invalid_type",
                "message": "expected an IPv4 or IPv6 address, found “10.0.0.300”",
            }
        ],
    )
    assert (missing.line, [error["code"] for error in missing.errors]) == (5, ["missing_value"])
    assert records("hosts", "ip", "gateway")[2:] == [("10.0.0.1/32", None), ("fe80::1/128", None)]


def test_repeats_are_found(client: APIClient, owner: User) -> None:
    client.post("/api/create-table/", {"table_name": "t", "fields": {"ip": "INET UNIQUE"}})
    job = import_text(owner, "t", "ip\n::1\n10.0.0.1\n0:0:0:0:0:0:0:1\n")
    assert [(row.line, row.errors[0]["code"]) for row in job.rejected_rows.all()] == [(4, "duplicate_in_file")]
    job = import_text(owner, "t", "ip\n10.0.0.1\n10.0.0.2\n")
    assert [(row.line, row.errors[0]["code"]) for row in job.rejected_rows.all()] == [(2, "duplicate_in_table")]


def test_a_file_makes_a_table_of_it(owner: User) -> None:
    import_text(owner, "made", "ip,nearly\n10.0.0.1,10.0.0.1\n::1,::1\nNA,here\n", create_table=True)
    made = {column.name: column.type for column in Table.objects.get(name="made").columns.all()}
    assert made == {"ip": "address", "nearly": "text"}


def test_json_schema_makes_a_table_of_it(client: APIClient) -> None:
    schema = {"type": "object", "properties": {"ip": {"type": "string", "format": "ipv4"}}}
    answer = client.post("/api/create-table/", {"table_name": "t", "json_schema": schema})
    assert [column["type"] for column in answer.json()["columns"]] == ["address"]


def test_records_are_exported(client: APIClient, hosts: Table) -> None:
    def content(form: str) -> bytes:
        answer = client.get(f"/api/tables/{hosts.name}/export/?format={form}")
        return b"".join(answer.streaming_content)  # type: ignore[attr-defined]

    assert list(csv.reader(io.StringIO(content("csv").decode())))[1:] == [
        ["1", "a", "10.0.0.10", "192.0.2.1"],
        ["2", "b", "2001:db8::1", "192.0.2.1"],
    ]
    assert [record["ip"] for record in json.loads(content("json"))] == ["10.0.0.10", "2001:db8::1"]
    assert content("xlsx").startswith(b"PK")


def test_its_chart_leads_to_its_records(client: APIClient, hosts: Table) -> None:
    columns = list(hosts.columns.all())
    drawn = profiles(hosts, columns)
    assert drawn is not None
    [bar] = drawn.columns[2].bars
    assert (bar.words, bar.count, bar.filters) == ("192.0.2.1", 2, {"exact": "192.0.2.1"})
    assert found(client, f"gateway={bar.filters['exact']}") == ["a", "b"]


def test_the_documentation_names_it(client: APIClient) -> None:
    assert "address" in client.get("/api/schema/?format=json").content.decode()


def test_what_it_can_be_changed_into(address: Address) -> None:
    assert address.change_into(REGISTRY["text"], {}) == "lossless"
    assert address.change_into(REGISTRY["varchar"], {"length": 20}) == "checked"
    assert address.change_into(REGISTRY["date"], {}) == "refused"
    assert REGISTRY["text"].change_into(address, {}) == "checked"


def test_names_are_taken_once(address: Address) -> None:
    with pytest.raises(ValueError, match="INET, address"):
        register(address)
    assert (REGISTRY["address"], BY_SQL_NAME["INET"]) == (address, address)
