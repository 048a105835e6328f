"""Once cancelling a job was accepted it is cancelled, however its attempt ends and whoever runs it."""

from __future__ import annotations

from types import ModuleType

import pytest
from django.contrib.auth.models import User

from dataengine.jobs import attempts
from dataengine.models import ChangeJob, Job
from dataengine.services import change_runs, import_runs
from dataengine.tests.importing import make_table, queue_import

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["import", "change"])
def kind(request: pytest.FixtureRequest, owner: User) -> tuple[Job, ModuleType]:
    """A waiting job, and the module that runs such jobs."""
    table = make_table(owner, "t", n="INTEGER")
    if request.param == "import":
        return queue_import(owner, "t", "n\n1\n"), import_runs
    return ChangeJob.objects.create(table=table, user=owner, action="delete", parameters={"filter": {}}), change_runs


def begin(job: Job) -> None:
    assert attempts.claim(job)


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


@pytest.mark.parametrize("attempt", [1, 3])
def test_where_its_worker_is_gone(kind: tuple[Job, ModuleType], attempt: int) -> None:
    job, service = kind
    type(job)._default_manager.update(attempt=attempt - 1)
    begin(job)
    assert attempts.cancel(job)
    assert state(job) == "running"
    assert service.sweep() == []
    assert state(job) == "cancelled"
    assert job.finished_at is not None
    assert not attempts.cancel(job)


def test_where_its_attempt_fails_for_another_reason(kind: tuple[Job, ModuleType]) -> None:
    job, _ = kind
    begin(job)
    assert attempts.cancel(job)
    attempts.end(job, Job.State.FAILED, code="permission_denied", reason="You may not.")
    assert (state(job), job.error_code, job.error) == ("cancelled", "", "")


def test_where_its_attempt_fails_for_a_reason_that_may_pass(kind: tuple[Job, ModuleType]) -> None:
    job, _ = kind
    begin(job)
    assert attempts.cancel(job)
    attempts.try_again(job, "Somebody else has locked some of the records.")
    assert state(job) == "cancelled"


def test_where_it_waits_for_its_next_attempt(kind: tuple[Job, ModuleType]) -> None:
    job, service = kind
    begin(job)
    attempts.try_again(job, "Somebody else has locked some of the records.")
    assert state(job) == "queued"
    assert attempts.cancel(job)
    assert state(job) == "cancelled"
    service.run(job.pk)
    assert state(job) == "cancelled"


def test_where_whoever_cancelled_it_died_in_between(kind: tuple[Job, ModuleType]) -> None:
    job, service = kind
    type(job)._default_manager.update(cancel_requested=True)
    service.run(job.pk)
    assert state(job) == "queued"
    assert service.sweep() == []
    assert state(job) == "cancelled"


def test_an_attempt_that_is_another_now_ends_nothing(kind: tuple[Job, ModuleType]) -> None:
    job, _ = kind
    begin(job)
    type(job)._default_manager.update(attempt=2)
    assert not attempts.end(job, Job.State.FAILED, reason="Too late.")
    assert not attempts.try_again(job, "Too late.")
    assert state(job) == "running"
