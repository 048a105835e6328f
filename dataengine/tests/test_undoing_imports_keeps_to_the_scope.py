"""Whoever undoes an import, or does it again, changes other tables no further than user and token may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from guardian.shortcuts import remove_perm
from rest_framework.test import APIClient

from dataengine.models import ImportJob, Table
from dataengine.services import change_runs
from dataengine.tests.importing import import_text, make_table, records

pytestmark = pytest.mark.django_db(transaction=True)

CREATE = {"customer": {"match": "email", "missing": "create"}}


@pytest.fixture
def job(owner: User) -> ImportJob:
    make_table(owner, "customers", email="EMAIL UNIQUE")
    make_table(owner, "orders", what="TEXT", customer="REFERENCES customers")
    return import_text(owner, "orders", "what,customer\n1,a@x.org\n2,b@x.org\n", references=CREATE)


def scoped(client: APIClient, **given: Any) -> APIClient:
    text = client.post("/api/account/tokens/", {"name": "script", **given}).json()["token"]
    script = APIClient()
    script.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
    return script


def do(client: APIClient, job: ImportJob, verb: str) -> str:
    """Have it done, and how that ended."""
    answer = client.post(f"/api/imports/{job.pk}/{verb}/", {})
    assert answer.status_code == 202, answer.content
    change = change_runs.run(answer.json()["id"])
    assert change is not None
    return str(change.state)


def refused(client: APIClient, job: ImportJob, verb: str) -> tuple[int, str]:
    answer = client.post(f"/api/imports/{job.pk}/{verb}/", {})
    return answer.status_code, answer.json()["error"]["code"]


def test_a_token_takes_no_records_out_of_a_table_that_is_not_its(client: APIClient, job: ImportJob) -> None:
    script = scoped(client, right="own", tables=["orders"])
    assert script.get("/api/tables/customers/").status_code == 404
    assert do(script, job, "undo") == "completed"
    assert (len(records("customers")), records("orders")) == (2, [])
    assert do(script, job, "redo") == "completed"
    assert (len(records("customers")), len(records("orders"))) == (2, 2)
    assert do(scoped(client, right="edit"), job, "undo") == "completed"
    assert (records("customers"), records("orders")) == ([], [])


def test_what_comes_back_elsewhere_takes_the_right_to_edit_there(
    client: APIClient, job: ImportJob, share: Any, colleague: User, api: Any
) -> None:
    orders, customers = (Table.objects.get(name=name) for name in ("orders", "customers"))
    share(orders, colleague, "edit")
    whole = records("customers"), records("orders")
    assert do(client, job, "undo") == "completed"
    for answer in (
        refused(api(colleague), job, "redo"), refused(scoped(client, right="own", tables=["orders"]), job, "redo"),
    ):  # fmt: skip
        assert answer == (403, "permission_denied")
    assert records("customers") == []
    share(customers, colleague, "edit")
    queued = api(colleague).post(f"/api/imports/{job.pk}/redo/", {}).json()["id"]
    remove_perm("edit_table", colleague, customers)
    change = change_runs.run(queued)
    assert change is not None
    assert (change.state, records("customers")) == ("failed", [])
    assert do(client, job, "redo") == "completed"
    assert (records("customers"), records("orders")) == whole


def test_a_table_comes_back_from_the_trash_without_others(owner: User, client: APIClient) -> None:
    make_table(owner, "customers", email="EMAIL UNIQUE")
    job = import_text(
        owner, "made", "what,customer\n1,a@x.org\n", create_table=True, references=CREATE,
        types={"customer": "REFERENCES customers"},
    )  # fmt: skip
    script = scoped(client, right="own", tables=["made"])
    assert do(client, job, "undo") == "completed"
    assert refused(script, job, "redo") == (403, "permission_denied")
    [item] = script.get("/api/trash/").json()["results"]
    restored = script.post(f"/api/trash/{item['id']}/restore/")
    assert restored.status_code == 200, restored.content
    assert (records("customers"), records("made", "what", "customer")) == ([], [("1", None)])
