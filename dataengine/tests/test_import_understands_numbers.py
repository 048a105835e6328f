"""Numbers as spreadsheets and people write them are understood, in new tables and existing columns."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from django.contrib.auth.models import User
from hypothesis import example, given
from hypothesis import strategies as st

from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.kernels_written import read
from dataengine.imports.converting.number_styles import COMMA, POINT, NumberStyle
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

NUMBERS = st.decimals(-(10**14), 10**14, places=3) | st.integers(-(10**14), 10**14).map(Decimal)


def _written(number: Decimal, style: NumberStyle, group: str, sign: str, tag: str) -> str:
    text = f"{abs(number):,f}".replace(",", "~").replace(".", style.decimal).replace("~", group)
    if tag == "%":
        text += tag
    elif tag:
        text = f"{tag}{text}" if len(tag) == 1 else f"{text} {tag}"
    if number.is_signed() and sign == "(":
        return f"({text})"
    if number.is_signed() and sign == "-after":
        return f"{text}-"
    return f"{sign[0]}{text}" if number.is_signed() else text


@given(NUMBERS, st.sampled_from([POINT, COMMA]), st.data())
@example(Decimal("-0.001"), COMMA, None)
def test_a_number_written_in_a_style_is_read_back(
    number: Decimal, style: NumberStyle, data: st.DataObject | None
) -> None:
    others = [",", "'", "\u2019"] if style is POINT else [".", "'", "\u2019"]
    group = data.draw(st.sampled_from([*others, " ", "\u00a0", "\u202f", "\u2009", ""])) if data else ""
    sign = data.draw(st.sampled_from(["-", "\u2212", "\u2010", "(", "-after"])) if data else "-"
    tag = data.draw(st.sampled_from(["", "", "%", "$", "€", "CHF", "EUR"])) if data else ""
    if tag not in {"", "%"}:
        number = number.quantize(Decimal("0.01"))  # three decimals of an amount are thousands
    text = _written(number, style, group, sign, tag)
    wanted = number / 100 if tag == "%" else number
    (found,) = read(pa.array([text]), style).values.to_pylist()
    assert found is not None, text
    assert Decimal(found) == wanted


pytestmark = pytest.mark.django_db(transaction=True)


def made(owner: User, cells: list[str], **options: Any) -> tuple[str, list[str | None], list[str]]:
    """The type, values and notes of a new column with these cells."""
    text = "key;value\n" + "".join(f"k;{cell}\n" for cell in cells)
    job = import_text(owner, "made", text, create_table=True, **options)
    assert job.state == "completed", job.error
    kind = job.findings["types"]["value"]
    return kind, [value for (value,) in records("made", "value")], list(job.findings["notes"])


@pytest.mark.parametrize(
    ("cells", "kind", "values"),
    [
        (["1.234,56", "-12,50", "0,99"], "numeric", ["1234.56", "-12.50", "0.99"]),
        (["1,234.56", "12,000.00", "7.5"], "numeric", ["1234.56", "12000.00", "7.5"]),
        (["1.000", "2.500,75", "12"], "numeric", ["1000", "2500.75", "12"]),
        (["1.000.000", "2.500", "12"], "integer", ["1000000", "2500", "12"]),
        (["$1.50", "$20.00", "$3"], "numeric", ["1.50", "20.00", "3"]),
        (["1,50 €", "1.234 €"], "numeric", ["1.50", "1234"]),
        (["CHF 1'000.50", "CHF 3"], "numeric", ["1000.50", "3"]),
        (["12.5%", "3%"], "numeric", ["0.125", "0.03"]),
        (["50,52%", "49,10%"], "numeric", ["0.5052", "0.4910"]),
        (["(12.50)", "13.00"], "numeric", ["-12.50", "13.00"]),
        (["$(2.50)", "($3.00)", "$4"], "numeric", ["-2.50", "-3.00", "4"]),
        (["1,23,456.50", "12,34,567", "1,000"], "numeric", ["123456.50", "1234567", "1000"]),
        (["5,-", "12,50", "1.200,- €", "-3,--"], "numeric", ["5", "12.50", "1200", "-3"]),
        (["5.-", "1'200.\u2013", "7.\u2014", "12"], "integer", ["5", "1200", "7", "12"]),
        (["5,- €", "7,- €"], "numeric", ["5", "7"]),
        (["5.-", "7.-"], "text", ["5.-", "7.-"]),
        (["5.-", "7,50"], "text", ["5.-", "7,50"]),
        (["123.45-", "7.00"], "numeric", ["-123.45", "7.00"]),
        (["\u221212", "\u201010.5", "-3"], "numeric", ["-12", "-10.5", "-3"]),
        (["10 237,65", "1\u00a0000,00", "5,5"], "numeric", ["10237.65", "1000.00", "5.5"]),
        (["0.1234567890123456789", "1e-3"], "numeric", ["0.1234567890123456789", "0.001"]),
        (["1E05", "2E10", "12345"], "text", ["1E05", "2E10", "12345"]),
        (["00123", "1,5"], "text", ["00123", "1,5"]),
        (["1234 5678 9012 3456"], "text", ["1234 5678 9012 3456"]),
        (["555 123 456", "555 987 654"], "text", ["555 123 456", "555 987 654"]),
        (["1,5", "2.5"], "text", ["1,5", "2.5"]),
        (["5%", "3"], "text", ["5%", "3"]),
        (["$5", "3 €"], "text", ["$5", "3 €"]),
        (["1.000", "2,000"], "text", ["1.000", "2,000"]),
    ],
)
def test_a_new_column_of_them_is_a_number(owner: User, cells: list[str], kind: str, values: list[str]) -> None:
    assert made(owner, cells)[:2] == (kind, values)


def test_the_evidence_for_the_decimal_mark_is_noted(owner: User) -> None:
    _, _, notes = made(owner, ["1.000", "2.500,75", "12"])
    assert notes[-1] == "value: number, decimal comma: 1 cell shows it, none contradicts it"


def test_other_columns_decide_an_ambiguous_one(owner: User) -> None:
    job = import_text(owner, "made", "a;b\n1.000;0,5\n2.500;1,25\n", create_table=True)
    assert records("made", "a", "b") == [("1000", "0.5"), ("2500", "1.25")]
    assert any(note.startswith("a: ") and "decimal" in note for note in job.findings["notes"])


def test_nothing_is_said_of_a_style_that_no_column_is_read_in(owner: User) -> None:
    # Percentages among bare numbers have no style in common: the column is read plainly, and the odd cell is left out.
    rows = "".join(f"{cell};1.234,5\n" for cell in [*["1.234"] * 199, "5%"])
    job = import_text(owner, "made", f"a;b\n{rows}", create_table=True)
    assert records("made", "a", "b") == [("1.234", "1234.5")] * 199
    (finding,) = [column for column in job.findings["columns"] if column["column"] == "a"]
    assert finding["message"] == "a decimal number; 1 of 200 cells is not (line 201: 5%)"
    assert "decimals" not in finding
    assert not any("thousand" in note for note in job.findings["notes"])


def test_without_evidence_numbers_stay_unless_an_option_says_otherwise(owner: User) -> None:
    kind, values, notes = made(owner, ["1.000", "2.500"])
    assert (kind, values) == ("numeric", ["1.000", "2.500"])
    assert any("option decimal to “,”" in note for note in notes)


def test_options_set_how_numbers_are_written(owner: User) -> None:
    assert made(owner, ["1.000", "2.500"], decimal=",")[:2] == ("integer", ["1000", "2500"])


def test_typed_columns_take_them_too(owner: User) -> None:
    make_table(owner, "t", n="NUMERIC", m="NUMERIC(10,2)", i="INTEGER", d="DOUBLE PRECISION")
    text = "n;m;i;d\n1.000;1.234,56;3;12,5%\n2.500,75;(12,50);1.000;-1,5\n12;1,50 €;7-;3\n"
    job = import_text(owner, "t", text)
    assert rejected(job) == []
    assert records("t", "n", "m", "i", "d") == [
        ("1000", "1234.56", "3", "0.125"),
        ("2500.75", "-12.50", "1000", "-1.5"),
        ("12", "1.50", "-7", "3"),
    ]


def test_whole_numbers_may_show_zeros_and_thousands_but_no_fractions(owner: User) -> None:
    make_table(owner, "t", i="INTEGER", b="BIGINT")
    job = import_text(owner, "t", 'i,b\n3.0,1\n"1,000",2.00\n5.5,1\n1e3,1\n')
    assert records("t", "i", "b") == [("3", "1"), ("1000", "2")]
    assert rejected(job) == [(4, [("i", "invalid_type")]), (5, [("i", "invalid_type")])]
    import_text(owner, "t", "i;b\n3,000;12,000\n")  # whatever separates the cells
    assert records("t", "i", "b")[-1] == ("3000", "12000")


def test_a_column_with_both_marks_says_which_cells_have_them(owner: User) -> None:
    job = import_text(owner, "made", "k;v\n" + "a;1.234,56\n" * 5 + "b;1,234.56\n" * 5, create_table=True)
    assert job.findings["types"]["v"] == "text"
    assert "v: “1.234,56” in line 2 has a decimal comma, “1,234.56” in line 7 a decimal point" in job.findings["notes"]


def test_wrong_marks_are_refused(owner: User) -> None:
    for options in ({"decimal": ";"}, {"thousands": "x"}, {"decimal": ",", "thousands": ","}):
        with pytest.raises(InvalidInput):
            queue_import(owner, "t", "n\n1\n", create_table=True, **options)


def test_a_typed_column_says_how_open_marks_were_read_and_how_to_turn_it(owner: User) -> None:
    make_table(owner, "t", n="TEXT", amount="NUMERIC")
    job = import_text(owner, "t", "n;amount\na;1.000\nb;2.500\nc;7\n")
    (note,) = [note for note in job.findings["notes"] if note.startswith("amount: ")]
    assert "one with three decimals" in note
    assert "decimal to “,”" in note
    assert records("t", "amount") == [("1.000",), ("2.500",), ("7",)]
    again = import_text(owner, "t", "n;amount\na;1.000\n", decimal={"amount": ","})
    assert records("t", "amount")[-1] == ("1000",)
    assert not [note for note in again.findings["notes"] if note.startswith("amount: ")]
    plain = import_text(owner, "t", "n;amount\na;1.000\nb;2.5\n")
    assert not [note for note in plain.findings["notes"] if note.startswith("amount: ")]


def test_the_marks_may_be_said_by_column(owner: User) -> None:
    text = "a;b;c\n1.000;1.000;x\n2.500;2.500;y\n"
    job = import_text(owner, "made", text, create_table=True, decimal={"a": ",", "b": "."})
    assert records("made", "a", "b") == [("1000", "1.000"), ("2500", "2.500")]
    assert job.findings["types"] == {"a": "integer", "b": "numeric", "c": "text"}
    for wrong in ({"nobody": ","}, {"a": ";"}):
        with pytest.raises(InvalidInput) as caught:
            queue_import(owner, "wrong", text, create_table=True, decimal=wrong)
        assert "decimal" in caught.value.fields


def test_bad_cells_and_dates_may_be_said_by_column(owner: User) -> None:
    text = "n,m,d\n" + "1,1,01/02/2024\n" * 300 + "x,1,03/04/2024\n1,x,05/06/2024\n"
    options: dict[str, Any] = {"on_bad_cell": {"n": "null", "m": "text"}, "date_formats": {"d": ["%m/%d/%Y"]}}
    job = import_text(owner, "made", text, create_table=True, **options)
    assert (job.rows_rejected, job.findings["types"]) == (0, {"n": "integer", "m": "text", "d": "date"})
    assert records("made", "n", "m", "d")[-2:] == [(None, "1", "2024-03-04"), ("1", "x", "2024-05-06")]
    make_table(owner, "t", n="INTEGER", m="INTEGER")
    with pytest.raises(InvalidInput):
        queue_import(owner, "t", "n,m\n1,1\n", on_bad_cell={"n": "text"})
    job = import_text(owner, "t", "n,m\nx,1\n1,x\n", on_bad_cell={"n": "null"})
    assert (records("t", "n", "m"), rejected(job)) == ([(None, "1")], [(3, [("m", "invalid_type")])])


@pytest.mark.parametrize(
    "cells", [["0.12345678901234567890"], ["0.00000000000000000000", "0.5"], ["0.12345678901234567890", "x", "1"]]
)
def test_decimals_of_very_many_digits_are_read(owner: User, cells: list[str]) -> None:
    job = import_text(owner, "made", "v\n" + "".join(f"{cell}\n" for cell in cells), create_table=True)
    assert (job.state, job.rows_imported) == ("completed", len(cells)), job.error
    assert [value for (value,) in records("made", "v")] == cells


def test_digits_that_floating_point_loses_are_said(owner: User) -> None:
    make_table(owner, "t", d="DOUBLE PRECISION", r="REAL", n="NUMERIC", kept="DOUBLE PRECISION")
    rows = [
        ("1.5", "1.5", "0.1234567890123456789", "0.30000000000000004"),
        ("0.1234567890123456789", "16777217", "1", "1234567890.12300000000"),
        ("12345678901234567890", "1.50000000", "2", "6.02214076e23"),
    ]
    job = import_text(owner, "t", "d,r,n,kept\n" + "".join(",".join(row) + "\n" for row in rows))
    assert job.rows_imported == 3
    told = "have more digits than {} keeps, and are rounded; NUMERIC keeps them"
    assert job.findings["notes"] == [
        f"d: numbers such as 0.1234567890123456789 {told.format('DOUBLE PRECISION')}",
        f"r: numbers such as 16777217 {told.format('REAL')}",
    ]
