"""Any type to any other: nothing is lost that is not reported, and undoing gives back every value, byte by byte."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.columns.types import REGISTRY
from dataengine.exceptions import InvalidInput
from dataengine.models import RecordChange, Table, TrashItem
from dataengine.services import trash
from dataengine.services.column_changes import Changed, change_column
from dataengine.services.column_undo import undo_change
from dataengine.services.rehearsals import rehearse

from .conftest import MakeTable

TEXTS = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=12),
    st.sampled_from(
        ["", " 1 ", "1.5", "1,5", "1.234,56", "2024-02-29", "31.12.2024", "yes", "Nein", "N/A", "NaN", "-"]
    ),
    st.sampled_from(
        ["a@b.de", "https://x.y/", "a", "b", "{}", "null", "1e5", "-0", "0012", "12:30", "#REF!", "t", "1"]
    ),
    st.integers(-(2**40), 2**40).map(str),
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.decimals(-(10**9), 10**9, allow_nan=False, places=4).map(lambda number: format(number, "f")),
    st.sampled_from(["0", "1", "-1", "0.10", "1.500", "32768", "2147483648"]),
)
FLOATS = st.one_of(
    st.floats(width=32).map(repr), st.sampled_from(["NaN", "Infinity", "-Infinity", "-0", "1e15", "0.1", "1", "0"])
)
MOMENTS = st.datetimes().map(str)
# As long as PostgreSQL's intervals can be; Python's can be nine times as long.
LENGTHS = st.integers(-(2**63) + 1, 2**63 - 1) | st.timedeltas(timedelta(-400), timedelta(400)).map(
    lambda delta: delta // timedelta(microseconds=1)
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="ascii"), max_size=5).filter("\0".__ne__),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
).map(json.dumps).filter(lambda text: "\\u0000" not in text)  # fmt: skip

LISTS = st.lists(st.sampled_from(["a", "b", "", "x;y", 'q"', " c "]), max_size=3).map(
    lambda texts: "{" + ",".join('"' + text.replace('"', '\\"') + '"' for text in texts) + "}"
)

# By type: its SQL-style texts to start from and to end at, and what its values may be, as PostgreSQL reads them.
TYPES: dict[str, tuple[list[str], st.SearchStrategy[str]]] = {
    "text": (["TEXT"], TEXTS),
    "varchar": (["VARCHAR(12)", "VARCHAR(3)", "VARCHAR"], TEXTS.map(lambda text: text[:3])),
    "smallint": (["SMALLINT"], st.integers(-(2**15), 2**15 - 1).map(str)),
    "integer": (["INTEGER"], st.integers(-(2**31), 2**31 - 1).map(str) | st.sampled_from(["0", "1"])),
    "bigint": (["BIGINT"], st.integers(-(2**63), 2**63 - 1).map(str) | st.sampled_from(["0", "1"])),
    "numeric": (["NUMERIC", "NUMERIC(6,2)", "NUMERIC(50,10)"], NUMBERS),
    "real": (["REAL"], FLOATS),
    "double": (["DOUBLE PRECISION"], st.floats().map(repr) | FLOATS),
    "boolean": (["BOOLEAN"], st.sampled_from(["true", "false"])),
    "date": (["DATE"], st.dates().map(str)),
    "time": (["TIME"], st.times().map(str)),
    "timestamp": (["TIMESTAMP"], MOMENTS | st.dates().map(str)),
    "timestamptz": (["TIMESTAMPTZ"], MOMENTS.map("{}Z".format)),
    "duration": (["DURATION"], LENGTHS.map("{} microseconds".format)),
    "texts": (["TEXT[]"], LISTS),
    "choices": (["CHOICES('a','b')", "CHOICES('b')"], st.sampled_from(["{}", "{a}", "{a,b}", "{b}"])),
    "longtext": (["LONGTEXT"], TEXTS),
    "uuid": (["UUID"], st.uuids().map(str)),
    "json": (["JSON"], JSON),
    "jsonb": (["JSONB"], JSON),
    "email": (["EMAIL"], st.sampled_from(["a@b.de", "B@b.de", "x.y@example.org"])),
    "url": (["URL"], st.sampled_from(["https://a.de/", "ftp://b.de", "http://x.y/z?q"])),
    "choice": (["CHOICE('a','b')", "CHOICE('b','1')"], st.sampled_from(["b"])),
    "reference": (["REFERENCES other"], st.sampled_from(["1", "2", "3"])),
}
KINDS = (
    ("text", "varchar", "longtext", "email", "url"),
    ("bigint", "integer", "smallint"),
    ("numeric",),
    ("double", "real"),
    ("boolean",),
    ("timestamp", "date", "time", "timestamptz", "duration"),
    ("texts", "choices"),
    ("uuid",),
    ("jsonb", "json"),
    ("choice",),
    ("reference",),
)
"""Types of one line differ in their limits alone: the first of each stands for them where kinds change."""


def is_tried(old: str, new: str) -> bool:
    """Whether they are of one kind, or both the first of theirs, or one of them is what all can be written as."""
    heads = {kind[0] for kind in KINDS}
    return old == "text" or new == "text" or {old, new} <= heads or any({old, new} <= set(kind) for kind in KINDS)


PAIRS = [(old, new) for old in TYPES for new in TYPES if is_tried(old, new)]
PLACES = {name: number for number, name in enumerate(TYPES)}


def test_every_type_takes_part() -> None:
    assert TYPES.keys() == REGISTRY.keys() == {name for kind in KINDS for name in kind}


def stored(column: str = "a") -> dict[int, str | None]:
    """What is in the column, as PostgreSQL sends it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, encode({SEND[kind_in_postgres(column)]}(\"{column}\"), 'hex') FROM userdata.t")
        return dict(cursor.fetchall())


def texts(column: str = "a") -> dict[int, str | None]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT id, "{column}"::text FROM userdata.t')
        return dict(cursor.fetchall())


def kind_in_postgres(column: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT atttypid::regtype::text FROM pg_attribute WHERE attrelid = 'userdata.t'::regclass AND attname = %s",
            [column],
        )
        row = cursor.fetchone()
    assert row is not None
    return str(row[0])


SEND = {
    "text": "textsend", "character varying": "varcharsend", "smallint": "int2send", "integer": "int4send",
    "bigint": "int8send", "numeric": "numeric_send", "real": "float4send", "double precision": "float8send",
    "boolean": "boolsend", "date": "date_send", "time without time zone": "time_send",
    "timestamp without time zone": "timestamp_send", "timestamp with time zone": "timestamptz_send",
    "uuid": "uuid_send", "jsonb": "jsonb_send", "interval": "interval_send", "text[]": "array_send",
}  # fmt: skip


@pytest.fixture
def others(client: APIClient, make_table: MakeTable) -> None:
    """The records that references refer to."""
    make_table("other", x="TEXT")
    client.post("/api/tables/other/records/bulk/", {"records": [{}] * 3})


@pytest.mark.parametrize(("old", "new"), PAIRS, ids=[f"{old}-{new}" for old, new in PAIRS])
def test_nothing_is_lost_that_is_not_reported(
    old: str, new: str, request: pytest.FixtureRequest, make_table: MakeTable, owner: User
) -> None:
    if "reference" in (old, new):
        request.getfixturevalue("others")
    (old_texts, held), (new_texts, _) = TYPES[old], TYPES[new]
    table = make_table("t", a=old_texts[0])

    @settings(max_examples=1)
    @given(values=st.lists(held | st.none(), min_size=8, max_size=16), wanted=st.sampled_from(new_texts))
    def walk(values: list[str | None], wanted: str) -> None:
        assume(len(set(values)) > 1)  # the simplest example, which always comes first, says little and takes as long
        begin_anew(table, values)
        there_and_back(table, owner, wanted, twice=(PLACES[old] + PLACES[new]) % 4 == 0)

    refused = REGISTRY[old].change_into(REGISTRY[new], {}) == "refused" and old != new
    if refused:
        with pytest.raises(InvalidInput, match="could be one of"):
            rehearse(user=owner, table=table, column=table.columns.get(), changes={"column_type": new_texts[0]})
        return
    walk()


def begin_anew(table: Table, values: list[str | None]) -> None:
    column = table.columns.get()
    kind = column.kind.postgres_type(column.parameters)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE userdata.t")
        for key, value in enumerate(values, 1):
            cursor.execute(f"INSERT INTO userdata.t (id, a) VALUES (%s, %s::{kind})", [key, value])


def there_and_back(table: Table, user: User, wanted: str, *, twice: bool) -> None:
    """Change the type and take it back; ``twice`` also takes the taking back back, which is the same for all types."""
    column = table.columns.get()
    before, said = stored(), texts()
    described = column.to_spec()
    found = rehearse(user=user, table=table, column=column, changes={"column_type": wanted})
    assert stored() == before
    numbers = found.numbers
    assert numbers.converted + numbers.unchanged + numbers.failing == numbers.records == len(before)
    done = change_column(user=user, table=table, column=column, changes={"column_type": wanted}, on_failure="keep")
    assert isinstance(done, Changed)
    after = texts()
    images = RecordChange.objects.filter(event=done.event).count()
    assert images == numbers.failing + (0 if found.rewrites_table else numbers.converted)
    kept = text_of_kept(table) if numbers.failing else {}
    assert len([text for text in kept.values() if text is not None]) == numbers.failing
    for key, text in said.items():
        if text is not None and after[key] is None and kept.get(key) is None:
            # Words for nothing stand for nothing, in texts only.
            assert REGISTRY[described.type].is_text
            assert text.strip() in {"", "NA", "N/A", "NULL", "null", "\\N", "-", "NaN", "nan", "#N/A"}, text
        assert kept.get(key) in (None, text)
    undone = undo_change(user=user, table=table, event_id=done.event.pk)
    assert isinstance(undone, Changed)
    assert (stored(), table.columns.get(pk=column.pk).to_spec()) == (before, described)
    if numbers.failing and twice:
        redone = undo_change(user=user, table=table, event_id=undone.event.pk)
        assert isinstance(redone, Changed)
        assert texts() == after
        undo_change(user=user, table=table, event_id=redone.event.pk)
        assert stored() == before
    for item in TrashItem.objects.filter(table=table):
        trash.purge(user=None, item=item)


def text_of_kept(table: Table) -> dict[int, str | None]:
    kept = table.columns.exclude(name="a").get()
    return texts(kept.name)
