"""Cells as people and programs of many countries write them: the types that new columns get, and the values.

By the import's own inference and conversion, without a database. A value is compared as its type prints it; None in
place of the values says that they are kept as text, as they are.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from dataengine.columns.sql_types import parse_sql_type
from dataengine.imports.converting.conversion import Converter
from dataengine.imports.dialects.opening import examine
from dataengine.imports.pipeline import blocks_of, find_formats, infer_types, targets_of
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import plan_new, plan_onto


@dataclass(frozen=True, slots=True)
class Column:
    """What became of the cells of one column."""

    type: str
    values: list[Any]
    rejected: int
    notes: str


def column_of(cells: Sequence[str], into: str | None = None) -> Column:
    """The cells as a new column, or put ``into`` one of an SQL-style type."""
    text = "k\tv\n" + "".join(f"r\t{cell}\n" for cell in cells)
    options = ImportOptions.read({} if into else {"create_table": True, "null_values": []})
    opening = examine(io.BytesIO(text.encode()), "a.tsv", options.dialect)
    if into is None:
        plan = plan_new(opening, options)
        infer_types(plan, options, lambda block, rows: None)
    else:
        # What PostgreSQL gets of NUMERIC is no Arrow type; with a precision it is.
        plan = plan_onto(opening, options, [parse_sql_type("v", into)])
        find_formats(plan, lambda block, rows: None)
    place = [spec.name for spec in plan.specs].index("v")
    converter = Converter(targets_of(plan), plan.places, markers=plan.markers or ())
    values: list[Any] = []
    rejected = 0
    for block in blocks_of(plan):
        batch = converter.convert(block.columns)
        rejected += int((~batch.good).sum())
        values += batch.values[place].filter(batch.good).to_pylist()
    return Column(plan.specs[place].type, values, rejected, "\n".join(plan.findings()["notes"]))


# cells; what they are in a column of NUMERIC(20,6), and the type of a new column
NUMBERS: list[tuple[list[str], str, list[str]]] = [
    (["Fr. 1'234.50", "Fr. 12.00"], "numeric", ["1234.5", "12"]),
    (["SFr. 12.00", "SFr. 1`234.–"], "numeric", ["12", "1234"]),
    (["kr. 1.234,56", "kr. 5,00"], "numeric", ["1234.56", "5"]),
    (["Rs. 1,20,000", "Rs. 500.50"], "numeric", ["120000", "500.5"]),
    (["1 234,56 руб.", "5,00 руб."], "numeric", ["1234.56", "5"]),
    (["1\u00a0234 Ft", "500 Ft"], "numeric", ["1234", "500"]),
    (["1,234円", "￥500"], "text", []),
    (["1,234円", "500円"], "numeric", ["1234", "500"]),
    (["NT$1,234.50", "NT$50"], "numeric", ["1234.5", "50"]),
    (["+$5.10", "-$7"], "numeric", ["5.1", "-7"]),
    (["- 5,00 €", "-€ 7,50", "€ 7,00"], "numeric", ["-5", "-7.5", "7"]),
    (["$ -", "$ 1,234.00", "$ (500.00)"], "numeric", ["0", "1234", "-500"]),
    (["- €", "5,50 €"], "numeric", ["0", "5.5"]),
    (["+4%", "-12.5%", "(3%)"], "numeric", ["0.04", "-0.125", "-0.03"]),
    (["+1.5", "-2.5", "0"], "numeric", ["1.5", "-2.5", "0"]),
    (["+12", "-7", "0"], "integer", ["12", "-7", "0"]),
    (["( 12.50 )", "13.00", "6 -"], "numeric", ["-12.5", "13", "-6"]),
    (["－12", "7"], "integer", ["-12", "7"]),
    (["5.", "1.25"], "numeric", ["5", "1.25"]),
]
CODES = [
    ["+12", "+7", "0"],
    ["+49.1701234567", "+49.30123456"],
    ["+1.868.555", "+1.868.556"],
    ["RM 12", "RM 13"],
    ["COP 28", "COP 29"],
    ["5 Ft", "6 Ft"],
    ["1.", "2.", "3."],
    ["$5", "€5"],
    ["1.234,56", "1,234.56"],
]
# cells of a new column, its type, and the values as Python prints them
MOMENTS: list[tuple[list[str], str, list[str]]] = [
    (["3. 1. 2024", "14. 2. 2024"], "date", ["2024-01-03", "2024-02-14"]),
    (["2024. 01. 03.", "2024. 02. 14."], "date", ["2024-01-03", "2024-02-14"]),
    (["Jan 3, 24", "Feb 14, 69"], "date", ["2024-01-03", "1969-02-14"]),
    (["Wed, 3 Jan 2024", "Fri, 16 Feb 2024"], "date", ["2024-01-03", "2024-02-16"]),
    (["Mittwoch, 3. Januar 2024", "Fr. 16. Feb. 2024"], "date", ["2024-01-03", "2024-02-16"]),
    (["lundi 3 juin 2024", "mardi 4 juin 2024"], "date", ["2024-06-03", "2024-06-04"]),
    (["Mo, 03.06.2024 14:30 Uhr", "Di, 04.06.2024 15:00 Uhr"], "timestamp", ["2024-06-03 14:30", "2024-06-04 15:00"]),
    (["June 3, 2024 at 5:00 PM", "June 4, 2024 at 1:15 AM"], "timestamp", ["2024-06-03 17:00", "2024-06-04 01:15"]),
    (["2024-06-03 17:00:00,123", "2024-06-04 00:00:00"], "timestamp", ["2024-06-03 17:00:00.123", "2024-06-04 00:00"]),
    (["2024-06-03 17:00:00 UTC", "2024-06-04 00:00:00 UTC"], "timestamptz", ["2024-06-03 17:00", "2024-06-04 00:00"]),
    (["Mon, 03 Jun 2024 17:00:00 GMT", "Tue, 04 Jun 2024 00:00:00 +0000"], "timestamptz", ["2024-06-03 17:00"]),
    (["20240103", "20240214"], "integer", ["20240103", "20240214"]),
    (["xy 3 may 2024", "so 4 may 2024"], "text", ["xy 3 may 2024"]),
]


def test_numbers(subtests: pytest.Subtests) -> None:
    for cells, kind, values in NUMBERS:
        with subtests.test(cells=cells):
            found = column_of(cells)
            assert (found.type, found.rejected) == (kind, 0)
            if values:
                known = column_of(cells, "NUMERIC(20,6)")
                assert (known.rejected, known.values) == (0, [Decimal(value) for value in values])


def test_codes_stay_as_they_are(subtests: pytest.Subtests) -> None:
    for cells in CODES:
        with subtests.test(cells=cells):
            found = column_of(cells)
            assert (found.type, found.values) == ("text", cells)


def test_moments(subtests: pytest.Subtests) -> None:
    for cells, kind, values in MOMENTS:
        with subtests.test(cells=cells):
            found = column_of(cells)
            assert (found.type, found.rejected) == (kind, 0)
            for value, text in zip(found.values, values, strict=False):
                assert str(value).startswith(text), value


def test_columns_of_known_types(subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, list[str], int, str]] = [
        ("DATE", ["20240105", "2024-01-06", "20240199"], 1, "2024-01-05 2024-01-06"),
        ("INTEGER", ["1.000", "2.500"], 0, "1000 2500"),
        ("INTEGER", ["1.500", "2.25"], 2, ""),
        ("BOOLEAN", ["1.0", "0.0", "✓", "☐", "j", "да", "нет"], 0, "True False True False True True False"),
    ]
    for into, cells, rejected, values in cases:
        with subtests.test(into=into, cells=cells):
            found = column_of(cells, into)
            assert (found.rejected, " ".join(map(str, found.values))) == (rejected, values)


def test_yes_and_no_in_more_languages(subtests: pytest.Subtests) -> None:
    for yes, no in [
        ("да", "нет"),
        ("ano", "ne"),
        ("Igen", "Nem"),
        ("evet", "hayır"),
        ("KYLLÄ", "EI"),
        ("はい", "いいえ"),
    ]:
        with subtests.test(yes=yes):
            found = column_of([yes, no, yes])
            assert (found.type, found.values) == ("boolean", [True, False, True])
            assert column_of([yes, yes]).type == "text"
