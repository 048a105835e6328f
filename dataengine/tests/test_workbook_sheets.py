"""Which sheet of a workbook is read, how its head is found, and what is said of both."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from rest_framework.test import APIClient

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.parsing.parser import parse
from dataengine.tests.importing import import_text, make_table, records, rejected

type Cells = list[list[Any]]
TABLE: Cells = [["name", "n"], ["Ann", 1], ["Bob", 2]]
COVER: Cells = [["Sales of the year"], [], ["Prepared by", "Ann"], ["Date:", "May"]]


def book(
    sheets: dict[str, Cells],
    *,
    hidden: tuple[str, ...] = (),
    merges: tuple[tuple[int, int, int, int, str], ...] = (),
) -> bytes:
    """A workbook; ``merges`` (first row, first column, last row, last column, text) are of its first sheet."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as workbook:
        for number, (name, rows) in enumerate(sheets.items()):
            sheet = workbook.add_worksheet(name)
            for at, cells in enumerate(rows):
                for column, cell in enumerate(cells):
                    if cell is not None:
                        sheet.write(at, column, cell)
            for merge in merges if number == 0 else ():
                sheet.merge_range(*merge)
            if name in hidden:
                sheet.hide()
            else:
                sheet.activate()  # or the first would be, which cannot be hidden then
                sheet.set_first_sheet()
    return file.getvalue()


def opened(data: bytes, **given: Any) -> Opening:
    return examine(io.BytesIO(data), "a.xlsx", DialectOptions(**given))


def rows_of(opening: Opening) -> list[tuple[int, tuple[str | None, ...]]]:
    rows = []
    for block in parse(opening.source, opening.dialect, len(opening.headers)):
        assert block.rejects == []
        columns = [column.to_pylist() for column in block.columns]
        rows += [(int(line), tuple(cells)) for line, *cells in zip(block.lines, *columns, strict=True)]
    return rows


def taken(data: bytes, **given: Any) -> str:
    return next(sheet.name for sheet in opened(data, **given).source.sheets if sheet.is_taken)


@pytest.mark.parametrize(
    ("sheets", "hidden", "expected"),
    [
        ({"Cover": COVER, "Data": TABLE}, (), "Data"),
        ({"Cover": [["Read me"], ["This workbook holds the sales."]], "Data": TABLE}, (), "Data"),
        ({"Cover": [["Report:", "Sales"], ["Author:", "Ann"], ["Year:", 2024]], "Data": TABLE}, (), "Data"),
        ({"Empty": [], "Data": TABLE}, (), "Data"),
        ({"Header only": [["a", "b", "c"]], "Data": TABLE}, (), "Data"),
        ({"First": TABLE, "Second": [["a", "b", "c"], [1, 2, 3], [4, 5, 6]]}, (), "First"),
        ({"Names": [["name", "city"], ["Ann", "Bonn"], ["Bob", "Bern"]], "Data": TABLE}, (), "Names"),
        ({"Lookup": TABLE, "Data": TABLE}, ("Lookup",), "Data"),
        ({"Data": [["name"], ["Ann"], ["Bob"]], "Lookup": TABLE}, ("Lookup",), "Data"),
        ({"Cover": [["Sales"]], "Data": TABLE}, ("Data",), "Data"),
        ({"Numbers": [["n"], [1], [2]], "Data": TABLE}, (), "Numbers"),
        ({"Cover": COVER, "Also text": [["a"], ["b"]]}, (), "Also text"),
    ],
)
def test_the_first_sheet_that_holds_a_table(sheets: dict[str, Cells], hidden: tuple[str, ...], expected: str) -> None:
    assert taken(book(sheets, hidden=hidden)) == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("Second", "Second"),
        ("second", "Second"),
        (2, "Second"),
        ("2", "Second"),
        (1, "2024"),
        ("2024", "2024"),
        (3, "3rd"),
    ],
)
def test_a_sheet_is_asked_for(asked: str | int, expected: str) -> None:
    data = book({"2024": TABLE, "Second": TABLE, "3rd": TABLE}, hidden=("3rd",))
    assert taken(data, sheet=asked) == expected


