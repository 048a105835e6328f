"""Columns of large tables change their type while everybody goes on; what hangs on the table follows, or is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.utils import IntegrityError
from rest_framework.test import APIClient

from dataengine.models import ChangeJob, Column, Index, RecordChange, Table
from dataengine.postgres import successor
from dataengine.services import change_runs, indexes, retype_runs
from dataengine.tests.importing import make_table
from dataengine.tests.indexing import build_waiting
from dataengine.tests.retyping import (
    PRICE,
    ROWS,
    done,
    few_are_many,
    make_sold,
    meanwhile,
    nothing_is_left,
    sql,
    values,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    few_are_many(monkeypatch)


@pytest.fixture
def table(owner: User) -> Table:
    return make_sold(owner)


def test_rules_of_columns_are_not_in_the_way(client: APIClient, owner: User) -> None:
    make_sold(owner, kind="CHOICE('a','b') DEFAULT 'a'")
    assert client.patch("/api/tables/sold/columns/n/", {"constraints": {"minimum": 0}}).status_code == 200
    for column, wanted in (("price", "NUMERIC"), ("n", "BIGINT"), ("kind", "CHOICES('a','b')")):
        asked = client.patch(f"/api/tables/sold/columns/{column}/", {"column_type": wanted})
        assert asked.status_code == 202, asked.json()
        done(asked.json()["id"])
    assert values("n")[:2] == ["1", "2"]
    for record, named in (({"n": -1}, "n"), ({"kind": ["c"]}, "kind")):
        refused = client.post("/api/tables/sold/records/", record)
        assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, [named])
    with pytest.raises(IntegrityError):
        sql("INSERT INTO userdata.sold (n) VALUES (-1)")


def test_texts_as_postgres_writes_numbers_are_not_read_again(
    client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(successor, "_CHUNK_BLOCKS", 4)
    read: list[object] = []
    copied = retype_runs.write_copy

    def noted(*given: Any) -> bool:
        read.append(given)
        return copied(*given)

    monkeypatch.setattr(retype_runs, "write_copy", noted)
    sql("UPDATE userdata.sold SET price = CASE WHEN id = 2 THEN NULL ELSE (id * -0.50)::text END")
    numbers = [None if n == 2 else f"-{n / 2:.2f}" for n in range(1, ROWS + 1)]
    done(client.patch(PRICE, {"column_type": "NUMERIC"}).json()["id"])
    assert (values("price"), read) == (numbers, [])
    # Whole numbers follow: one is written otherwise, one is no number to us, and one not even to PostgreSQL.
    sql("UPDATE userdata.sold SET day = (id * 7)::text")
    sql("UPDATE userdata.sold SET day = CASE id WHEN 2000 THEN '+5' WHEN 2001 THEN 'Infinity' ELSE 'x' END"
        " WHERE id IN (2000, 2001, 2002)")  # fmt: skip
    asked = client.patch("/api/tables/sold/columns/day/", {"column_type": "BIGINT", "on_failure": "null"})
    done(asked.json()["id"])
    changed = {2000: "5", 2001: None, 2002: None}
    assert values("day") == [changed.get(n, str(n * 7)) for n in range(1, ROWS + 1)]
    assert read


def test_over_the_api(client: APIClient, table: Table) -> None:
    key = table.columns.get(name="price").pk
    before = values("price")
    asked = client.patch(PRICE, {"column_type": "NUMERIC(10,2)", "required": True})
    assert asked.status_code == 202, asked.json()
    job = asked.json()
    assert (job["action"], job["count"], job["count_exact"], job["progress"]) == ("retype", ROWS, True, None)
    assert asked["Location"] == job["url"]
    assert values("price") == before
    assert client.get(PRICE).json()["column_type"] == "TEXT"
    done(job["id"])
    shown = client.get(job["url"]).json()
    assert (shown["state"], shown["progress"]) == ("completed", 1.0)
    assert values("price") == [f"{n}.50" for n in range(1, ROWS + 1)]
    changed = client.get(PRICE).json()
    assert (changed["column_type"], changed["required"]) == ("NUMERIC(10,2)", True)
    assert table.columns.get(name="price").pk == key
    hidden = Column.everything.get(trash_item__successor_id=key)
    assert values(f"tk:{hidden.pk}:trash") == before
    made = client.post("/api/tables/sold/records/", {"name": "new", "price": "7.1", "n": 1})
    assert (made.status_code, made.json()["price"], made.json()["id"]) == (201, "7.10", ROWS + 1)
    assert client.post("/api/tables/sold/records/", {"name": "none", "n": 1}).status_code == 400
    nothing_is_left(job["id"])


def test_the_plan_of_a_rehearsal_is_carried_out(client: APIClient, table: Table) -> None:
    sql("UPDATE userdata.sold SET price = 'x' WHERE id IN (7, 8)")
    sql("UPDATE userdata.sold SET price = NULL WHERE id = 9")
    wanted = {"column_type": "NUMERIC"}
    refused = client.patch(PRICE, wanted)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "would_lose_data")
    assert not ChangeJob.objects.exists()
    rehearsed = client.post(f"{PRICE}rehearse/", {**wanted, "on_failure": "keep"}).json()
    assert (rehearsed["records"], rehearsed["failing"], rehearsed["rewrites_table"]) == (ROWS, 2, True)
    sql("UPDATE userdata.sold SET price = 'y' WHERE id = 10")
    outdated = client.patch(PRICE, {"plan": rehearsed["plan"]})
    assert (outdated.status_code, outdated.json()["error"]["code"]) == (409, "plan_outdated")
    plan = outdated.json()["error"]["rehearsal"]["plan"]
    asked = client.patch(PRICE, {"plan": plan})
    assert asked.status_code == 202, asked.json()
    job = done(asked.json()["id"])
    assert values("price")[5:10] == ["6.50", None, None, None, None]
    assert values("price_before")[5:10] == [None, "x", "x", None, "y"]
    names = [column["column_name"] for column in client.get("/api/tables/sold/").json()["columns"]]
    assert names == ["name", "price", "price_before", "day", "n"]
    event = job.event
    assert event is not None
    assert event.details["change"]["count"] == 3
    kept = RecordChange.objects.filter(event=event)
    attribute = table.columns.get(name="price").attribute
    assert {(c.record_id, (c.before or {})[attribute], (c.after or {})[attribute]) for c in kept} == {
        (7, "x", None), (8, "x", None), (10, "y", None)
    }  # fmt: skip
    again = client.patch(PRICE, {"plan": plan})
    assert again.status_code in {400, 409}
    nothing_is_left(job.pk)


def test_what_hangs_on_the_table_follows(client: APIClient, owner: User) -> None:
    make_table(owner, "shops", name="TEXT")
    sql("INSERT INTO userdata.shops (name) SELECT 's' || i FROM generate_series(1, 5) i")
    table = make_sold(owner, shop="REFERENCES shops", above="REFERENCES sold", gone="TEXT")
    parts = make_table(owner, "parts", sold="REFERENCES sold")
    sql("UPDATE userdata.sold SET shop = 1 + id % 5, above = nullif(id - 1, 0), gone = 'g' || id")
    sql("INSERT INTO userdata.parts (sold) SELECT id FROM userdata.sold WHERE id <= 20")
    for column in ("price", "n"):
        indexes.set_indexed(user=owner, table=table, column=table.columns.get(name=column), indexed=True)
    indexes.set_searchable(user=owner, table=table, searchable=True)
    assert set(build_waiting()) == {"completed"}
    assert client.delete("/api/tables/sold/columns/gone/").status_code == 204
    assert set(build_waiting()) == {"completed"}
    sql("CREATE INDEX theirs ON userdata.sold (n DESC) WHERE n > 5")
    sql("GRANT SELECT, UPDATE (price) ON userdata.sold TO PUBLIC")
    sql("ALTER TABLE userdata.sold SET (fillfactor = 80)")
    sql("COMMENT ON COLUMN userdata.sold.n IS 'theirs'")
    gone = f"tk:{Column.everything.get(name='gone').pk}:trash"
    everything = f'SELECT id, name, day, n, shop, above, "{gone}" FROM userdata.sold ORDER BY id'
    before = sql(everything)

    job = done(client.patch(PRICE, {"column_type": "NUMERIC"}).json()["id"])

    assert sql(everything) == before
    made = {
        row[0]: row[1]
        for row in sql(
            "SELECT relname, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid"
            " WHERE indrelid = 'userdata.sold'::regclass AND indisvalid"
        )
    }
    keys = {column.name: column.pk for column in table.columns.all()}
    assert made.keys() == {
        f"tk:{table.pk}:pkey", f"tk:{keys['name']}:unique", f"tk:{keys['price']}:index", f"tk:{keys['n']}:index",
        f"tk:{keys['shop']}:index", f"tk:{keys['above']}:index", "theirs",
    }  # fmt: skip
    assert made["theirs"].endswith("(n DESC) WHERE (n > 5)")
    assert "(price, id)" in made[f"tk:{keys['price']}:index"]
    assert Index.objects.get(column=keys["price"]).state == "completed"
    search = indexes.search_index(table)
    assert search is not None
    assert search.state == "queued"  # it is of the texts, of which one is none any more
    assert build_waiting() == ["completed"]
    assert client.get("/api/tables/sold/records/?search=a2999").json()["count"] == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("DELETE FROM userdata.sold WHERE id = 20")
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("INSERT INTO userdata.parts (sold) VALUES (99999)")
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("UPDATE userdata.sold SET above = 99999 WHERE id = 30")
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("DELETE FROM userdata.shops WHERE id = 1")
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("INSERT INTO userdata.sold (name) VALUES ('a1')")
    [[options, described]] = sql(
        "SELECT reloptions, col_description(oid, (SELECT attnum FROM pg_attribute WHERE attrelid = c.oid"
        " AND attname = 'n')) FROM pg_class c WHERE oid = 'userdata.sold'::regclass"
    )
    assert (options, described) == (["fillfactor=80"], "theirs")
    assert sql(
        "SELECT has_table_privilege('public', 'userdata.sold', 'select'),"
        " has_table_privilege('public', 'userdata.sold', 'insert'),"
        " has_column_privilege('public', 'userdata.sold', 'price', 'update'),"
        " has_column_privilege('public', 'userdata.sold', 'n', 'update')"
    ) == [(True, False, True, False)]
    assert parts.columns.get(name="sold").references == table
    nothing_is_left(job.pk)


@pytest.mark.parametrize(
    ("made", "named"),
    [
        ("CREATE VIEW userdata.seen AS SELECT name FROM userdata.sold", "view userdata.seen"),
        ("CREATE MATERIALIZED VIEW userdata.seen AS SELECT id FROM userdata.sold", "materialized view userdata.seen"),
        (
            """CREATE FUNCTION userdata.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
               CREATE TRIGGER theirs AFTER INSERT ON userdata.sold FOR EACH ROW EXECUTE FUNCTION userdata.f()""",
            "trigger theirs on table userdata.sold",
        ),
        (
            "ALTER TABLE userdata.sold ADD CONSTRAINT theirs CHECK (price <> '')",
            "constraint theirs on table userdata.sold",
        ),
        ("CREATE INDEX theirs ON userdata.sold (lower(price))", "index userdata.theirs"),
        ("CREATE STATISTICS userdata.s ON n, day FROM userdata.sold", "statistics object userdata.s"),
        ("CREATE TABLE userdata.child () INHERITS (userdata.sold)", "table userdata.child"),
        ("ALTER TABLE userdata.sold ENABLE ROW LEVEL SECURITY", "table userdata.sold"),
        (
            "CREATE TABLE userdata.outside (sold bigint CONSTRAINT theirs REFERENCES userdata.sold)",
            "constraint theirs on table userdata.outside",
        ),
        (
            "ALTER TABLE userdata.sold ADD COLUMN length int GENERATED ALWAYS AS (length(price)) STORED",
            "column length of table userdata.sold",
        ),
        (
            "CREATE FUNCTION userdata.f(userdata.sold) RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "function userdata.f(userdata.sold)",
        ),
    ],
)  # fmt: skip
def test_what_would_not_survive_is_named(client: APIClient, table: Table, made: str, named: str) -> None:
    sql(made)
    refused = client.patch(PRICE, {"column_type": "NUMERIC"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "in_the_way")
    assert named in refused.json()["error"]["in_the_way"]
    assert named in refused.json()["error"]["message"]
    assert not ChangeJob.objects.exists()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"column_type": "DATE"}, "2020-01-02"),
        ({"column_type": "DATE", "new": "date"}, "2020-01-02"),
        ({"column_type": "DATE UNIQUE NOT NULL", "default": "2000-01-01"}, "2020-01-02"),
    ],
)
def test_the_rules_of_the_new_type(client: APIClient, table: Table, wanted: dict[str, Any], expected: str) -> None:
    body = {key: value for key, value in wanted.items() if key != "new"}
    name = wanted.get("new", "day")
    if name != "day":
        body["column_name"] = name
    asked = client.patch("/api/tables/sold/columns/day/", body)
    assert asked.status_code == 202, asked.json()
    job = done(asked.json()["id"])
    assert values(name)[0] == expected
    shown = client.get(f"/api/tables/sold/columns/{name}/").json()
    assert (shown["type"], shown["unique"], shown["required"]) == (
        "date",
        "UNIQUE" in body["column_type"],
        "NOT" in body["column_type"],
    )
    first = client.post("/api/tables/sold/records/", {"name": "x", "n": 1})
    if shown["unique"]:
        assert first.json()[name] == "2000-01-01"
        assert client.post("/api/tables/sold/records/", {"name": "y", "n": 1}).status_code == 400
    nothing_is_left(job.pk)


def test_an_index_is_asked_for_afterwards(client: APIClient, table: Table) -> None:
    refused = client.patch(PRICE, {"column_type": "NUMERIC", "indexed": True})
    assert (refused.status_code, list(refused.json()["error"]["fields"])) == (400, ["indexed"])
    assert [job.state for job in ChangeJob.objects.all()] == ["cancelled"]
    assert client.patch(PRICE, {"column_type": "NUMERIC"}).status_code == 202


def test_repeated_values_of_a_unique_column(client: APIClient, table: Table) -> None:
    sql("UPDATE userdata.sold SET price = '5,5' WHERE id = 20")
    wanted = {"column_type": "NUMERIC UNIQUE"}
    refused = client.patch(PRICE, wanted)
    assert refused.status_code == 409
    assert refused.json()["error"]["rehearsal"]["causes"][0]["code"] == "duplicate_in_table"
    job = done(client.patch(PRICE, {**wanted, "on_failure": "keep"}).json()["id"])
    assert (values("price")[4], values("price")[19], values("price_before")[19]) == ("5.50", None, "5,5")
    nothing_is_left(job.pk)


def test_a_reference_to_another_table(client: APIClient, owner: User, table: Table) -> None:
    make_table(owner, "shops", name="TEXT")
    sql("INSERT INTO userdata.shops (name) SELECT 's' || i FROM generate_series(1, %s) i", ROWS - 1)
    path, wanted = "/api/tables/sold/columns/n/", {"column_type": "REFERENCES shops"}
    refused = client.patch(path, wanted)
    assert refused.status_code == 409
    assert refused.json()["error"]["rehearsal"]["causes"][0]["code"] == "unknown_reference"
    asked = client.patch(path, {**wanted, "on_failure": "null"})
    assert asked.status_code == 202, asked.json()
    job = done(asked.json()["id"])
    assert values("n")[-2:] == [str(ROWS - 1), None]
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("DELETE FROM userdata.shops WHERE id = 1")
    nothing_is_left(job.pk)


def test_a_reference_to_the_table_itself(client: APIClient, table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = client.patch("/api/tables/sold/columns/n/", {"column_type": "REFERENCES sold"})
    assert asked.status_code == 202, asked.json()
    with meanwhile(monkeypatch, asked.json()["id"], "analyze"):
        sql("DELETE FROM userdata.sold WHERE id = 7")
        sql("INSERT INTO userdata.sold (name, n) VALUES ('of the last', %s)", ROWS)
    done(asked.json()["id"])
    with pytest.raises(IntegrityError), transaction.atomic():
        sql("DELETE FROM userdata.sold WHERE id = %s", ROWS)
    nothing_is_left(asked.json()["id"])

    asked = client.patch("/api/tables/sold/columns/n/", {"column_type": "TEXT"}).json()
    done(asked["id"])
    asked = client.patch("/api/tables/sold/columns/n/", {"column_type": "REFERENCES sold"}).json()
    with meanwhile(monkeypatch, asked["id"], "analyze"):
        sql("DELETE FROM userdata.sold WHERE id = 9")
        sql("INSERT INTO userdata.sold (name, n) VALUES ('of nothing', '9')")
    failed = ChangeJob.objects.get(pk=asked["id"])
    assert (failed.state, failed.error_code) == ("failed", "plan_outdated")
    assert client.get("/api/tables/sold/columns/n/").json()["column_type"] == "TEXT"
    nothing_is_left(failed.pk)


def test_values_that_postgres_casts(client: APIClient, table: Table) -> None:
    asked = client.patch("/api/tables/sold/columns/n/", {"column_type": "TEXT"})
    assert asked.status_code == 202
    done(asked.json()["id"])
    assert values("n")[:2] == ["1", "2"]
    assert client.get("/api/tables/sold/columns/n/").json()["column_type"] == "TEXT"


def test_rights_are_needed(
    api: Callable[[User], APIClient], client: APIClient, table: Table, share: Any, colleague: User
) -> None:
    grant = share(table, colleague, "design")
    asked = api(colleague).patch(PRICE, {"column_type": "NUMERIC"}).json()
    grant.delete()
    job = change_runs.run(asked["id"])
    assert job is not None
    assert (job.state, job.error_code) == ("failed", "table_not_found")
    assert client.get(PRICE).json()["column_type"] == "TEXT"
    nothing_is_left(job.pk)
