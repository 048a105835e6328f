"""The OpenAPI schema describes every operation, and the page that shows it loads nothing from other hosts."""

from __future__ import annotations

import io
import json
import re
from contextlib import redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pytest
from django.test import Client
from drf_spectacular import validation
from drf_spectacular.drainage import GENERATOR_STATS

from dataengine.api.examples import value_of
from dataengine.api.schema import TAGS
from dataengine.api.urls import RESOURCES, VERBS
from dataengine.api.views_docs import SchemaView
from dataengine.columns.types import REGISTRY
from dataengine.models import Table
from webui.tests.browser.test_every_page_is_accessible import violations_of
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from playwright.sync_api import Page


@pytest.fixture
def schema(db: None) -> dict[str, Any]:
    found: dict[str, Any] = Client().get("/api/schema/").json()
    return found


def test_the_schema_is_valid_and_complete(db: None) -> None:
    GENERATOR_STATS.reset()
    SchemaView.generator_class.made = None  # or there would be nothing to complain of
    complaints = io.StringIO()
    with redirect_stderr(complaints):
        schema: dict[str, Any] = Client().get("/api/schema/").json()
    assert complaints.getvalue() == ""
    assert not GENERATOR_STATS
    # drf-spectacular's own validate_schema looks every anchor up in the whole specification: that takes four seconds.
    rules = json.loads((Path(validation.__file__).parent / "openapi_3_1_schema.json").read_text())
    validator = jsonschema_rs.validator_for(rules)
    validator.validate(schema)
    listing = schema["paths"]["/api/get-records/"]["get"]
    broken = {**listing, "parameters": [{**listing["parameters"][0], "in": "nowhere"}]}
    assert not validator.is_valid({**schema, "paths": {"/api/get-records/": {"get": broken}}})
    assert schema["openapi"].startswith("3.1")
    described = {
        (path, method) for path, methods in schema["paths"].items() for method in methods if method != "parameters"
    }
    for pattern in (*RESOURCES, *VERBS):
        route = re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern)).replace("{pk}", "{id}")
        view = pattern.callback.cls(**pattern.callback.initkwargs)  # type: ignore[attr-defined]
        for method in view.allowed_methods:
            assert method in {"OPTIONS", "HEAD"} or (f"/api/{route}", method.lower()) in described


def test_operations_have_names_of_their_own(schema: dict[str, Any]) -> None:
    ids = [operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()]
    assert len(set(ids)) == len(ids)
    assert {"verb_create_table", "create_table", "list_records", "verb_get_records", "token"} <= set(ids)


def test_verbs_are_described_with_their_arguments(schema: dict[str, Any]) -> None:
    listing = schema["paths"]["/api/get-records/"]["get"]
    assert {"table_name", "page", "limit", "order_by", "order_direction", "search"} <= {
        parameter["name"] for parameter in listing["parameters"]
    }
    bounds = {parameter["name"]: parameter["schema"].get("maximum") for parameter in listing["parameters"]}
    assert (bounds["page"], bounds["limit"]) == (10**12, 1000)
    [filters] = [parameter for parameter in listing["parameters"] if parameter["name"] == "filters"]
    for kind in REGISTRY.values():
        assert all(f"- `{lookup}`: " in filters["description"] for lookup in kind.lookups), kind.name
    upload = schema["paths"]["/api/upload-csv/"]["post"]["requestBody"]["content"]
    assert "multipart/form-data" in upload


def test_whatever_changes_something_takes_a_key(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            headers = {item["name"] for item in operation.get("parameters", ()) if item["in"] == "header"}
            takes = method != "get" and not path.startswith("/api/token/")
            assert headers - {"If-Match"} == ({"Idempotency-Key"} if takes else set()), (method, path)


def test_the_schema_comes_as_yaml_too(db: None) -> None:
    answer = Client().get("/api/schema/", headers={"accept": "application/vnd.oai.openapi"})
    assert answer.status_code == 200
    assert answer.content.startswith(b"openapi: 3.1")


def test_the_page_has_no_inline_script(db: None) -> None:
    answer = Client().get("/api/docs/")
    assert answer.status_code == 200
    page = read(answer)
    assert "://" not in page.source
    assert page.elements("script")
    assert all("src" in script.attributes and not script.words for script in page.elements("script"))
    script = Client().get("/api/docs/?script=")
    assert script["Content-Type"].startswith("application/javascript")


def test_operations_are_grouped_by_what_one_wants_to_do(schema: dict[str, Any]) -> None:
    used = [tag for methods in schema["paths"].values() for operation in methods.values() for tag in operation["tags"]]
    assert set(used) == {tag["name"] for tag in schema["tags"]} == set(TAGS)
    for path, tag in {
        "/api/create-table/": "Design tables", "/api/get-records/": "Read and write records",
        "/api/upload-csv/": "Import files", "/api/add-column/": "Design tables", "/api/token/": "Log in",
        "/api/tables/{table_name}/columns/": "Design tables", "/api/imports/{id}/rejected/": "Import files",
        "/api/tables/{table_name}/undo/": "Take back", "/api/trash/": "Take back",
    }.items():  # fmt: skip
        assert [tag] == next(iter(schema["paths"][path].values()))["tags"], path


def test_examples_are_of_one_s_own_tables(client: Any, owner: User) -> None:
    plain = [kind for kind in REGISTRY.values() if not kind.is_reference and kind.name not in {"choice", "choices"}]
    fields = {kind.name: kind.sql_names[0] for kind in plain} | {"color": "CHOICE('red', 'green')"}
    assert client.post("/api/create-table/", {"table_name": "all_types", "fields": fields}).status_code == 201
    table = Table.objects.get()
    for column in table.columns.all():
        answer = client.post("/api/tables/all_types/records/", {column.name: value_of(column)})
        assert answer.status_code == 201, (column.name, answer.json())
    browser = Client()
    assert "all_types" not in read(browser.get("/api/docs/")).source
    browser.force_login(owner)
    page = read(browser.get("/api/docs/"))
    assert "/api/tables/all_types/records/" in page.source
    assert page.elements("nav", aria_label="Main")


@pytest.mark.browser
def test_the_page_works_under_the_policy_and_for_everybody(page: Page) -> None:
    page.goto("/api/docs/")
    page.get_by_text("/api/create-table/").click()
    page.get_by_text("table_name").first.wait_for()
    page.locator(".opblock-summary-control", has_text="/api/get-records/").click()
    page.get_by_text("order_direction").first.wait_for()
    # Those that stay closed look alike but for their words; axe takes half a minute for all.
    alike = ".operation-tag-content > span:nth-child(n+4) > .opblock:not(.is-open)"
    assert page.locator(alike).count() > 50
    assert page.locator(".opblock:not(.is-open)").count() > page.locator(alike).count()
    assert violations_of(page, "/api/docs/", leave_out=alike) == []