SECOND: Cells = [["name", "n"], ["Eve", 9]]


@pytest.mark.django_db(transaction=True)
def test_others_are_listed_and_named(owner: User) -> None:
    data = book({"Cover": COVER, "Data": TABLE, "More": SECOND, "Lists": TABLE, "Notes": [["x"]]}, hidden=("Lists",))
    job = import_text(owner, "A", data, filename="a.xlsx", create_table=True)
    assert records("A", "name", "n") == [("Ann", "1"), ("Bob", "2")]
    assert job.findings["sheets"] == [
        {"name": "Cover", "rows": 4, "hidden": False, "taken": False},
        {"name": "Data", "rows": 3, "hidden": False, "taken": True},
        {"name": "More", "rows": 2, "hidden": False, "taken": False},
        {"name": "Lists", "rows": 3, "hidden": True, "taken": False},
        {"name": "Notes", "rows": None, "hidden": False, "taken": False},
    ]
    [note] = job.findings["notes"]
    assert note == "The sheet “Data” is imported, not “More”, “Lists” (hidden) (option “sheet”)"


@pytest.mark.django_db(transaction=True)
def test_the_option_reaches_the_worker(owner: User) -> None:
    make_table(owner, "A", name="TEXT", n="INTEGER")
    data = book({"Data": TABLE, "More": SECOND})
    assert import_text(owner, "A", data, filename="a.xlsx", sheet="More").state == "completed"
    assert records("A", "name", "n") == [("Eve", "9")]


