"""The row of a column of a large table: rehearsed like any other, then left to a worker, as the grid shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.test import Client

from dataengine.models import ChangeJob
from dataengine.tests.retyping import ROWS, done, few_are_many, make_sold, values
from webui.designer import changing
from webui.tests.conftest import PARTIAL
from webui.tests.pages import fields_of, read

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_is_left_to_a_worker_after_the_rehearsal(
    as_owner: Client, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    few_are_many(monkeypatch)
    monkeypatch.setattr(changing, "MANY", 50)
    table = make_sold(owner)
    url = f"/tables/sold/design/{table.columns.get(name='price').pk}/"
    form = {**fields_of(read(as_owner.get(url, headers=PARTIAL))), "do": "save", "type": "NUMERIC"}
    asked = as_owner.post(url, form, headers=PARTIAL)
    page = read(asked)
    assert asked.status_code == 422
    assert f"{ROWS:,} converted" in page
    assert "changed in the background" in page
    answer = as_owner.post(url, {**fields_of(page), "do": "apply"}, headers=PARTIAL)
    assert answer.headers["HX-Redirect"] == "/tables/sold/"
    job = ChangeJob.objects.get()
    assert (job.action, job.state) == ("retype", "queued")
    assert read(as_owner.get("/tables/sold/")).elements("section", id=f"change-{job.pk}")
    ChangeJob.objects.update(state="running", started_at=job.created_at, phase="converting", progress=0.42)
    shown = read(as_owner.get("/tables/sold/changes/", headers=PARTIAL))
    assert f"Changing the type of “price” in {ROWS:,} records…" in shown
    assert "Records can be read and edited as ever" in shown
    assert shown.element("div", role="progressbar")["aria-valuenow"] == "42"
    ChangeJob.objects.update(state="queued", progress=None)
    again = as_owner.post(url, form | {"type": "TEXT", "label": "Price"}, headers=PARTIAL)
    assert again.status_code == 422
    assert "cannot be changed" in read(again).element("tr", class_="column-edit").words
    done(job.pk)
    assert values("price")[0] == "1.50"
    assert "The column “price” is changed: " in read(as_owner.get("/tables/sold/"))
