"""What failed for a reason that may pass is tried again after a pause, and after a longer one the next time."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection

from dataengine import tasks
from dataengine.models import ImportJob
from dataengine.services import import_runs
from dataengine.tests.bells import rung
from dataengine.tests.importing import make_table, queue_import

pytestmark = pytest.mark.django_db(transaction=True)


def fill_the_disk() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION userdata.full() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no room' USING ERRCODE = 'disk_full'; END $$;"
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE OR DELETE ON userdata.t EXECUTE FUNCTION userdata.full()"
        )


def test_an_import_is_not_tried_again_at_once(owner: User) -> None:
    make_table(owner, "t", n="INTEGER")
    job = queue_import(owner, "t", "n\n1\n2\n")
    fill_the_disk()
    tasks.run_import(job.pk)
    assert rung() == []
    ImportJob.objects.update(created_at="2020-01-01T00:00Z")
    assert import_runs.sweep() == []
    tasks.run_import(job.pk)  # rung late, or twice
    job.refresh_from_db()
    assert (job.state, job.attempt, job.error) == ("queued", 1, "The database has no room left.")
