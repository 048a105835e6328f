"""A damaged header only loses itself, and never puts cells into the wrong column."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.header import read_header
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.source import open_source
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

ROWS = [[f"Ann {number}", f"Oslo {number}", f"{number}", "x"] for number in range(8)]
BODY = "\n".join(",".join(row) for row in ROWS) + "\n"
HEADER = "name,city,n,note"
"""Broken after its second name, it becomes two lines with the same number of cells."""


def rows_of(text: str) -> tuple[list[str], list[list[str]], list[int]]:
    """Headers, rows and the lines of rejected ones, with everything detected."""
    source = open_source(io.BytesIO(text.encode()), "a.csv")
    dialect = detect(source)
    names = read_header(source, dialect).names
    blocks = list(parse(source, dialect, len(names)))
    rows = [list(row) for block in blocks for row in zip(*(c.to_pylist() for c in block.columns), strict=True)]
    return names, rows, [reject.line for block in blocks for reject in block.rejects]


@pytest.mark.parametrize("damage", [",", '"', '""', "\n", "\r\n", ";", "\0", "'", ",,", '"\n"'])
def test_damage_at_every_place(damage: str) -> None:
    for at in range(len(HEADER) + 1):
        broken = HEADER[:at] + damage + HEADER[at:]
        _, rows, lines = rows_of(f"{broken}\n{BODY}")
        assert rows == ROWS, broken
        assert set(lines) <= {1, 2}, broken


@pytest.mark.parametrize("at", range(len(HEADER)))
def test_a_header_with_a_character_less(at: int) -> None:
    _, rows, _ = rows_of(f"{HEADER[:at]}{HEADER[at + 1 :]}\n{BODY}")
    assert rows == ROWS


def test_delimiters_at_the_ends_of_lines_are_unnamed_columns_or_none() -> None:
    assert rows_of("a,b,\n1,2,\n3,4,\n5,6,\n") == (["a", "b", "column_3"], [["1", "2", None], ["3", "4", None], ["5", "6", None]], [])  # fmt: skip  # noqa: E501
    assert rows_of("a,b\n1,2,\n") == (["a", "b", "column_3"], [["1", "2", None]], [])
    assert rows_of("a,b\n1,2,\n3,4,\n5,6,\n")[0] == ["a", "b", "column_3"]
    assert rows_of("a,b,\n1,2\n3,4\n5,6\n") == (["a", "b"], [["1", "2"], ["3", "4"], ["5", "6"]], [])
    assert rows_of(",a,column_1\n1,2,3\n")[0] == ["column_1_", "a", "column_1"]


def test_a_line_above_the_header_may_be_faulty_or_wide() -> None:
    assert rows_of(f'He said "so"\n{HEADER}\n{BODY}') == (HEADER.split(","), ROWS, [])
    assert rows_of(f"by,us,today\n{HEADER}\n{BODY}") == (HEADER.split(","), ROWS, [])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("header", ["na,me,city,n,note", "namecity,n,note", 'name,ci"ty,n,note', "name,city,n", "name,city,n,no,te", "name;city;n;note"])  # fmt: skip  # noqa: E501
def test_a_table_takes_the_rows_in_its_own_order_only(owner: User, header: str) -> None:
    columns: dict[str, Any] = {"name": "TEXT", "city": "TEXT", "n": "INTEGER", "note": "TEXT"}
    make_table(owner, "T", **columns)
    job = import_text(owner, "T", f"{header}\n{BODY}")
    assert [line for line, _ in rejected(job)] == ([] if ";" in header else [1])
    assert records("T", *columns) == [tuple(row) for row in ROWS]
    make_table(owner, "U", **{name: columns[name] for name in ("city", "name", "note", "n")})
    if header in ('name,ci"ty,n,note', "name;city;n;note"):  # still tells which column is which
        import_text(owner, "U", f"{header}\n{BODY}")
        assert records("U", *columns) == [tuple(row) for row in ROWS]
        return
    with pytest.raises(InvalidInput) as caught:
        queue_import(owner, "U", f"{header}\n{BODY}")
    assert caught.value.error_code == "malformed_header"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("first", ['Ann,Os"lo,5,x', "Ann,Oslo,5", "Ann,Oslo,5,x,y"])
def test_a_damaged_first_row_is_no_header(owner: User, first: str) -> None:
    make_table(owner, "T", name="TEXT", city="TEXT", n="INTEGER", note="TEXT")
    job = import_text(owner, "T", f"{first}\n{BODY}")
    assert [line for line, _ in rejected(job)] == [1]
    assert records("T", "name", "city", "n", "note") == [tuple(row) for row in ROWS]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("mark", ["'", ";", "\0", " ", "\\", "|", '""'])
def test_names_are_known_with_a_character_too_many(owner: User, mark: str) -> None:
    make_table(owner, "T", note="TEXT", city="TEXT", n="INTEGER", name="TEXT")
    import_text(owner, "T", f"na{mark}me,city,n,note\n{BODY}")
    assert records("T", "name", "city", "n", "note") == [tuple(row) for row in ROWS]


@pytest.mark.django_db(transaction=True)
def test_a_title_without_a_header_is_refused_unless_somebody_says_so(owner: User) -> None:
    make_table(owner, "T", a="INTEGER", b="INTEGER", c="INTEGER")
    text = "Title of it\n" + "1,2,3\n" * 6
    with pytest.raises(InvalidInput):
        queue_import(owner, "T", text)
    assert import_text(owner, "T", text, has_header=False).rows_imported == 6
    assert import_text(owner, "T", "sep=;\n" + "1;2;3\n" * 6).rows_imported == 6
