"""SQL-style column types: every accepted spelling, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import REGISTRY
from dataengine.exceptions import InvalidInput


@pytest.mark.parametrize(
    ("text", "name", "parameters"),
    [
        ("TEXT", "text", {}),
        ("varchar(20)", "varchar", {"length": 20}),
        ("Character Varying (5)", "varchar", {"length": 5}),
        ("VARCHAR", "varchar", {}),
        ("SMALLINT", "smallint", {}),
        ("INTEGER", "integer", {}),
        ("INT", "integer", {}),
        ("BIGINT", "bigint", {}),
        ("NUMERIC", "numeric", {}),
        ("DECIMAL(10,2)", "numeric", {"precision": 10, "scale": 2}),
        ("NUMERIC(7)", "numeric", {"precision": 7, "scale": 0}),
        ("REAL", "real", {}),
        ("FLOAT", "double", {}),
        ("double   precision", "double", {}),
        ("BOOLEAN", "boolean", {}),
        ("DATE", "date", {}),
        ("TIME", "time", {}),
        ("TIMESTAMP", "timestamp", {}),
        ("TIMESTAMP WITH TIME ZONE", "timestamptz", {}),
        ("TIMESTAMPTZ", "timestamptz", {}),
        ("DATETIME", "timestamp", {}),
        ("LONGTEXT", "longtext", {}),
        ("TEXT[]", "texts", {}),
        ("text array", "texts", {}),
        ("CHOICES('a','it''s')", "choices", {"choices": ["a", "it's"]}),
        ("DURATION", "duration", {}),
        ("INTERVAL", "duration", {}),
        ("UUID", "uuid", {}),
        ("JSON", "json", {}),
        ("JSONB", "jsonb", {}),
        ("EMAIL", "email", {}),
        ("URL", "url", {}),
        ("CHOICE('a','it''s')", "choice", {"choices": ["a", "it's"]}),
        ("REFERENCES other_table", "reference", {"references": "other_table"}),
        ('references "Other Table"', "reference", {"references": "Other Table"}),
    ],
)
def test_reads_types(text: str, name: str, parameters: dict[str, Any]) -> None:
    for spelling in (text, f"  {text}  ", text.lower() if "'" not in text and '"' not in text else text):
        spec = parse_sql_type("c", spelling)
        assert (spec.type, spec.unique, spec.required, spec.default) == (name, False, False, None)
        assert spec.parameters == (parameters if "references" not in text.lower() else spec.parameters)


@pytest.mark.parametrize(
    ("text", "unique", "required", "default"),
    [
        ("TEXT UNIQUE", True, False, None),
        ("TEXT not null", False, True, None),
        ("TEXT NULL", False, False, None),
        ("TEXT DEFAULT 'it''s' UNIQUE NOT NULL", True, True, "it's"),
        ("INT NOT NULL DEFAULT -1 UNIQUE", True, True, "-1"),
        ("NUMERIC DEFAULT 1.5e3", False, False, "1.5e3"),
        ("BOOLEAN DEFAULT TRUE", False, False, "true"),
        ("TEXT DEFAULT NULL", False, False, None),
        ("TEXT DEFAULT ''", False, False, ""),
    ],
)
def test_reads_modifiers(text: str, unique: bool, required: bool, default: str | None) -> None:
    spec = parse_sql_type("c", text)
    assert (spec.unique, spec.required, spec.default) == (unique, required, default)


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "TEX", "TEXT(5)", "INTEGER(5)", "VARCHAR(0)", "VARCHAR(-1)", "VARCHAR(a)", "VARCHAR(99999999)",
        "VARCHAR(1", "NUMERIC(2,3)", "NUMERIC(1001)", "NUMERIC(1,2,3)", "CHOICE", "CHOICE()", "CHOICE('a','a')",
        "CHOICE('')", "CHOICE(1)", "REFERENCES", "REFERENCES 'x'", "REFERENCES select", "TEXT PRIMARY KEY",
        "TEXT; DROP TABLE x", "TEXT DEFAULT now()", "TEXT DEFAULT", "TEXT NOT", "TEXT CHECK (1=1)", "TEXT -- x",
        "JSON UNIQUE", "TEXT COLLATE \"C\"", "INTEGER[]", "SERIAL", "MONEY", "x" * 30_000, None, 5, {"type": "TEXT"},
        "TEXT DEFAULT 'a",
    ],
)  # fmt: skip
def test_refuses_naming_the_column(text: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_sql_type("price", text)
    assert list(caught.value.fields) == ["price"]


@given(st.text(alphabet=st.sampled_from("TEXVARCHNUMIDFLOJSBPY ()',\"0123456789-.;\n\0é"), max_size=60))
def test_never_fails_otherwise(text: str) -> None:
    try:
        spec = parse_sql_type("c", text)
    except InvalidInput:
        return
    assert spec.type in REGISTRY


@given(
    st.sampled_from(sorted(set(REGISTRY) - {"reference", "choice", "choices"})),
    st.integers(1, 10_485_760),
    st.integers(1, 1000),
    st.data(),
)
def test_written_types_read_back(name: str, length: int, precision: int, data: st.DataObject) -> None:
    parameters: dict[str, Any] = {}
    if name == "varchar":
        parameters = {"length": length}
    if name == "numeric":
        parameters = {"precision": precision, "scale": data.draw(st.integers(0, precision))}
    spec = parse_sql_type("c", REGISTRY[name].sql_text(parameters))
    assert (spec.type, spec.parameters) == (name, parameters)


@pytest.mark.parametrize("name", ["orders", "Größe", "first name", "e-mail"])
def test_references_read_back(name: str) -> None:
    assert parse_sql_type("c", REGISTRY["reference"].sql_text({"references": name})).parameters == {"references": name}


@given(st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1), min_size=1, max_size=9, unique=True))
def test_choices_read_back(choices: list[str]) -> None:
    for name in ("choice", "choices"):
        spec = parse_sql_type("c", REGISTRY[name].sql_text({"choices": choices}))
        assert (spec.type, spec.parameters) == (name, {"choices": choices})
