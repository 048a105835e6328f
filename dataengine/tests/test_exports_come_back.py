"""Whatever a table holds comes back as it was: out in any format, and in again, for columns of every type."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataengine.models import Table

from .conftest import MakeTable
from .importing import import_text, records
from .test_export_is_exact import HARD, QUICK, TYPES, VALUES, empty, export, fill, texts

# Whoever watches an import does so over another connection.
pytestmark = pytest.mark.django_db(transaction=True)

ALL_TYPES = TYPES | {
    "e": "EMAIL", "w": "URL", "s": "SMALLINT", "y": "INTEGER", "g": "JSON", "q": "LONGTEXT", "ref": "REFERENCES other",
}  # fmt: skip
words = st.from_regex(r"\A[a-z][a-z0-9]{0,8}\Z")
documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
ALL_VALUES: dict[str, st.SearchStrategy[Any]] = VALUES | {
    "e": st.builds("{}@{}.org".format, words, words),
    "w": st.builds("https://{}.org/{}?a=1&b=%20".format, words, words),
    "s": st.integers(-(2**15), 2**15 - 1),
    "q": texts,
    "y": st.integers(-(2**31), 2**31 - 1),
    "ref": st.sampled_from([1, 2]),
    # None is SQL's NULL to the model that fills the table.
    "j": documents.filter(lambda value: value is not None),
    "g": documents.filter(lambda value: value is not None),
}
rows_of_values = st.lists(
    st.fixed_dictionaries({name: st.none() | strategy for name, strategy in ALL_VALUES.items()}),
    min_size=8,
    max_size=14,
)
JSON: list[Any] = ["text", "1", 1, "null", [], {"a": '"\\'}]
WAYS = [("csv", "spreadsheet", "a.csv"), ("csv", "exact", "a.csv"), ("json", "", "a.json"), ("xlsx", "", "a.xlsx")]


def _values(table: str) -> list[tuple[Any, ...]]:
    """All records as text: 1.50 is to come back as 1.50."""
    return list(records(table, *ALL_TYPES))


@pytest.fixture
def table(make_table: MakeTable) -> Table:
    fill(make_table("other", name="TEXT"), [{"name": "one"}, {"name": "two"}])
    return make_table("t", **ALL_TYPES)


@pytest.fixture
def copy(table: Table, make_table: MakeTable) -> Table:
    return make_table("copy", **ALL_TYPES)


def test_every_type_is_tried() -> None:
    from dataengine.columns.sql_types import parse_sql_type
    from dataengine.columns.types import REGISTRY

    assert {parse_sql_type("c", text).type for text in ALL_TYPES.values()} == set(REGISTRY)


# An import costs more than what is in it: few files with many rows each, and each goes all ways.
@settings(max_examples=5, phases=QUICK, deadline=None)
@given(rows=rows_of_values)
@example(rows=HARD)
@example(rows=[{"j": "text"}])
@example(rows=[
    *({"j": value} for value in JSON),
    *({"n": Decimal(text)} for text in ("1.50", "2.0", "0.00", "-120.0", "0E-14", "0E-15", "1E+3")),
    *({"a": text} for text in ("\ufffe\uffff", "_x000D_\r\n", "\x01\x1f\x7f\x85\u2028", "\ufeffx")),
])  # fmt: skip
def test_out_and_in_again(owner: User, table: Table, copy: Table, rows: list[dict[str, Any]]) -> None:
    empty("t")
    fill(table, rows)
    for form, guard, filename in WAYS:
        empty("copy")
        data = export(table, form, guard or "spreadsheet")
        how = {"delimiter": ",", "encoding": "utf-8"} if form == "csv" else {}
        job = import_text(owner, "copy", data, filename=filename, **how)
        said = (form, guard, job.error, job.errors, base64.b64encode(data))
        assert (job.state, job.rows_imported) == ("completed", len(rows)), said
        assert _values("copy") == _values("t"), (form, guard)