@pytest.mark.django_db(transaction=True)
def test_the_terminal_takes_a_sheet(owner: User, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_table(owner, "A", name="TEXT", n="INTEGER")
    path = tmp_path / "a.xlsx"
    path.write_bytes(book({"Data": TABLE, "More": SECOND}))
    call_command("import_csv", str(path), "--table", "A", "--sheet", "2")
    assert records("A", "name", "n") == [("Eve", "9")]
    with pytest.raises(SystemExit) as caught:
        call_command("import_csv", str(path), "--table", "A", "--sheet", "Nope")
    assert caught.value.code == 2
    assert "no sheet “Nope”" in " ".join(capsys.readouterr().err.split())


@pytest.mark.django_db(transaction=True)
def test_a_file_of_one_sheet_needs_no_note(owner: User) -> None:
    job = import_text(owner, "A", book({"Data": TABLE}), filename="a.xlsx", create_table=True)
    assert job.findings["notes"] == []
    assert [sheet["taken"] for sheet in job.findings["sheets"]] == [True]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("filename", "data", "sheet", "words"),
    [
        ("a.xlsx", book({"Data": TABLE, "More": TABLE}), "Mroe", ["Mroe", "“Data”", "“More”", "options.sheet"]),
        ("a.xlsx", book({"Data": TABLE}), 2, ["“2”", "“Data”"]),
        ("a.xlsx", book({"Data": TABLE}), 0, ["“0”", "“Data”"]),
        ("a.xlsx", book({"Data": TABLE}), True, ["sheet"]),
        ("a.csv", b"name,n\nAnn,1\n", "Data", ["no workbook", "options.sheet"]),
    ],
)
def test_a_sheet_that_is_not_there(
    client: APIClient, owner: User, filename: str, data: bytes, sheet: Any, words: list[str]
) -> None:
    body = {
        "file": SimpleUploadedFile(filename, data),
        "table_name": "A",
        "options": json.dumps({"create_table": True, "sheet": sheet}),
    }
    answer = client.post("/api/upload-csv/", body, format="multipart")
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert "sheet" in error["fields"]
    for word in words:
        assert word in error["message"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("value", ["<v></v>", "<v/>", ""])
def test_formulas_that_nobody_calculated_are_a_warning(client: APIClient, owner: User, value: str) -> None:
    from dataengine.tests.test_source_xlsx import text_row, workbook

    rows = text_row(1, "name", "n") + "".join(
        f'<row r="{n}"><c r="A{n}"><v>{n}</v></c><c r="B{n}"><f>A{n}*2</f>{value}</c></row>' for n in range(2, 5)
    )
    empty_text = '<row r="5"><c r="A5"><v>5</v></c><c r="B5" t="str"><f>""</f><v></v></c></row>'
    job = import_text(owner, "A", workbook(rows + empty_text), filename="a.xlsx", create_table=True)
    assert [row[1] for row in records("A", "name", "n")][:3] == [None, None, None]
    [warning] = job.findings["warnings"]
    assert warning["code"] == "formulas_without_values"
    assert warning["message"].startswith("3 cells hold formulas")
    assert client.get(f"/api/imports/{job.pk}/").json()["warnings"] == [warning]


@pytest.mark.django_db(transaction=True)
def test_no_warning_without_a_cause(client: APIClient, owner: User) -> None:
    job = import_text(owner, "A", book({"Data": TABLE}), filename="a.xlsx", create_table=True)
    assert client.get(f"/api/imports/{job.pk}/").json()["warnings"] == []


# Heads ------------------------------------------------------------------------------------------------------------


def test_the_header_stands_below_titles() -> None:
    title: Cells = [["Sales report"], ["Region:", "North"], [], ["name", "n", "price"], ["Ann", 1, 2.5], ["Bob", 2, 3]]
    opening = opened(book({"Data": title}))
    assert opening.headers == ["name", "n", "price"]
    assert rows_of(opening) == [(5, ("Ann", "1", "2.5")), (6, ("Bob", "2", "3"))]


def test_a_title_over_merged_cells_is_no_name() -> None:
    rows: Cells = [[], ["name", "n", "price"], ["Ann", 1, 2.5], ["Bob", 2, 3]]
    opening = opened(book({"Data": rows}, merges=((0, 0, 0, 2, "Sales report"),)))
    assert opening.headers == ["name", "n", "price"]
    assert [line for line, _ in rows_of(opening)] == [3, 4]


GROUPS: Cells = [[], ["sales", "cost", "sales", "cost"], [1, 2, 3, 4], [5, 6, 7, 8]]
QUARTERS = ((0, 0, 0, 1, "Quarter 1"), (0, 2, 0, 3, "Quarter 2"))


def test_a_label_over_merged_cells_names_their_columns() -> None:
    opening = opened(book({"Data": GROUPS}, merges=QUARTERS))
    assert opening.headers == ["Quarter 1 sales", "Quarter 1 cost", "Quarter 2 sales", "Quarter 2 cost"]
    assert rows_of(opening) == [(3, ("1", "2", "3", "4")), (4, ("5", "6", "7", "8"))]


@pytest.mark.django_db(transaction=True)
def test_the_columns_of_a_new_table_are_called_so(owner: User) -> None:
    job = import_text(
        owner, "A", book({"Data": [*GROUPS, ["x", 6, 7, 8]]}, merges=QUARTERS), filename="a.xlsx", create_table=True,
        tolerance=0.5,
    )  # fmt: skip
    assert job.findings["mapping"] == {
        "Quarter 1 sales": "quarter_1_sales",
        "Quarter 1 cost": "quarter_1_cost",
        "Quarter 2 sales": "quarter_2_sales",
        "Quarter 2 cost": "quarter_2_cost",
    }
    assert rejected(job) == [(5, [("quarter_1_sales", "invalid_type")])]
    assert any("2 lines" in note for note in job.findings["notes"])
    assert not any("passed over" in note for note in job.findings["notes"])


def test_headers_over_two_rows_stay_what_they_are() -> None:
    rows: Cells = [[], [None, "sales", "cost", None], ["North", 1, 2, "x"], ["South", 3, 4, "y"]]
    merges = ((0, 0, 1, 0, "Region"), (0, 1, 0, 2, "Quarter 1"), (0, 3, 1, 3, "Note"))
    opening = opened(book({"Data": rows}, merges=merges))
    assert opening.headers == ["Region", "Quarter 1 sales", "Quarter 1 cost", "Note"]
    assert rows_of(opening)[0] == (3, ("North", "1", "2", "x"))


def test_one_label_beside_a_plain_column() -> None:
    rows: Cells = [[], ["region", "sales", "cost"], ["North", 1, 2], ["South", 3, 4]]
    opening = opened(book({"Data": rows}, merges=((0, 1, 0, 2, "Quarter 1"),)))
    assert opening.headers == ["region", "Quarter 1 sales", "Quarter 1 cost"]


def test_years_below_a_label() -> None:
    rows: Cells = [["Region"], [None, 2023, 2024], ["North", 1, 2], ["South", 3, 4]]
    opening = opened(book({"Data": rows}, merges=((0, 1, 0, 2, "Sales"),)))
    assert opening.headers == ["Region", "Sales 2023", "Sales 2024"]
    assert rows_of(opening)[0] == (3, ("North", "1", "2"))


def test_a_year_over_one_name_beside_years_over_several() -> None:
    rows: Cells = [[], [None, None, None, 2024], [None, "H1", "H2", "H1"], ["North", 1, 2, 3], ["South", 3, 4, 5]]
    merges = ((0, 0, 0, 3, "Report"), (1, 0, 2, 0, "Region"), (1, 1, 1, 2, "2023"))
    opening = opened(book({"Data": rows}, merges=merges))
    assert opening.headers == ["Region", "2023 H1", "2023 H2", "2024 H1"]


def test_rows_of_formulas_without_values_are_explained() -> None:
    from dataengine.tests.test_source_xlsx import text_row, workbook

    with pytest.raises(InvalidInput, match=r"no rows[.] 1 cell holds a formula"):
        opened(workbook(text_row(1, "a") + '<row r="2"><c r="A2"><f>1+1</f></c></row>'))


def test_three_lines_below_a_title() -> None:
    rows: Cells = [
        ["Report of the year"], [], [], [],
        [None, "sales", "cost", "sales", "cost"],
        ["North", 1, 2, 3, 4], ["South", 5, 6, 7, 8],
    ]  # fmt: skip
    merges = (
        (2, 0, 4, 0, "Region"), (2, 1, 2, 4, "2024"), (3, 1, 3, 2, "Quarter 1"), (3, 3, 3, 4, "Quarter 2"),
    )  # fmt: skip
    opening = opened(book({"Data": rows}, merges=merges))
    assert opening.headers == [
        "Region", "2024 Quarter 1 sales", "2024 Quarter 1 cost", "2024 Quarter 2 sales", "2024 Quarter 2 cost",
    ]  # fmt: skip
    assert rows_of(opening)[0] == (6, ("North", "1", "2", "3", "4"))


def test_merged_cells_among_the_rows_are_no_head() -> None:
    rows: Cells = [
        ["kind", "name", "colour"],
        [None, "Apple", "red"],
        [None, "Pear", "green"],
        ["Nut", "Hazel", "brown"],
    ]
    opening = opened(book({"Data": rows}, merges=((1, 0, 2, 0, "Fruit"),)))
    assert opening.headers == ["kind", "name", "colour"]
    assert rows_of(opening) == [
        (2, ("Fruit", "Apple", "red")),
        (3, (None, "Pear", "green")),
        (4, ("Nut", "Hazel", "brown")),
    ]


def test_a_gap_in_the_first_line_is_no_merged_cell() -> None:
    rows: Cells = [
        ["Quarter 1", None, "Quarter 2", None],
        ["sales", "cost", "sales", "cost"],
        [1, 2, 3, 4],
        [5, 6, 7, 8],
    ]
    assert opened(book({"Data": rows})).headers != opened(book({"Data": GROUPS}, merges=QUARTERS)).headers
