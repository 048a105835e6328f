"""A look into a file that begins anew, since there is more than its beginning shows, counts what it reads once."""

from __future__ import annotations

import io

import pytest

from dataengine.imports import looking
from dataengine.imports.looking import look
from dataengine.imports.planning.options import ImportOptions

ROWS = 200_000
"""Twice as many are more than one block."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs tests may be slower than a person is patient."""
    monkeypatch.setattr(looking, "MOST_SECONDS", 600.0)


def test_a_late_cell_in_an_unnamed_column() -> None:
    text = "a,b,\n" + "1,2,\n" * ROWS + "1,2,3,4\n" + "1,2,\n" * ROWS + "3,4,late\n"
    found = look(io.BytesIO(text.encode()), "a.csv", ImportOptions.read({"create_table": True}), None)
    assert [column["column"] for column in found["columns"]] == ["a", "b", "column_3"]
    assert (found["rows"], found["damaged"]) == (2 * ROWS + 1, 1)
