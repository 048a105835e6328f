"""Whoever is shut out while a worker changes something has changed nothing: rights are asked before the commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.imports.loading.judging import Verdicts
from dataengine.models import ChangeJob
from dataengine.postgres.successor import Successor
from dataengine.records.imported import Imported
from dataengine.services import change_runs, column_undo
from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.retyping import PRICE, done, few_are_many, make_sold, nothing_is_left, values

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def shut_out_after(owner: User, monkeypatch: pytest.MonkeyPatch) -> Callable[[type, str, int], None]:
    """Runs a change whose user is shut out right after its last step, in its own transaction: that is late enough."""

    def run(of: type, step: str, job_id: int) -> None:
        original = getattr(of, step)

        def held(*arguments: Any, **options: Any) -> Any:
            answer = original(*arguments, **options)
            User.objects.filter(pk=owner.pk).update(is_active=False)
            return answer

        with monkeypatch.context() as patched:
            patched.setattr(of, step, held)
            change_runs.run(job_id)
        ended = ChangeJob.objects.get(pk=job_id)
        assert (ended.state, ended.error_code) == ("failed", "permission_denied")
        owner.refresh_from_db()
        assert owner.is_active  # that was taken back with the rest

    return run


def test_columns(
    client: APIClient,
    owner: User,
    shut_out_after: Callable[[type, str, int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    few_are_many(monkeypatch)
    monkeypatch.setattr(column_undo, "MANY", 50)
    make_sold(owner)
    before = values("price")
    asked = client.patch(PRICE, {"column_type": "NUMERIC"})
    shut_out_after(Successor, "take_the_place", asked.json()["id"])
    assert (values("price"), client.get(PRICE).json()["column_type"]) == (before, "TEXT")
    event = done(client.patch(PRICE, {"column_type": "NUMERIC"}).json()["id"]).event
    assert event is not None
    after = values("price")
    asked = client.post(f"/api/tables/sold/undo/{event.pk}/", {})
    shut_out_after(Successor, "take_the_place", asked.json()["id"])
    assert (values("price"), client.get(PRICE).json()["column_type"]) == (after, "NUMERIC")
    nothing_is_left(asked.json()["id"])


def test_rejected_rows_and_imports(
    client: APIClient, owner: User, shut_out_after: Callable[[type, str, int], None]
) -> None:
    make_table(owner, "t", n="INTEGER")
    job = import_text(owner, "t", "n\n1\nx\n")
    assert client.patch(f"/api/imports/{job.pk}/rejected/3/", {"cells": {"n": "2"}}).status_code == 200
    shut_out_after(Verdicts, "take_out_accepted", client.post(f"/api/imports/{job.pk}/rejected/retry/").json()["id"])
    assert (records("t", "n"), job.rejected_rows.count()) == ([("1",)], 1)
    shut_out_after(Imported, "remove_made", client.post(f"/api/imports/{job.pk}/undo/").json()["id"])
    assert records("t", "n") == [("1",)]
    job.refresh_from_db()
    assert job.state == "completed"
