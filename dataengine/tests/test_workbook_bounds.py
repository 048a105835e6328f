"""Workbooks that would fill the memory are refused, or read within bounds; stray cells far out cost nothing."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.sheet_cells import column_name
from dataengine.imports.reading.sheets import MAX_CELL
from dataengine.tests.test_source_xlsx import RELATIONS, text_row, workbook
from dataengine.tests.waiting import PATIENCE_SECONDS

SHEET = "xl/worksheets/sheet1.xml"
HEAD = text_row(1, "a", "b")
WIDE = '<row r="1">' + "".join(f'<c r="{column_name(n)}1"><v>{n}</v></c>' for n in range(MAX_COLUMNS)) + "</row>"
MEGABYTES = 100
"""What a refusal may take beside what a plain workbook takes."""
BLOCK_MEGABYTES = 300
"""The same of reading to the end: blocks of a million lines, or of as many columns as may be, have their price."""


def with_part(name: str, text: bytes, *, rows: str = "") -> bytes:
    """A workbook of which one part is another."""
    file = io.BytesIO()
    data = workbook(HEAD + (rows or text_row(2, "1", "2")))
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, text if info.filename == name else old.read(info.filename))
    return file.getvalue()


def sheet(rows: str) -> bytes:
    return f"<worksheet><sheetData>{HEAD}{rows}</sheetData></worksheet>".encode()


def far_rows(count: int, reference: str, inner: str = "<v>1</v>") -> str:
    return "".join(f'<row r="{n}"><c r="{reference}{n}">{inner}</c></row>' for n in range(2, count + 2))


LONG = 40 << 20
# Functions, so that not every worker that collects this file makes all of them.
BOMBS: list[tuple[str, Callable[[], bytes], str]] = [
    ("20,000 cells in column XFD", lambda: with_part(SHEET, sheet(far_rows(20_000, "XFD"))), "too_many_columns"),
    ("one long cell", lambda: with_part(SHEET, sheet(text_row(2, "x" * LONG))), "too_large"),
    (
        "one long formula's result",
        lambda: with_part(SHEET, sheet(f'<row r="2"><c r="A2" t="str"><v>{"x" * LONG}</v></c></row>')),
        "too_large",
    ),
    (
        "one long shared text",
        lambda: with_part(
            "xl/sharedStrings.xml",
            b"<sst><si><t>" + b"x" * LONG + b"</t></si></sst>",
            rows='<row r="2"><c r="A2" t="s"><v>0</v></c></row>',
        ),
        "too_large",
    ),
    (
        "one long text of many pieces",
        lambda: with_part(
            "xl/sharedStrings.xml",
            b"<sst><si>" + b"<r><t>xxxxxxxxxx</t></r>" * 1_000_000 + b"</si></sst>",
            rows='<row r="2"><c r="A2" t="s"><v>0</v></c></row>',
        ),
        "too_large",
    ),
    ("a long tag", lambda: with_part(SHEET, sheet(f'<row r="2" x="{"x" * LONG}"></row>')), "bomb"),
    ("a long comment", lambda: with_part(SHEET, sheet(f"<!--{'x' * LONG}-->")), "bomb"),
    (
        "a million sheets",
        lambda: with_part(
            "xl/workbook.xml",
            f'<workbook xmlns:r="{RELATIONS}"><sheets>'.encode()
            + b'<sheet name="A" sheetId="1" r:id="rId1"/>' * 1_000_000
            + b"</sheets></workbook>",
        ),
        "too_large",
    ),
    (
        "a million formats",
        lambda: with_part(
            "xl/styles.xml",
            b"<styleSheet><numFmts>"
            + b"".join(b'<numFmt numFmtId="%d" formatCode="0"/>' % n for n in range(1_000_000))
            + b"</numFmts></styleSheet>",
        ),
        "too_large",
    ),
    (
        "a reference of a million letters",
        lambda: with_part(SHEET, sheet(far_rows(1, "A" * 1_000_000))),
        "broken_archive",
    ),
    (
        "entities",
        lambda: with_part(
            SHEET,
            b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
            + sheet(text_row(2, "&b;")),
        ),
        "bomb",
    ),
]
HARMLESS: list[tuple[str, Callable[[], bytes], int]] = [
    ("two cells, the last of the sheet's rows", lambda: with_part(SHEET, sheet(text_row(1_048_576, "1", "2"))), 1),
    (
        "20,000 cells in the last column",
        lambda: with_part(SHEET, sheet(far_rows(20_000, column_name(MAX_COLUMNS - 1)))),
        20_000,
    ),
    (
        "20,000 styled cells in XFD",
        lambda: with_part(
            SHEET,
            sheet(
                text_row(2, "1", "2")
                + far_rows(0, "")
                + "".join(f'<row r="{n}"><c r="A{n}"><v>1</v></c><c r="XFD{n}" s="1"/></row>' for n in range(3, 20_003))
            ),
        ),
        20_001,
    ),
]

READ = """
import os, sys, traceback
from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse

