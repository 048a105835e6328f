"""A profile matches its records: every bar counts what its filters select."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection

from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import Table
from dataengine.profiles import profiles as profiles_module
from dataengine.profiles import samples
from dataengine.profiles.profiles import Profile, profiles
from dataengine.queries.filters import record_filterset
from dataengine.services.tables import create_table

COLUMNS = {
    "whole": "INTEGER",
    "amount": "NUMERIC(12,2)",
    "ratio": "DOUBLE PRECISION",
    "half": "REAL",
    "day": "DATE",
    "moment": "TIMESTAMPTZ",
    "plain": "TIMESTAMP",
    "hour": "TIME",
    "took": "DURATION",
    "tags": "TEXT[]",
    "colours": "CHOICES('red','blue, dark')",
    "word": "TEXT",
    "page": "VARCHAR(20)",  # also a word of the grammar
    "note": "TEXT",
    "yes": "BOOLEAN",
    "kind": "CHOICE('a','b,c')",
    "data": "JSONB",
    "key": "UUID",
    "none": "TEXT",
}
FILL = r"""
INSERT INTO userdata.things
  (whole, amount, ratio, half, day, moment, plain, hour, took, tags, colours, word, page, note, yes, kind, data, key)
SELECT
  CASE WHEN i %% 10 > 0 THEN (i * 7919) %% 1000 - 200 END,
  ((i * 31) %% 9973) / 7.0, sin(i) * 1e6, (i %% 37) / 3.0::real, date '2020-02-29' + (i %% 900),
  timestamptz '2024-03-01 12:00+00' + (i %% 500) * interval '61 minutes',
  timestamp '2024-03-01' + (i %% 97) * interval '7 s',
  time '06:00' + (i %% 1000) * interval '1 minute', (i %% 300) * interval '7 minutes' - interval '1 hour',
  (array['{a,b}','{b,"[\"c\"]"}',null])[1 + i %% 3]::text[],
  (array['{red}','{red,"blue, dark"}','{}'])[1 + i %% 3]::text[],
  (array['Rome', 'Oslo', '', 'it''s "q", %%s', 'Rome'])[1 + i %% 5],
  'p' || i %% 3, repeat('x', 300) || i, i %% 3 = 0, (array['a', 'b,c', null])[1 + i %% 3], '{"a": 1}', gen_random_uuid()
FROM generate_series(1, %s) AS i
"""


@pytest.fixture
def things(owner: User) -> Table:
    specs = [parse_sql_type(name, text) for name, text in COLUMNS.items()]
    return create_table(user=owner, name="things", columns=specs)


def fill(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(FILL, [count])


def profiled(table: Table) -> dict[str, Profile]:
    found = profiles(table, list(table.columns.all()))
    assert found is not None
    return {profile.column.name: profile for profile in found.columns}


def test_every_bar_counts_what_its_filters_select(things: Table) -> None:
    fill(1500)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO userdata.things (ratio, half, day, moment, plain, hour, amount) VALUES"
            " ('NaN', 'Infinity', 'infinity', '-infinity', 'infinity', '24:00', NULL),"
            " ('-Infinity', 'NaN', '1999-01-01', '1999-01-01', '2199-01-01', '23:59', 99999999)"
        )
    filterset = record_filterset(things)
    for name, profile in profiled(things).items():
        assert profile.size == 1502
        for bar in () if profile.is_of_lengths else profile.bars:
            filters = {f"{name}__{lookup}": value for lookup, value in bar.filters.items()}
            selected = filterset(filters).records()
            if bar.is_open and profile.column.type in {"double", "real", "date", "timestamp", "timestamptz"}:
                assert bar.count <= selected.count() <= bar.count + 2  # NaN and infinities are beyond too
            else:
                assert selected.count() == bar.count, (name, bar)
        missing = filterset({f"{name}__isnull": "true"}).records().count()
        assert profile.missing == missing


def test_what_is_drawn_of_each_type(things: Table) -> None:
    fill(1500)
    found = profiled(things)
    drawn = {name: profile.is_histogram for name, profile in found.items() if profile.bars}
    assert drawn == dict.fromkeys(
        ("whole", "amount", "ratio", "half", "day", "moment", "plain", "hour", "took", "note"), True
    ) | (dict.fromkeys(("word", "page", "yes", "kind", "tags", "colours"), False))
    assert [(bar.words, bar.count) for bar in found["word"].bars] == [
        ("Rome", 600), ("empty text", 300), ("Oslo", 300), ("it's \"q\", %s", 300),
    ]  # fmt: skip
    assert [bar.words for bar in found["yes"].bars] == ["no", "yes"]
    assert found["none"].missing == 1500
    assert found["note"].distinct == 0  # too long for a category
    assert (found["note"].is_of_lengths, found["note"].extent) == (True, "301 – 304 characters")
    for name in ("tags", "colours"):  # a record may have several
        assert (found[name].bars[0].count, found[name].values) == (1000, 1000 if name == "tags" else 1500)
    single = [profile for name, profile in found.items() if profile.bars and name not in {"tags", "colours"}]
    assert all(sum(bar.count for bar in profile.bars) == profile.values for profile in single)
    assert all(max(bar.height for bar in profile.bars) == 1 for profile in found.values() if profile.bars)


def test_an_empty_table_and_one_without_columns(things: Table, owner: User) -> None:
    assert all(not profile.bars and not profile.size for profile in profiled(things).values())
    bare = create_table(user=owner, name="bare", columns=[])
    found = profiles(bare, [])
    assert found is not None
    assert (found.size, list(found.columns)) == (0, [])


def test_a_large_table_is_sampled_and_says_so(things: Table) -> None:
    fill(60_000)
    found = profiles(things, list(things.columns.filter(name__in=["yes", "whole"])))
    assert found is not None
    assert not found.is_whole
    assert 2_000 < found.size < samples.MOST
    [whole, yes] = found.columns
    assert 0.3 < yes.bars[1].count / found.size < 0.37
    assert 0.08 < whole.missing / found.size < 0.12
    assert 45_000 < found.total < 75_000
    assert found.scaled(found.size) == found.total
    again = profiles(things, list(things.columns.filter(name__in=["yes", "whole"])))
    assert again == found


def test_what_takes_too_long_is_left_out(things: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(20_000)
    monkeypatch.setattr(profiles_module, "SECONDS", 0.001)
    assert profiles(things, list(things.columns.all())) is None
    assert Table.objects.exists()  # the connection still works
