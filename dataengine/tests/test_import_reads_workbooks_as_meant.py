"""Workbooks: midnight is a day, numbers keep their digits, true is no word, gaps are no columns, days are explained."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from dataengine.tests.importing import import_text, make_table, records
from dataengine.tests.test_source_xlsx import text_row, workbook

pytestmark = pytest.mark.django_db(transaction=True)

MOMENT, SPAN = 2, 3  # the cell formats that show a date and a time, and hours beyond a day


def _sheet(header: str, *cells: str, style: int = 0) -> bytes:
    rows = [f'<row r="{row}"><c r="A{row}" s="{style}"><v>{cell}</v></c></row>' for row, cell in enumerate(cells, 2)]
    return workbook(text_row(1, header) + "".join(rows))


def test_moments_all_at_midnight_are_days(owner: User) -> None:
    job = import_text(owner, "A", _sheet("d", "45323", "45324", style=MOMENT), filename="a.xlsx", create_table=True)
    assert job.findings["types"] == {"d": "date"}
    assert records("A", "d") == [("2024-02-01",), ("2024-02-02",)]


def test_one_moment_not_at_midnight_makes_all_of_them_moments(owner: User) -> None:
    job = import_text(owner, "A", _sheet("d", "45323", "45324.5", style=MOMENT), filename="a.xlsx", create_table=True)
    assert job.findings["types"] == {"d": "timestamp"}
    assert records("A", "d") == [("2024-02-01 00:00:00",), ("2024-02-02 12:00:00",)]


@pytest.mark.parametrize(
    "cell", ["2024-02-01 00:00:00", "2024-02-01T00:00:00", "2024-02-01T00:00:00Z", "1/2/2024 0:00"]
)
def test_midnight_goes_into_a_date_column(owner: User, cell: str) -> None:
    make_table(owner, "A", d="DATE")
    assert import_text(owner, "A", f"d\n{cell}\n").rows_rejected == 0
    assert records("A", "d") == [("2024-02-01",)]


def test_a_number_in_a_date_column_is_explained(owner: User) -> None:
    make_table(owner, "A", d="DATE")
    job = import_text(owner, "A", _sheet("d", "45323", "45323.5"), filename="a.xlsx")
    assert [error["message"] for row in job.rejected_rows.order_by("line") for error in row.errors] == [
        "expected a date like 2024-01-31, found “45323”: Excel’s day number 45323 is 2024-02-01",
        "expected a date like 2024-01-31, found “45323.5”: Excel’s day number 45323.5 is 2024-02-01 12:00:00",
    ]


@pytest.mark.parametrize("sql_type", ["BIGINT", "TEXT", "NUMERIC"])
def test_whole_numbers_keep_their_digits(owner: User, sql_type: str) -> None:
    numbers = ["1577134800018226901", "9007199254740993", "12345678901234567"]
    make_table(owner, "A", n=sql_type)
    job = import_text(owner, "A", _sheet("n", *numbers), filename="a.xlsx")
    assert records("A", "n") == [(number,) for number in numbers]
    [note] = job.findings["notes"]
    assert note.startswith("1577134800018226901 has more than 15 digits")


def test_numbers_of_fifteen_digits_need_no_warning(owner: User) -> None:
    make_table(owner, "A", n="BIGINT")
    job = import_text(owner, "A", _sheet("n", "123456789012345", "-123456789012345"), filename="a.xlsx")
    assert job.findings["notes"] == []


def test_what_prints_doubles_means_whole_numbers_and_what_writes_zeros_means_them(owner: User) -> None:
    data = _sheet("n", "5.0", "100.0")
    assert import_text(owner, "A", data, filename="a.xlsx", create_table=True).findings["types"] == {"n": "integer"}
    import_text(owner, "B", _sheet("n", "1.50", "20E-1", "0.00"), filename="a.xlsx", create_table=True)
    assert records("B", "n") == [("1.50",), ("2.0",), ("0.00",)]


def test_true_alone_is_yes_or_no_by_its_type_and_a_text_by_its_words(owner: User) -> None:
    true, texts = '<c r="{}{}" t="b"><v>1</v></c>', '<c r="{}{}" t="inlineStr"><is><t>{}</t></is></c>'
    rows = [
        f'<row r="{row}">{true.format("A", row)}{texts.format("B", row, "true")}{last}</row>'
        for row, last in ((2, true.format("C", 2)), (3, texts.format("C", 3, "x")))
    ]
    data = workbook(text_row(1, "flag", "said", "mixed") + "".join(rows))
    job = import_text(owner, "A", data, filename="a.xlsx", create_table=True)
    assert job.findings["types"] == {"flag": "boolean", "said": "text", "mixed": "text"}


def test_what_has_neither_name_nor_value_is_no_column(owner: User) -> None:
    rows = [
        f'<row r="{row}">' + "".join(f'<c r="{at}{row}" t="inlineStr"><is><t>{text}</t></is></c>' for at, text in cells)
        + "</row>"
        for row, cells in ((2, [("B", "a"), ("E", "b")]), (3, [("B", "x"), ("D", "kept"), ("E", "y")]))
    ]  # fmt: skip
    job = import_text(owner, "A", workbook("".join(rows)), filename="a.xlsx", create_table=True)
    assert records("A", "a", "column_4", "b") == [("x", "kept", "y")]
    assert job.findings["mapping"] == {"column_1": None, "a": "a", "column_3": None, "column_4": "column_4", "b": "b"}
    assert "2 columns of the sheet without a name or a value left out." in job.findings["notes"]


def test_one_text_among_flags_is_a_bad_row_and_times_beyond_a_day_by_their_format_are_durations(owner: User) -> None:
    flags = "".join(f'<row r="{row}"><c r="A{row}" t="b"><v>1</v></c></row>' for row in range(2, 202))
    data = workbook(text_row(1, "a") + flags + text_row(202, "oops"))
    job = import_text(owner, "A", data, filename="a.xlsx", create_table=True)
    assert (job.findings["types"], job.rows_rejected) == ({"a": "boolean"}, 1)
    job = import_text(owner, "B", _sheet("d", "0.5", "0.25", style=SPAN), filename="a.xlsx", create_table=True)
    assert job.findings["types"] == {"d": "duration"}
