"""The text of a CREATE TABLE becomes columns; what has no place here is named, and nothing else may be in the text."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.columns.create_table import ReadTable, is_sql, read_create_table
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput


def columns(body: str, name: str = "t") -> dict[str, ColumnSpec]:
    return {column.name: column for column in read(body, name).columns}


def read(body: str, name: str = "t") -> ReadTable:
    return read_create_table(f"CREATE TABLE {name} ({body})")


def only(body: str) -> ColumnSpec:
    [column] = read(body).columns
    return column


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("text", "TEXT"), ("varchar(20)", "VARCHAR(20)"), ("character varying(20)", "VARCHAR(20)"),
        ("char(3)", "VARCHAR(3)"), ("char", "VARCHAR(1)"), ("citext", "TEXT"), ("int", "INTEGER"),
        ("int4", "INTEGER"), ("int8", "BIGINT"), ("serial", "INTEGER"), ("bigserial", "BIGINT"),
        ("numeric(10,2)", "NUMERIC(10,2)"), ("decimal", "NUMERIC"), ("money", "NUMERIC"), ("real", "REAL"),
        ("float", "DOUBLE PRECISION"), ("double precision", "DOUBLE PRECISION"), ("bool", "BOOLEAN"),
        ("date", "DATE"), ("time", "TIME"), ("timestamp(3)", "TIMESTAMP"), ("timestamp with time zone", "TIMESTAMPTZ"),
        ("uuid", "UUID"), ("json", "JSON"), ("jsonb", "JSONB"), ("email", "EMAIL"),
        ("CHOICE('a','it''s')", "CHOICE('a','it''s')"), ("enum('x','y')", "CHOICE('x','y')"),
    ],
)  # fmt: skip
def test_types_are_understood(said: str, meant: str) -> None:
    column = only(f"a {said}")
    assert column.kind.sql_text(column.parameters) == meant


def test_other_databases_are_understood() -> None:
    read = read_create_table(
        "create table `t` (`a` tinyint(1) not null, b int(11) unsigned, c enum('x','y') default 'x', d datetime(6),"
        " e mediumtext comment 'it''s') ENGINE=InnoDB;"
    )
    assert [(column.name, column.type) for column in read.columns] == [
        ("a", "boolean"), ("b", "bigint"), ("c", "choice"), ("d", "timestamp"), ("e", "text"),
    ]  # fmt: skip
    assert (read.columns[0].required, read.columns[2].default, read.columns[4].description) == (True, "x", "it's")
    [one, two] = read_create_table("CREATE TABLE [t] ([a] [int] NOT NULL, b nvarchar(max))").columns
    assert (one.type, one.required, two.type) == ("integer", True, "text")


def test_rules_are_understood() -> None:
    found = columns(
        "a int check (a >= 0 and a < 10), b text check (char_length(b) between 2 and 5),"
        " c text check (length(c) > 2 and c ~ '^x'), d text check (d in ('p','q')), e int, check (5 <= e),"
        " f text unique not null, g int references people(id), h int, foreign key (h) references other,"
        " m date check (m >= date '2024-01-31'), n interval check (n < interval '1 day'), o date check (o > 'never'),"
        " i text, unique (i), j numeric default -1.5, k boolean default true, l jsonb default '{}'::jsonb"
    )
    assert found["a"].constraints == {"minimum": 0, "exclusiveMaximum": 10}
    assert found["b"].constraints == {"minLength": 2, "maxLength": 5}
    assert found["c"].constraints == {"minLength": 3, "pattern": "^x"}
    assert found["d"].parameters == {"choices": ["p", "q"]}
    assert found["e"].constraints == {"minimum": 5}
    assert [found[name].constraints for name in "mno"] == [
        {"minimum": "2024-01-31"}, {"exclusiveMaximum": "PT24H"}, {},
    ]  # fmt: skip
    assert (found["f"].unique, found["f"].required, found["i"].unique) == (True, True, True)
    assert [found[name].parameters for name in "gh"] == [{"references": "people"}, {"references": "other"}]
    assert [found[name].default for name in "jkl"] == ["-1.5", "true", "{}"]


def test_the_key_is_the_systems_own() -> None:
    found = read("id bigserial primary key, name text")
    assert [column.name for column in found.columns] == ["name"]
    assert any("“id” is left out" in note for note in found.notes)
    code, own = read("code text primary key, id text").columns
    assert (code.unique, code.required) == (True, True)
    assert (own.name, own.label) == ("id_column", "id")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("a polygon", "“a”: polygon is no type here"),
        ("a timestamptz default now()", "CURRENT_TIMESTAMP"),
        ("a int, b int, unique (a, b)", "UNIQUE (a, b)"),
        ("a int, b int, primary key (a, b)", "PRIMARY KEY (a, b)"),
        ("a int, b int, check (a < b)", "a < b"),
        ("a int check (a >= 0 or a = -5)", "CHECK"),
        ("a int generated always as (1 + 1) stored", "GENERATED ALWAYS"),
        ("a text references people(name)", "REFERENCES people"),
        ("a boolean check (a >= 0)", "CHECK"),
        ("a int, exclude using gist (a with =)", "EXCLUDE"),
        ("a int, like other including all", "LIKE other"),
        ('"a__b" int', "“a__b” cannot name a column here"),
    ],
)
def test_what_has_no_place_here_is_named(body: str, named: str) -> None:
    assert any(named in note for note in read(body).notes), read(body).notes


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("create table a (b int); create table c (d int)", "besides “a” it holds CREATE TABLE “c”"),
        ("create table a (b int); drop table a", "DROP"),
        ("create table a (b int); insert into a values (1); select 1", "INSERT, SELECT"),
        ("create table a (b int); comment on table a is 'x'; grant select on a to b", "COMMENT, GRANT"),
        ("create table a (b int); do $$ begin end $$", "DO"),
        ("create view a as select 1", "no CREATE TABLE in this text; it holds CREATE VIEW"),
        ("create table a as select 1", "takes them from a query"),
        ("select 1", "it holds SELECT"),
        ("create table a ()", "lists no columns"),
        ("create table a (b int, B text)", "two columns “B”"),
        ("create table a (b int", "cannot be read"),
        ("create table " + "(" * 5_000, "cannot be read"),
        ("-- nothing", "no statement"),
        (f"create table a (b int check ({' and '.join(['b > 1'] * 5_000)}))", "nested too deeply"),
        (f"create table a ({', '.join(f'column_{n} int' for n in range(5_000))})", "longer than 60,000 characters"),
    ],
)
def test_anything_else_is_refused_and_named(text: str, named: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_create_table(text)
    assert named in caught.value.message


def test_sql_is_told_from_rows() -> None:
    assert is_sql("  CREATE TABLE a (b int)")
    assert is_sql("-- a comment\nCREATE TABLE a (b int)")
    assert not is_sql("create,update,delete")
    assert not is_sql("name\temail")
    assert not is_sql("update")


@given(text=st.text(max_size=200) | st.text("create table(),;'\"intx \n-*/", max_size=200))
def test_whatever_is_typed_is_answered(text: str) -> None:
    for tried in (text, f"create table t ({text})"):
        with suppress(InvalidInput):
            assert read_create_table(tried).columns


OURS: list[dict[str, Any]] = [
    {"a": "TEXT UNIQUE NOT NULL", "b": "NUMERIC(10,2) DEFAULT 1.50", "c": "BOOLEAN NOT NULL DEFAULT false"},
    {"Größe": "DOUBLE PRECISION", "full name": "VARCHAR(20) DEFAULT 'it''s'", "d": "TIMESTAMPTZ", "e": "JSONB"},
]


@pytest.mark.parametrize("described", OURS)
def test_our_own_types_come_back(described: dict[str, str]) -> None:
    body = ", ".join(f'"{name}" {text}' for name, text in described.items())
    assert read(body).columns == [parse_sql_type(name, text) for name, text in described.items()]


def test_indexes_and_comments_of_the_table_are_left_out() -> None:
    """Our own text of a table goes on with them; those of another table are something else."""
    text = 'create table "a" (b int, c text); create index on "a" ("b", id); comment on column "a"."c" is \'x\';'
    read = read_create_table(text)
    assert [column.name for column in read.columns] == ["b", "c"]
    assert read.notes[-2:] == ["CREATE INDEX is left out.", "COMMENT is left out."]
    for other in ("create index on z (b)", "comment on table z is 'a'"):
        with pytest.raises(InvalidInput, match="besides “a” it holds C"):
            read_create_table(f"create table a (b int); {other}")
