"""Recipes: how a file was imported, kept under a name for the next one, and what differs from it is said."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, ImportJob, Recipe, Table
from dataengine.services import import_runs
from dataengine.tests.importing import import_text, make_table, records

pytestmark = pytest.mark.django_db(transaction=True)

URL = "/api/tables/orders/recipes/"
TEXT = "What;When;Who;Price\ndesk;01.02.2024;Ann;1,50\nlamp;n/a;Bob;2,00\n"
GIVEN: dict[str, Any] = {
    "mapping": {"What": "what", "When": "day", "Who": "customer", "Price": None},
    "null_values": ["n/a"], "key": "what", "on_conflict": "update",
    "references": {"customer": {"match": "name", "missing": "create"}},
}  # fmt: skip


@pytest.fixture
def orders(owner: User) -> Table:
    """Orders that refer to customers."""
    make_table(owner, "customers", name="TEXT UNIQUE")
    return make_table(owner, "orders", what="TEXT UNIQUE", day="DATE", customer="REFERENCES customers", price="NUMERIC")


def upload(client: APIClient, text: str, **options: Any) -> tuple[int, dict[str, Any]]:
    """The answer to an upload."""
    body = {"file": SimpleUploadedFile("orders.csv", text.encode()), "options": json.dumps(options)}
    answer = client.post("/api/tables/orders/imports/", body, format="multipart")
    return answer.status_code, answer.json()


def done(client: APIClient, text: str, **options: Any) -> dict[str, Any]:
    """The import once it is over."""
    status, job = upload(client, text, **options)
    assert status == 202, job
    import_runs.run(job["id"])
    finished: dict[str, Any] = client.get(f"/api/imports/{job['id']}/").json()
    return finished


@pytest.mark.usefixtures("orders")
def test_an_import_like_another(client: APIClient, owner: User) -> None:
    first = import_text(owner, "orders", TEXT, **GIVEN)
    made = client.post(URL, {"name": "monthly", "import": first.pk})
    assert made.status_code == 201, made.json()
    recipe = made.json()
    assert recipe["name"] == "monthly"
    assert recipe["options"] == {**GIVEN, "date_formats": {"day": ["%d.%m.%Y"]}}
    assert recipe["headers"] == ["What", "When", "Who", "Price"]
    assert recipe["types"] == {"what": "text", "day": "date", "customer": "reference"}
    assert (recipe["created_by"], recipe["url"]) == ("owner", f"http://testserver{URL}monthly/")
    job = done(client, "What;When;Who;Price\nlamp;02.03.2024;Cid;5\n", recipe="monthly")
    assert (job["rows_updated"], job["rows_rejected"], job["warnings"]) == (1, 0, [])
    assert job["findings"]["recipe"] == {
        "name": "monthly", "new": [], "missing": [], "moved": [], "gone": [], "changed": [],
    }  # fmt: skip
    assert records("orders", "what", "day", "price")[1] == ("lamp", "2024-03-02", None)
    assert records("customers", "name") == [("Ann",), ("Bob",), ("Cid",)]


@pytest.mark.usefixtures("orders")
def test_what_differs_is_said_before_anything_happens(client: APIClient, owner: User) -> None:
    first = import_text(owner, "orders", TEXT, **GIVEN)
    client.post(URL, {"name": "monthly", "import": first.pk})
    status, job = upload(client, "Price;What;Note;price\n9;chair;x;7\n", recipe="monthly")
    assert status == 202
    assert job["findings"]["recipe"] == {
        "name": "monthly", "new": ["Note", "price"], "missing": ["When", "Who"], "moved": ["Price"],
        "gone": [], "changed": [],
    }  # fmt: skip
    [warning] = job["warnings"]
    assert warning["code"] == "recipe_differs"
    assert warning["message"] == (
        "This differs from the recipe “monthly”. New in the file: “Note”, “price”;"
        " missing from it: “When”, “Who”; in another place: “Price”."
    )
    import_runs.run(job["id"])
    over = client.get(f"/api/imports/{job['id']}/").json()
    assert (over["warnings"], over["findings"]["recipe"]) == (job["warnings"], job["findings"]["recipe"])
    assert records("orders", "what", "price")[-1] == ("chair", "7")


def test_columns_that_are_gone_or_changed_are_said(client: APIClient, orders: Table, owner: User) -> None:
    first = import_text(owner, "orders", TEXT, **GIVEN)
    client.post(URL, {"name": "monthly", "import": first.pk})
    for column in ("customer", "day"):
        assert client.delete(f"/api/tables/orders/columns/{column}/").status_code == 204
    client.post("/api/tables/orders/columns/", {"column_name": "day", "column_type": "TEXT"})
    job = done(client, TEXT, recipe="monthly")
    assert job["state"] == "completed"
    assert (job["findings"]["recipe"]["gone"], job["findings"]["recipe"]["changed"]) == (["customer"], ["day"])
    assert records("orders", "what", "day")[0] == ("desk", "01.02.2024")


@pytest.mark.usefixtures("orders")
def test_what_is_given_beside_it_holds(client: APIClient, owner: User) -> None:
    client.post(URL, {"name": "a", "options": {"mapping": {"x": "what", "y": "price"}, "on_error": "abort"}})
    job = done(client, "x,y\na,oops\nb,1\n", recipe="a", on_error="skip_rows", mapping={"x": "what"})
    assert (job["state"], job["rows_rejected"]) == ("completed", 1)
    assert done(client, "x,y\nc,oops\n", recipe="a")["error_code"] == "rows_rejected"


@pytest.mark.usefixtures("orders")
def test_a_recipe_that_fits_is_proposed(client: APIClient) -> None:
    client.post(URL, {"name": "a", "options": {}, "headers": ["what", "price"]})
    client.post(URL, {"name": "b", "options": {}, "headers": ["what", "nope"]})
    _, job = upload(client, "price,what,day\n1,a,\n")
    [proposal] = job["findings"]["proposals"]
    assert (proposal["code"], proposal["options"]) == ("recipe", {"recipe": "a"})
    assert proposal["message"] in job["findings"]["notes"]
    _, job = upload(client, "price,day\n1,\n")
    assert "proposals" not in job["findings"]


@pytest.mark.usefixtures("orders")
def test_they_are_listed_written_anew_and_deleted(client: APIClient) -> None:
    assert client.get(URL).json() == {"count": 0, "next": None, "previous": None, "results": []}
    for name in ("b", "a b ü"):
        assert client.post(URL, {"name": name, "options": {"delimiter": ";"}}).status_code == 201
    assert [one["name"] for one in client.get(URL).json()["results"]] == ["a b ü", "b"]
    taken = client.post(URL, {"name": "b", "options": {}})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")
    changed = client.put(f"{URL}b/", {"name": "c", "options": {"key": "what", "on_conflict": "skip"}})
    assert (changed.status_code, changed.json()["options"]) == (200, {"key": "what", "on_conflict": "skip"})
    assert client.put(f"{URL}c/", {"name": "a b ü", "options": {}}).status_code == 409
    assert client.get(f"{URL}b/").status_code == 404
    assert client.delete(f"{URL}c/").status_code == 204
    assert client.delete(f"{URL}c/").status_code == 404
    assert client.get(f"{URL}a b ü/").json()["options"] == {"delimiter": ";"}
    actions = AuditEvent.objects.filter(action__startswith="recipe.").order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["recipe.made", "recipe.made", "recipe.changed", "recipe.deleted"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"options": {}}, "name"),
    ({"name": "a/b", "options": {}}, "name"),
    ({"name": " ", "options": {}}, "name"),
    ({"name": "a"}, "options"),
    ({"name": "a", "options": []}, "options"),
    ({"name": "a", "options": {"nope": 1}}, "options"),
    ({"name": "a", "options": {"create_table": True}}, "options"),
    ({"name": "a", "options": {"mapping": {"x": "nope"}}}, "options"),
    ({"name": "a", "options": {"key": "nope", "on_conflict": "update"}}, "options"),
    ({"name": "a", "options": {"recipe": "b"}}, "options"),
    ({"name": "a", "options": {}, "headers": "x"}, "headers"),
    ({"name": "a", "import": "x"}, "import"),
]


@pytest.mark.usefixtures("orders")
def test_what_is_no_recipe_is_refused(client: APIClient, owner: User, subtests: Any) -> None:
    for body, field in WRONG:
        with subtests.test(body=body):
            answer = client.post(URL, body)
            assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field]), answer.json()
    make_table(owner, "others", a="TEXT")
    elsewhere = import_text(owner, "others", "a\n1\n")
    assert client.post(URL, {"name": "a", "import": elsewhere.pk}).status_code == 400
    assert client.post(URL, {"name": "a", "import": 10**9}).status_code == 404
    for options in ({"recipe": "nope"}, {"recipe": 1}, {"recipe": "x", "create_table": True}):
        status, said = upload(client, "what\na\n", **options)
        assert (status, list(said["error"]["fields"])) == (400, ["recipe"])


def test_who_sees_the_table_sees_them_and_who_edits_makes_them(
    orders: Table,
    colleague: User,
    stranger: User,
    client: APIClient,
    api: Callable[[User], APIClient],
    share: Callable[[Table, User, str], Any],
) -> None:
    client.post(URL, {"name": "a", "options": {}})
    share(orders, colleague, "view")
    seen = api(colleague)
    body = {"name": "b", "options": {}}
    assert [seen.get(url).status_code for url in (URL, f"{URL}a/")] == [200, 200]
    assert seen.post(URL, body).status_code == seen.put(f"{URL}a/", body).status_code == 403
    assert seen.delete(f"{URL}a/").status_code == 403
    assert [api(stranger).get(url).status_code for url in (URL, f"{URL}a/")] == [404, 404]
    share(orders, colleague, "edit")
    assert seen.post(URL, body).status_code == 201
    deleted = client.delete("/api/delete-table/", {"table_name": "orders"})
    assert Recipe.objects.count() == 2  # it can come back
    client.delete(f"/api/trash/{deleted.headers['X-Trash']}/")
    assert Recipe.objects.count() == 0


@pytest.mark.usefixtures("orders")
def test_the_import_goes_on_without_its_recipe(client: APIClient) -> None:
    client.post(URL, {"name": "a", "options": {"mapping": {"x": "what"}}})
    _, job = upload(client, "x\na\n", recipe="a")
    client.delete(f"{URL}a/")
    finished = import_runs.run(job["id"])
    assert finished is not None
    assert (finished.state, records("orders", "what")) == (ImportJob.State.COMPLETED, [("a",)])
