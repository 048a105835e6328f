"""Changes a column through the API, and looks at what became of its values."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient


def fill(client: APIClient, table: str, column: str, values: list[Any]) -> list[int]:
    answer = client.post(f"/api/tables/{table}/records/bulk/", {"records": [{column: value} for value in values]})
    assert answer.status_code == 201, answer.content
    found: list[int] = answer.json()["ids"]
    return found


def rehearse(client: APIClient, body: dict[str, Any], column: str = "a", table: str = "t") -> Any:
    answer = client.post(f"/api/tables/{table}/columns/{column}/rehearse/", body)
    assert answer.status_code == 200, answer.content
    return answer.json()


def change(client: APIClient, body: dict[str, Any], column: str = "a", table: str = "t") -> Any:
    return client.patch(f"/api/tables/{table}/columns/{column}/", body)


def values(client: APIClient, column: str = "a", table: str = "t") -> list[Any]:
    found = client.get(f"/api/tables/{table}/records/?limit=1000&order_by=id").json()["results"]
    return [record[column] for record in found]


def undo(client: APIClient, url: str, body: dict[str, Any] | None = None) -> Any:
    return client.post(url.removeprefix("http://testserver"), body or {})
