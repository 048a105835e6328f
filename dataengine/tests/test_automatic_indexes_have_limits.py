"""Automatic indexes have limits, and are dropped when no list uses them; requested ones never are."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from dataengine.models import AuditEvent, DeclinedIndex, Index, Table, TableUse
from dataengine.postgres import ddl
from dataengine.services import automatic_indexes, index_builds, indexes
from dataengine.tests.automatic_indexes import ROWS, ask, exists, made, settle
from dataengine.tests.automatic_indexes import goods as goods
from dataengine.tests.automatic_indexes import many_is_few as many_is_few
from dataengine.tests.bells import rung
from dataengine.tests.importing import import_text, make_table
from dataengine.tests.indexing import build_waiting
from dataengine.tests.waiting import until

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = pytest.mark.django_db(transaction=True)


def use_up(client: APIClient) -> None:
    for name in ("price", "n", "ok", "day", "seen", "ratio"):
        ask(client, order_by=name)
    assert len(made()) == automatic_indexes.MOST_OF_A_TABLE
    until(all_are_built)


def all_are_built() -> bool:
    """A build that was disturbed (by autovacuum, say) is tried again a little later."""
    build_waiting()
    return not Index.objects.exclude(state=Index.State.COMPLETED).exists()


def test_there_are_at_most_six_and_one_long_unused_makes_room(client: APIClient, goods: Table) -> None:
    use_up(client)
    ask(client, order_by="name")
    assert len(made()) == 6
    two_days_ago = timezone.now() - timedelta(days=2)
    Index.objects.filter(column__name="ok").update(finished_at=two_days_ago)
    Index.objects.filter(column__name="day").update(finished_at=two_days_ago, used_at=timezone.now())
    ask(client, order_by="name")
    assert [name for name, _, _ in made()] == ["price", "n", "day", "seen", "ratio", "name"]
    index_builds.sweep()
    assert not exists(goods, "ok")
    assert exists(goods, "day")


def test_one_makes_room_for_the_search_at_once(client: APIClient, goods: Table) -> None:
    use_up(client)
    Index.objects.filter(column__name="ok").update(finished_at=timezone.now() - timedelta(hours=1))
    ask(client, search="nothing such")
    assert [name for name, _, _ in made()] == ["price", "n", "day", "seen", "ratio", None]
    ask(client, order_by="ok")  # for which the search's does not make room again
    assert [name for name, _, _ in made()] == ["price", "n", "day", "seen", "ratio", None]


def test_none_makes_room_for_one_that_is_too_large(
    client: APIClient, goods: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_up(client)
    Index.objects.filter(column__name="ok").update(finished_at=timezone.now() - timedelta(days=2))
    monkeypatch.setattr(automatic_indexes, "_SIZE", 0.6)
    ask(client, order_by="name")
    assert [name for name, _, _ in made()] == ["price", "n", "ok", "day", "seen", "ratio"]


def test_those_that_people_asked_for_do_not_count(client: APIClient, goods: Table, owner: User) -> None:
    indexes.set_indexed(user=owner, table=goods, column=goods.columns.get(name="kind"), indexed=True)
    build_waiting()
    use_up(client)


def test_they_take_a_bounded_part_of_the_room(client: APIClient, goods: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatic_indexes, "_SIZE", 0.6)
    ask(client, order_by="price")
    build_waiting()
    ask(client, order_by="n")
    assert [name for name, _, _ in made()] == ["price"]


def test_a_table_that_is_mostly_written_gets_none(client: APIClient, goods: Table) -> None:
    with connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute("UPDATE userdata.goods SET n = n + 1")
    settle("goods")
    ask(client, order_by="price")
    assert made() == []


def test_a_log_that_only_grows_is_mostly_written(client: APIClient, goods: Table) -> None:
    """Since the beginning it was written as often as there are records, as if it had been loaded once."""
    automatic_indexes.sweep()
    use = TableUse.objects.get()
    assert use.written == ROWS
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.goods (n) SELECT i FROM generate_series(1, 2000) i")
    settle("goods")
    ask(client, order_by="price")
    assert made() == []
    # A day or two in which nothing is written, and all is forgiven.
    for _ in range(2):
        TableUse.objects.update(noted_at=timezone.now() - timedelta(days=1))
        automatic_indexes.sweep()
    ask(client, order_by="price")
    assert [name for name, _, _ in made()] == ["price"]


def test_a_table_that_an_import_replaced_begins_anew(client: APIClient, owner: User) -> None:
    make_table(owner, "goods", n="INTEGER")
    assert import_text(owner, "goods", "n\n" + "\n".join(map(str, range(ROWS)))).state == "completed"
    settle("goods")
    ask(client, order_by="n")
    assert made() == [("n", "sort", ROWS)]


# What goes again -----------------------------------------------------------------------------------------------------


def test_what_no_list_uses_for_thirty_days_goes(client: APIClient, goods: Table, owner: User) -> None:
    for name in ("price", "n", "day"):
        ask(client, order_by=name)
    indexes.set_indexed(user=owner, table=goods, column=goods.columns.get(name="kind"), indexed=True)
    build_waiting()
    Index.objects.update(finished_at=timezone.now() - timedelta(days=31))
    Index.objects.filter(column__name="day").update(used_at=timezone.now() - timedelta(days=29))
    ask(client, order_by="price")
    settle("goods")
    automatic_indexes.sweep()
    assert sorted(index.column.name for index in Index.objects.all() if index.column) == ["day", "kind", "price"]
    event = AuditEvent.objects.get(action="index.dropped")
    assert (event.user, event.details) == (None, {"index": "n", "because": "no list used it for 30 days"})
    index_builds.sweep()
    assert (exists(goods, "n"), exists(goods, "kind"), exists(goods, "price")) == (False, True, True)
    ask(client, order_by="n")  # nobody declined it
    assert Index.objects.filter(column__name="n", automatic=True).exists()


def test_one_that_an_import_had_rebuilt_is_not_unused(client: APIClient, goods: Table) -> None:
    ask(client, order_by="price")
    build_waiting()
    Index.objects.update(used_at=timezone.now() - timedelta(days=31))
    automatic_indexes.sweep()
    assert [name for name, _, _ in made()] == ["price"]


def test_that_it_was_used_outlives_the_counts_of_postgres(client: APIClient, goods: Table) -> None:
    ask(client, order_by="price")
    build_waiting()
    ask(client, order_by="price")
    settle("goods")
    automatic_indexes.sweep()
    Index.objects.update(finished_at=timezone.now() - timedelta(days=31))
    # The same index, of which PostgreSQL has nothing counted yet.
    column = goods.columns.get(name="price")
    with connection.cursor() as cursor:
        cursor.execute(ddl.drop_index(f"tk:{column.pk}:index"))
        cursor.execute(ddl.column_index(goods, column, concurrently=False))
        cursor.execute(
            "SELECT last_idx_scan FROM pg_stat_user_indexes WHERE indexrelname = %s", [f"tk:{column.pk}:index"]
        )
        assert cursor.fetchone() == (None,)
    automatic_indexes.sweep()
    assert [name for name, _, _ in made()] == ["price"]


def test_what_a_person_took_away_stays_away(client: APIClient, goods: Table, owner: User) -> None:
    ask(client, order_by="price")
    ask(client, search="name 77")
    build_waiting()
    price = goods.columns.get(name="price")
    indexes.set_indexed(user=owner, table=goods, column=price, indexed=False)
    indexes.set_searchable(user=owner, table=goods, searchable=False)
    for _ in range(2):
        ask(client, order_by="price")
        ask(client, search="name 77")
    assert made() == []
    long_ago = timezone.now() - timedelta(days=31)
    DeclinedIndex.objects.update(declined_at=long_ago)
    ask(client, order_by="price")
    assert [name for name, _, _ in made()] == ["price"]
    # Who asks for it changed their mind.
    indexes.set_searchable(user=owner, table=goods, searchable=True)
    assert not DeclinedIndex.objects.filter(column=None).exists()


def test_what_failed_is_not_tried_again_at_once(client: APIClient, goods: Table) -> None:
    ask(client, order_by="price")
    Index.objects.update(state="failed", error="Some values are too long.", finished_at=timezone.now())
    rung()
    ask(client, order_by="price")
    assert (Index.objects.get().state, rung()) == ("failed", [])
    Index.objects.update(finished_at=timezone.now() - timedelta(days=31))
    automatic_indexes.sweep()
    ask(client, order_by="price")
    assert Index.objects.get().state == "queued"


def test_one_that_a_person_asks_for_is_theirs(client: APIClient, goods: Table) -> None:
    ask(client, order_by="price")
    build_waiting()
    answer = client.patch("/api/tables/goods/columns/price/", {"indexed": True})
    assert (answer.status_code, answer.json()["index_state"]) == (200, "ready")
    Index.objects.update(finished_at=timezone.now() - timedelta(days=31))
    automatic_indexes.sweep()
    assert Index.objects.get().automatic is False
    index_builds.sweep()
    assert exists(goods, "price")


def test_one_that_nobody_asked_for_is_asked_for_neither_by_the_trash_nor_by_a_copy(
    client: APIClient, goods: Table, owner: User
) -> None:
    ask(client, order_by="price")
    ask(client, search="name 77")
    indexes.set_indexed(user=owner, table=goods, column=goods.columns.get(name="kind"), indexed=True)
    until(all_are_built)
    ask(client, order_by="n")  # which is not built yet
    assert made() == [("price", "sort", ROWS), (None, "search", ROWS), ("n", "sort", ROWS)]
    definition = client.get("/api/tables/goods/schema/", {"format": "sql"}).content.decode()
    assert [line for line in definition.splitlines() if "INDEX" in line] == ['CREATE INDEX ON "goods" ("kind", id);']
    client.post("/api/tables/goods/duplicate/", {"table_name": "more"})
    copied = Index.objects.filter(table__name="more")
    assert [(index.column.name if index.column else None, index.automatic) for index in copied] == [("kind", False)]
    for url in ("/api/tables/goods/columns/price/", "/api/tables/goods/"):
        deleted = client.delete(url).headers["X-Trash"]
        assert client.post(f"/api/trash/{deleted}/restore/", {}).status_code == 200
    assert made() == [(None, "search", ROWS)]
    assert [index.column.name for index in Index.objects.filter(table=goods, automatic=False) if index.column] == [
        "kind"
    ]


def test_one_is_built_at_a_time(client: APIClient, goods: Table, owner: User) -> None:
    """Whatever the tables: people's work finds a worker beside it."""
    other = make_table(owner, "other", n="INTEGER")
    running = Index.objects.create(
        table=other, column=other.columns.get(), automatic=True, purpose="sort", state="running", attempt=1
    )
    ask(client, order_by="price")
    waiting = Index.objects.get(table=goods)
    index_builds.run(waiting.pk)
    waiting.refresh_from_db()
    assert waiting.state == "queued"
    running.delete()
    assert build_waiting() == ["completed"]


def test_a_list_is_answered_whatever_becomes_of_its_index(
    client: APIClient, goods: Table, second_connection: Any
) -> None:
    session = second_connection()
    session.execute("BEGIN")
    session.execute("SELECT * FROM dataengine_table FOR UPDATE")
    assert ask(client, order_by="price").status_code == 200
    assert made() == []
    session.execute("ROLLBACK")
    ask(client, order_by="price")
    assert [name for name, _, _ in made()] == ["price"]