def tell(path):
    with open(path, "rb") as file:
        try:
            opening = examine(file, "a.xlsx", DialectOptions())
            blocks = parse(opening.source, opening.dialect, len(opening.headers))
            rows = sum(len(block) + len(block.rejects) for block in blocks)
            print("read", rows, end=" ")
        except InvalidInput as error:
            print("refused", error.error_code, end=" ")
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM:")), flush=True)

for path in sys.stdin:
    child = os.fork()
    if not child:
        try:
            tell(path.rstrip("\\n"))
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print("died", status, 0, flush=True)
"""


@pytest.fixture(scope="module")
def reader() -> Iterator[subprocess.Popen[str]]:
    """Reads workbooks in a process for each, and has loaded what they need: that takes longer than most of them."""
    with subprocess.Popen(
        [sys.executable, "-c", READ], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE_SECONDS)


def read_apart(reader: subprocess.Popen[str], path: Path) -> tuple[str, str, int]:
    """What becomes of a workbook in a process of its own, and that process's peak of memory in kilobytes."""
    assert reader.stdin is not None
    assert reader.stdout is not None
    print(path, file=reader.stdin, flush=True)
    what, detail, peak = reader.stdout.readline().split()
    return what, detail, int(peak)


@pytest.fixture(scope="module")
def plain_peak(reader: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory) -> int:
    """What a workbook of two rows takes."""
    path = tmp_path_factory.mktemp("plain") / "a.xlsx"
    path.write_bytes(workbook(HEAD + text_row(2, "1", "2")))
    what, detail, peak = read_apart(reader, path)
    assert (what, detail) == ("read", "1")
    return peak


@pytest.mark.parametrize(("make", "code"), [bomb[1:] for bomb in BOMBS], ids=[bomb[0] for bomb in BOMBS])
def test_bombs_are_refused_before_they_fill_the_memory(
    make: Callable[[], bytes], code: str, tmp_path: Path, reader: subprocess.Popen[str], plain_peak: int
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(make())
    what, detail, peak = read_apart(reader, path)
    assert (what, detail) == ("refused", code)
    assert peak - plain_peak < MEGABYTES << 10


@pytest.mark.parametrize(("make", "rows"), [item[1:] for item in HARMLESS], ids=[item[0] for item in HARMLESS])
def test_far_cells_are_read_within_bounds(
    make: Callable[[], bytes], rows: int, tmp_path: Path, reader: subprocess.Popen[str], plain_peak: int
) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(make())
    what, detail, peak = read_apart(reader, path)
    assert (what, int(detail)) == ("read", rows)
    assert peak - plain_peak < BLOCK_MEGABYTES << 10


def opened(rows: str) -> list[list[str | None]]:
    opening = examine(io.BytesIO(with_part(SHEET, sheet(rows))), "a.xlsx", DialectOptions())
    assert opening.headers == ["a", "b"]
    return [
        list(cells)
        for block in parse(opening.source, opening.dialect, 2)
        for cells in zip(*(column.to_pylist() for column in block.columns), strict=True)
    ]


@pytest.mark.parametrize("inner", ["", "<v></v>", '<is><t xml:space="preserve"> </t></is>'])
def test_an_empty_cell_far_out_is_none(inner: str) -> None:
    stray = f'<row r="2"><c r="A2"><v>1</v></c><c r="B2"><v>2</v></c><c r="XFD2" t="inlineStr" s="1">{inner}</c></row>'
    assert opened(stray) == [["1", "2"]]


def test_a_cell_beyond_the_last_column_is_named() -> None:
    with pytest.raises(InvalidInput) as caught:
        opened(text_row(2, "1", "2") + far_rows(1, "XFD").replace('r="2"', 'r="3"').replace("XFD2", "XFD3"))
    assert caught.value.error_code == "too_many_columns"
    assert "XFD3" in caught.value.message
    assert f"{MAX_COLUMNS:,}" in caught.value.message


def test_a_cell_of_as_many_characters_as_may_be() -> None:
    text = "x" * MAX_CELL
    assert opened(text_row(2, text, "2")) == [[text, "2"]]


def test_damage_in_a_sheet_that_is_not_read_does_not_matter() -> None:
    broken = '<sheet name="A" sheetId="1" r:id="rId1"/><sheet name="B" sheetId="2" r:id="rId2"/>'
    data = workbook(HEAD + text_row(2, "1", "2"), sheets=broken)
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, b"<worksheet><sheetData><row" if name.endswith("sheet2.xml") else old.read(name))
    opening = examine(file, "a.xlsx", DialectOptions())
    assert opening.first_records == [["1", "2"]]
