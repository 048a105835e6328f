"""Imports of one user run a few at a time, and many of one do not hold up the single one of another."""

from __future__ import annotations

import threading

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from dataengine import tasks
from dataengine.models import Download, ImportJob
from dataengine.services import downloads, import_runs, import_turns
from dataengine.services.import_turns import Hindrance
from dataengine.tests.importing import make_table, queue_import
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import PATIENCE_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


def queue(user: User, name: str, count: int = 1) -> list[int]:
    """So many imports, each into a table of its own."""
    made = []
    for number in range(count):
        make_table(user, f"{name}_{number}", name="TEXT")
        made.append(queue_import(user, f"{name}_{number}", "name\nAda\n").pk)
    return made


def begin(pk: int) -> None:
    ImportJob.objects.filter(pk=pk).update(state="running", attempt=1, started_at=timezone.now())


def hindrance(pk: int) -> Hindrance | None:
    return import_turns.hindrance_of(ImportJob.objects.get(pk=pk))


def test_one_of_each_user_whoever_has_the_fewest_first(owner: User, stranger: User) -> None:
    many, (single,) = queue(owner, "many", 5), queue(stranger, "one")
    assert import_turns.turns() == [many[0], single]
    begin(many[0])
    assert import_turns.turns() == [single, many[1]]
    begin(many[1])
    assert import_turns.turns() == [single], "the owner's two places are taken"
    assert [hindrance(pk) for pk in (many[2], single)] == [Hindrance.OTHERS, None]
    begin(single)
    assert import_turns.turns() == []
    ImportJob.objects.filter(pk=many[0]).update(state="completed")
    assert import_turns.turns() == [many[2]]


def test_with_one_worker_users_alternate(owner: User, stranger: User) -> None:
    first, second = queue(owner, "a", 3), queue(stranger, "b", 2)
    for bell in [*first, *second]:
        tasks.run_import(bell)
    begun = ImportJob.objects.filter(state="completed").order_by("started_at").values_list("pk", flat=True)
    assert list(begun) == [first[0], second[0], first[1], second[1], first[2]]


def test_who_waits_for_a_table_does_not_stop_the_others(owner: User) -> None:
    taken, *others = queue(owner, "t", 2)
    waiting = queue_import(owner, "t_0", "name\nBob\n").pk
    begin(taken)
    assert import_turns.turns() == others
    assert [hindrance(pk) for pk in (waiting, *others)] == [Hindrance.TABLE, None]
    ImportJob.objects.filter(pk__in=others).delete()
    assert import_turns.turns() == []
    ImportJob.objects.filter(pk=taken).update(url="https://example.com/slow.csv")
    assert import_turns.turns() == [waiting], "what still fetches its file does not have the table yet"
    ImportJob.objects.filter(pk=taken).update(state="completed", url="")
    assert import_turns.turns() == [waiting]


def test_what_waits_to_fetch_its_file_does_not_begin(owner: User, stranger: User, settings: Settings) -> None:
    """Not even for a moment: an attempt that finds another file being fetched would be made again every two seconds."""
    settings.CELERY_WORKER_CONCURRENCY = 3
    slow, waiting, at_hand = queue(owner, "a", 3)
    other, third = *queue(stranger, "b"), *queue(User.objects.create_user("third"), "c")
    fetched = ImportJob.objects.filter(pk__in=[slow, waiting, other, third])
    fetched.update(url="https://example.com/slow.csv")
    begin(slow)
    assert import_turns.turns() == [other, third, at_hand], "one file at a time for each user"
    assert [hindrance(pk) for pk in (waiting, at_hand, other)] == [Hindrance.FETCHING, None, None]
    begin(other)
    assert import_turns.turns() == [at_hand], "a worker is left for what has its file"
    assert hindrance(third) == Hindrance.FETCHING
    ImportJob.objects.filter(pk=at_hand).delete()
    before = list(ImportJob.objects.filter(pk__in=[waiting, third]).values())
    import_runs.run_in_turn()
    looked_at = Download.objects.create(user=owner, url="https://example.com/more.csv", came_from="example.com")
    downloads.run(looked_at.pk)
    looked_at.refresh_from_db()
    assert (looked_at.state, looked_at.attempt, looked_at.try_again_at) == ("queued", 0, None)
    assert list(ImportJob.objects.filter(pk__in=[waiting, third]).values()) == before
    ImportJob.objects.filter(pk=slow).update(url="")
    assert import_turns.turns() == [third, waiting], "it is here, and loads now"


def test_without_a_limit(owner: User, settings: Settings) -> None:
    settings.MAX_IMPORTS_PER_USER = 0
    made = queue(owner, "t", 4)
    for pk in made[:3]:
        begin(pk)
    assert import_turns.turns() == made[3:]


def test_of_many_bells_at_once_no_more_begin_than_may(owner: User) -> None:
    jobs = [ImportJob.objects.get(pk=pk) for pk in queue(owner, "t", 6)]
    claimed: list[bool] = []
    together = threading.Barrier(len(jobs), timeout=PATIENCE_SECONDS)

    def claim(job: ImportJob) -> None:
        together.wait()
        claimed.append(import_turns.claim(job))
        connection.close()

    threads = [Beside(target=claim, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(claimed) == [False] * 4 + [True] * 2


def test_a_terminal_does_not_wait(owner: User) -> None:
    made = queue(owner, "t", 3)
    for pk in made[:2]:
        begin(pk)
    done = import_runs.run(made[2])
    assert done is not None
    assert done.state == "completed"
