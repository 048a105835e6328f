"""Workbooks of Excel 97 (.xls) and OpenDocument (.ods) are read as .xlsx are."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.xls import MAX_BYTES
from dataengine.tests.importing import import_text, make_table, records, rejected
from dataengine.tests.old_workbooks import ods, ods_cell, ods_of, ods_row, xls
from dataengine.tests.test_source_xlsx import text_row, workbook

NOON = datetime(2024, 1, 31, 12, 30)  # noqa: DTZ001  sheets know no zones
MIDNIGHT = datetime(2024, 1, 31)  # noqa: DTZ001
type Make = Callable[..., bytes]
BOTH = pytest.mark.parametrize(("make", "name"), [(xls, "a.xls"), (ods, "a.ods")], ids=["xls", "ods"])


def rows_of(data: bytes, name: str, **given: Any) -> tuple[Opening, list[tuple[Any, ...]]]:
    opening = examine(io.BytesIO(data), name, DialectOptions(**given))
    rows: list[tuple[Any, ...]] = []
    for block in parse(opening.source, opening.dialect, len(opening.headers)):
        assert block.rejects == []
        columns = [column.to_pylist() for column in block.columns]
        rows += [(int(line), *cells) for line, *cells in zip(block.lines, *columns, strict=True)]
    return opening, rows


@BOTH
def test_cells_of_every_kind(make: Make, name: str) -> None:
    table = [
        ["text", "n", "day", "moment", "clock", "flag"],
        ['x,"y"\nz', 1.5, date(2024, 1, 31), NOON, time(6, 0), True],
        [],
        ["NA", 3, date(1999, 12, 31), MIDNIGHT, None, False],
        [None, 1e20, None, None, None, None],
    ]
    opening, rows = rows_of(make({"Data": table}), name)
    assert opening.headers == ["text", "n", "day", "moment", "clock", "flag"]
    assert rows == [
        (2, 'x,"y"\nz', "1.5", "2024-01-31", "2024-01-31 12:30:00", "06:00:00", "true"),
        (4, "NA", "3", "1999-12-31", "2024-01-31", None, "false"),
        (5, None, "100000000000000000000", None, None, None, None),
    ]
    [note] = opening.source.notes
    assert note.startswith("100000000000000000000 has more than 15 digits")


@BOTH
def test_sheets(make: Make, name: str) -> None:
    table = [["name", "n"], ["Ann", 1], ["Bob", 2]]
    sheets = {
        "Hidden": table,
        "Cover": [["Sales"], [], ["Date:", "May"]],
        "Data": table,
        "More": [["x", "y"], ["p", 9]],
    }
    data = make(sheets, hidden=("Hidden",))
    opening, rows = rows_of(data, name)
    assert rows == [(2, "Ann", "1"), (3, "Bob", "2")]
    assert [(s.name, s.rows, s.is_hidden, s.is_taken) for s in opening.source.sheets] == [
        ("Hidden", 3, True, False),
        ("Cover", 3, False, False),
        ("Data", 3, False, True),
        ("More", 2, False, False),
    ]
    assert opening.source.notes == ["The sheet “Data” is imported, not “Hidden” (hidden), “More” (option “sheet”)"]
    assert rows_of(data, name, sheet="More")[1] == [(2, "p", "9")]
    assert rows_of(data, name, sheet=4)[1] == [(2, "p", "9")]
    with pytest.raises(InvalidInput) as caught:
        rows_of(data, name, sheet="None")
    assert (caught.value.error_code, list(caught.value.fields)) == ("unknown_sheet", ["sheet"])


@BOTH
def test_heads_of_two_lines(make: Make, name: str) -> None:
    rows: list[list[Any]] = [["Report"], [], [None, "sales", "cost"], ["North", 1, 2], ["South", 3, 4]]
    data = make({"Data": rows}, merges=((1, 0, 2, 0, "Region"), (1, 1, 1, 2, "Quarter 1")))
    opening, found = rows_of(data, name)
    assert opening.headers == ["Region", "Quarter 1 sales", "Quarter 1 cost"]
    assert found == [(4, "North", "1", "2"), (5, "South", "3", "4")]


@BOTH
def test_heads_of_two_lines_are_known_before_all_rows_are_read(make: Make, name: str) -> None:
    rows = [["Report"], [], [None, "sales", "cost"], *([f"North {n} {'x' * 1000}", n, 2] for n in range(1_300))]
    data = make({"Data": rows}, merges=((1, 0, 2, 0, "Region"), (1, 1, 1, 2, "Quarter 1")))
    opening = examine(io.BytesIO(data), name, DialectOptions())
    assert opening.headers == ["Region", "Quarter 1 sales", "Quarter 1 cost"]
    assert (opening.source.header_line, opening.source.head_lines) == (3, 2)


def test_open_documents_say_more_than_cells() -> None:
    note = "<office:annotation><text:p>not this</text:p></office:annotation>"
    words = (
        f'<table:table-cell office:value-type="string">{note}<text:p>two<text:s text:c="3"/>words<text:tab/>and\n'
        "  <text:span>more</text:span></text:p>\n </table:table-cell>"
    )
    error = (
        '<table:table-cell table:formula="of:=1/0" office:value-type="string" office:string-value=""'
        ' calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )
    rows = (
        ods_row(["a", "b", "c"])
        + ods_row([
            words,
            error,
            '<table:table-cell office:value-type="time" office:time-value="PT36H00M01.5S"/>',
        ])
        + ods_row([5, 6, 7], ' table:number-rows-repeated="3"')
        + ods_row(['<table:table-cell office:value-type="float" office:value="8" table:number-columns-repeated="3"/>'])
        + ods_row([None, None, '<table:table-cell table:formula="of:=A1"/>'])
        + ods_row(["end", '<table:table-cell office:value-type="percentage" office:value="0.125"/>',
                   '<table:table-cell office:value-type="currency" office:value="9007199254740993"/>'])
    )  # fmt: skip
    opening, found = rows_of(ods_of({"Data": rows}), "a.ods")
    assert found == [
        (2, "two   words\tand more", "#DIV/0!", "36:00:01.5"),
        (3, "5", "6", "7"),
        (4, "5", "6", "7"),
        (5, "5", "6", "7"),
        (6, "8", "8", "8"),
        (8, "end", "0.125", "9007199254740993"),
    ]
    assert [warning.code for warning in opening.source.warnings] == ["formulas_without_values"]
    assert opening.source.notes[0].startswith("9007199254740993 has more than 15 digits")


MANY_SPACES = "<table:table-cell><text:p><text:s text:c='99999999'/></text:p></table:table-cell>"
HEAD = ods_row(["a", "b"])


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (HEAD + ods_row(["x", "y"], ' table:number-rows-repeated="100000000"'), "broken_archive"),
        (HEAD + ods_row(["x" * 1000, "y"], ' table:number-rows-repeated="1000000"'), "bomb"),
        (HEAD + ods_row([1, ods_cell(2, ' table:number-columns-repeated="16000"')]), "too_many_columns"),
        (HEAD + ods_row([1, ods_cell("x" * ((1 << 20) + 1))]), "too_large"),
        (HEAD + ods_row([1, MANY_SPACES]), "too_large"),
        (HEAD + "<table:table-row", "broken_archive"),
        ("", "empty_file"),
        (HEAD, "no_rows"),
    ],
)  # fmt: skip
def test_open_documents_that_are_refused(rows: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rows_of(ods_of({"Data": rows}), "a.ods")
    assert caught.value.error_code == code


def test_a_stray_repeated_cell_of_nothing_is_none() -> None:
    rows = HEAD + ods_row([1, 2, ods_cell(None, ' table:number-columns-repeated="16382"')])
    assert rows_of(ods_of({"Data": rows}), "a.ods")[1] == [(2, "1", "2")]


OLE = xls({"Data": [["a", "b"], [1, 2]]})


@pytest.mark.parametrize(
    ("data", "name", "code"),
    [
        (OLE[:3000], "a.xls", "broken_archive"),
        (OLE[:512] + bytes(len(OLE) - 512), "a.xls", "broken_archive"),
        (OLE + bytes(MAX_BYTES), "a.xls", "too_large"),
        (b"a,b\n1,2\n", "a.xls", "not_csv"),
        (b"<html><table><tr><td>a</td></tr></table>", "a.xls", "not_csv"),
        (OLE, "a.csv", "not_csv"),
        (OLE, "a.xlsx", "not_csv"),
        (OLE, "a.ods", "not_csv"),
        (workbook(text_row(1, "a")), "a.ods", "not_csv"),
        (ods({"Data": [["a"], [1]]}), "a.xlsx", "not_csv"),
    ],
)
def test_files_that_are_refused(data: bytes, name: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        rows_of(data, name)
    assert caught.value.error_code == code


def test_the_new_format_under_the_old_name() -> None:
    data = workbook(text_row(1, "a", "b") + text_row(2, "x", "y"))
    assert rows_of(data, "a.xls")[1] == [(2, "x", "y")]


def test_damage_anywhere_is_told_and_ends_nothing() -> None:
    whole = bytearray(xls({"Data": [["name", "n"], *([f"n{n}", n] for n in range(60))]}))
    for place in range(600, len(whole), 97):
        damaged = whole.copy()
        damaged[place] ^= 0xFF
        try:
            examine(io.BytesIO(bytes(damaged)), "a.xls", DialectOptions())
        except InvalidInput as error:
            assert error.error_code in {"broken_archive", "empty_file", "no_rows", "not_csv", "malformed_header"}  # noqa: PT017


@BOTH
@pytest.mark.django_db(transaction=True)
def test_into_a_table(owner: User, make: Make, name: str) -> None:
    make_table(owner, "A", name="TEXT", n="INTEGER", day="DATE")
    data = make({"Data": [["name", "n", "day"], ["Ann", 1, date(2024, 1, 31)], [], ["Bob", "x", None]]})
    job = import_text(owner, "A", data, filename=name)
    assert records("A", "name", "n", "day") == [("Ann", "1", "2024-01-31")]
    assert rejected(job) == [(4, [("n", "invalid_type")])]
