"""Spreadsheets: the first visible sheet, cell by cell as users see it, streamed."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections.abc import Sequence

import pytest

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.header import read_header
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.sheet_cells import column_index, format_kind, number_text
from dataengine.imports.reading.source import Source, SourceLimits, open_source
from dataengine.imports.reading.xlsx import Workbook

RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
FORMATS = ["General", "yyyy-mm-dd hh:mm", "[h]:mm:ss", '0.00" days"', "dd/mm/yyyy", "hh:mm", "00000", "00;-00"]


def workbook(rows: str, strings: Sequence[str] = (), *, book: str = "", sheets: str = "", doctype: str = "") -> bytes:
    """A minimal .xlsx; cell format 1 is the built-in date, 2 and on are FORMATS from its second."""
    file = io.BytesIO()
    sheets = sheets or '<sheet name="A" sheetId="1" r:id="rId1"/>'
    styles = "".join(
        f'<numFmt numFmtId="{164 + n}" formatCode="{code.replace(chr(34), "&quot;")}"/>'
        for n, code in enumerate(FORMATS)
    )
    cells = "".join(f'<xf numFmtId="{164 + n}"/>' for n in range(1, len(FORMATS)))
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns:r="{RELATIONS}">{book}<sheets>{sheets}</sheets></workbook>'
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            "<Relationships>"
            f'<Relationship Id="rId1" Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId2" Type="{RELATIONS}/worksheet" Target="/xl/worksheets/sheet2.xml"/>'
            f'<Relationship Id="rId3" Type="{RELATIONS}/chartsheet" Target="chartsheets/sheet1.xml"/>'
            "</Relationships>",
        )
        archive.writestr("xl/sharedStrings.xml", "<sst>" + "".join(f"<si>{text}</si>" for text in strings) + "</sst>")
        archive.writestr(
            "xl/styles.xml",
            f'<styleSheet><numFmts>{styles}</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>{cells}</cellXfs>'
            "</styleSheet>",
        )
        archive.writestr("xl/worksheets/sheet1.xml", f"{doctype}<worksheet><sheetData>{rows}</sheetData></worksheet>")
        archive.writestr(
            "xl/worksheets/sheet2.xml",
            f"<worksheet><sheetData>{text_row(1, 'second')}</sheetData></worksheet>",
        )
    return file.getvalue()


def text_row(number: int, *cells: str) -> str:
    inner = "".join(
        f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t xml:space="preserve">{cell}</t></is></c>'
        for place, cell in enumerate(cells)
    )
    return f'<row r="{number}">{inner}</row>'


def opened(data: bytes, limits: SourceLimits | None = None) -> Source:
    return open_source(io.BytesIO(data), "a.xlsx", limits=limits)


def rows_of(data: bytes) -> tuple[list[str], list[tuple[int, tuple[str | None, ...]]]]:
    source = opened(data)
    dialect = detect(source)
    rows: list[tuple[int, tuple[str | None, ...]]] = []
    for block in parse(source, dialect):
        assert block.rejects == []
        columns = [column.to_pylist() for column in block.columns]
        rows += [(int(line), tuple(cells)) for line, *cells in zip(block.lines, *columns, strict=True)]
    return read_header(source, dialect).names, rows


def test_cells_of_every_kind() -> None:
    data = workbook(
        text_row(1, "a", "b", "c")
        + '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c><c r="C2" t="s"><v>2</v></c></row>'
        + '<row r="3"><c r="A3"><v>1.1000000000000001</v></c><c r="B3"><v>1E-7</v></c>'
        + '<c r="C3"><v>123456789012345678</v></c></row>'
        + '<row r="4"><c r="A4" t="b"><v>1</v></c><c r="B4" t="b"><v>0</v></c><c r="C4" t="e"><v>#N/A</v></c></row>'
        + '<row r="5"><c r="A5" t="str"><f>A1&amp;"x"</f><v>ax</v></c><c r="C5"><f>1+1</f><v>2</v></c></row>'
        + '<row r="6"><c r="B6" t="s"><v>3</v></c></row>',
        ["<t>plain</t>", "<r><t>ri</t></r><r><t>ch</t></r><rPh><t>no</t></rPh>", '<t>x,"y"\nz</t>', "<t></t>"],
    )
    header, rows = rows_of(data)
    assert header == ["a", "b", "c"]
    assert rows == [
        (2, ("plain", "rich", 'x,"y"\nz')),
        (3, ("1.1", "0.0000001", "123456789012345678")),
        (4, ("true", "false", "#N/A")),
        (5, ("ax", None, "2")),
        (6, (None, "", None)),
    ]


@pytest.mark.parametrize(
    ("style", "value", "expected"),
    [
        (1, "45292", "2024-01-01"),
        (1, "45292.25", "2024-01-01 06:00:00"),
        (2, "45292.5", "2024-01-01 12:00:00"),
        (2, "45292.000011574", "2024-01-01 00:00:01"),
        (2, "45292.00000578704", "2024-01-01 00:00:00.500"),
        (1, "1", "1900-01-01"),
        (1, "59", "1900-02-28"),
        (1, "60", "60"),
        (1, "61", "1900-03-01"),
        (1, "0", "0"),
        (2, "0.5", "0.5"),
        (6, "0", "00:00:00"),
        (3, "0", "00:00:00"),
        (1, "-1", "-1"),
        (1, "99999999", "99999999"),
        (3, "1.5", "36:00:00"),
        (3, "-0.010416666666666666", "-00:15:00"),
        (3, "-1.25", "-30:00:00"),
        (4, "45292", "45292"),
        (5, "45292", "2024-01-01"),
        (6, "0.75", "18:00:00"),
        (7, "123", "00123"),
        (7, "-123", "-00123"),
        (7, "1234567", "1234567"),
        (7, "1.5", "1.5"),
        (8, "0", "00"),
    ],
)
def test_formats_tell_dates_and_leading_zeros(style: int, value: str, expected: str) -> None:
    data = workbook(text_row(1, "a", "b") + f'<row r="2"><c r="A2" s="{style}"><v>{value}</v></c></row>')
    assert rows_of(data)[1] == [(2, (expected, None))]


def test_dates_of_old_macs() -> None:
    data = workbook(
        text_row(1, "a", "b") + '<row r="2"><c r="A2" s="1"><v>43830</v></c></row>', book='<workbookPr date1904="1"/>'
    )
    assert rows_of(data)[1] == [(2, ("2024-01-01", None))]
    data = workbook(
        text_row(1, "a", "b") + '<row r="2"><c r="A2" s="1"><v>0</v></c></row>', book='<workbookPr date1904="1"/>'
    )
    assert rows_of(data)[1] == [(2, ("1904-01-01", None))]


def test_names_may_have_prefixes() -> None:
    data = workbook(text_row(1, "a", "b") + '<row r="2"><c r="A2"><v>5</v></c></row>')
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(file, "w") as prefixed:
        for name in archive.namelist():
            text = archive.read(name).decode()
            prefixed.writestr(name, re.sub(r"<(/?)(\w+)", r"<\1x:\2", text))
    assert rows_of(file.getvalue()) == (["a", "b"], [(2, ("5", None))])


def test_line_numbers_are_those_of_the_sheet() -> None:
    rows = (
        text_row(1, "Report\nof two lines")
        + text_row(4, "id", "note", "x")
        + text_row(5, "1", "several\nlines\n\nin it", "a")
        + text_row(9, "2", "b", "c")
        + text_row(10, "3", "b", "c", "too\nmany")
        + text_row(11, "4", "b", "c")
    )
    source = opened(workbook(rows))
    dialect = detect(source)
    assert dialect.skip_rows == 3
    for block_bytes in (1, 1 << 20):
        for careful in (False, True):
            blocks = list(parse(source, dialect, block_bytes=block_bytes, careful=careful))
            assert [line for block in blocks for line in block.lines.tolist()] == [5, 9, 11]
            (reject,) = [reject for block in blocks for reject in block.rejects]
            assert (reject.line, reject.code) == (10, "too_many_fields")


def test_the_first_visible_worksheet_is_read() -> None:
    sheets = (
        '<sheet name="C" sheetId="3" r:id="rId3"/>'
        '<sheet name="A" sheetId="1" state="hidden" r:id="rId1"/>'
        '<sheet name="B" sheetId="2" r:id="rId2"/>'
    )
    assert rows_of(workbook(text_row(1, "first"), sheets=sheets))[0] == ["second"]


def test_a_large_sheet_streams() -> None:
    chance = random.Random(3)  # numbers that do not pack well: progress shows in steps of 256 KiB of the stored file
    rows = "".join(
        f'<row r="{n}">'
        + "".join(f'<c r="{column}{n}"><v>{chance.random()}</v></c>' for column in "ABCD")
        + f'<c r="E{n}" t="s"><v>0</v></c></row>'
        for n in range(2, 12_002)
    )
    source = opened(workbook(text_row(1, *"abcde") + rows, ["<t>text</t>"]))
    positions = []
    count = 0
    for block in parse(source, detect(source), block_bytes=50_000):
        count += len(block)
        positions.append(block.bytes_read)
    assert count == 12_000
    assert positions == sorted(positions)
    assert 0 < positions[0] < positions[-1] <= source.bytes_total


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (workbook(text_row(1, "a"), doctype='<!DOCTYPE x [<!ENTITY a "aaaa">]>'), "bomb"),
        (workbook(text_row(1, "a") + "<row"), "broken_archive"),
        (workbook('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), "broken_archive"),
        (workbook('<row r="99999999"><c r="A1"><v>7</v></c></row>'), "broken_archive"),
        (workbook('<row r="1"><c r="ZZZZZ1"><v>7</v></c></row>'), "broken_archive"),
        (workbook('<row r="2"></row><row r="1"></row>'), "broken_archive"),
        (workbook(text_row(1, "a"), sheets='<sheet name="C" sheetId="3" r:id="rId3"/>'), "not_csv"),
        (workbook(""), "empty_file"),
    ],
)
def test_workbooks_that_are_refused(data: bytes, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        detect(opened(data))
    assert caught.value.error_code == code


def test_bombs_in_workbooks() -> None:
    bomb = workbook(text_row(1, "a") + text_row(2, "x" * 5_000_000), ["<t>" + "x" * 2_000_000 + "</t>"])
    for limits, code in (
        (SourceLimits(max_ratio=100, ratio_free_bytes=1_000_000), "bomb"),
        (SourceLimits(max_member_bytes=1_000_000), "too_large"),
    ):
        with pytest.raises(InvalidInput) as caught:
            opened(bomb, limits)
        assert caught.value.error_code == code


def test_a_look_at_the_first_rows_reads_the_first_texts_only() -> None:
    count = 200_000
    texts = [f"<t>text number {n} of many</t>" for n in range(count)]
    rows = "".join(
        f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{n}</v></c><c r="B{n + 1}" t="s"><v>{count - 1 - n}</v></c></row>'
        for n in range(count)
    )
    ascending = "".join(f'<row r="{n + 1}"><c r="A{n + 1}" t="s"><v>{n}</v></c></row>' for n in range(count))
    source = opened(workbook(ascending, texts))
    assert source.sample().startswith(b"text number 0 of many\ntext number 1 of many\n")
    assert isinstance(source._reader, Workbook)
    assert 0 < len(source._reader._strings) < count / 4
    # Any order will do; then all of them have to be read.
    source = opened(workbook(rows, texts))
    assert source.sample().startswith(b"text number 0 of many,text number 199999 of many\n")
    assert isinstance(source._reader, Workbook)
    assert len(source._reader._strings) == count


def test_small_things() -> None:
    assert [column_index(reference) for reference in ("A1", "Z9", "AA1", "XFD1")] == [0, 25, 26, 16383]
    assert [number_text(text) for text in ("5", "-0.1", "1E3", "1.5E-3", "1e300")][:4] == [
        "5",
        "-0.1",
        "1000",
        "0.0015",
    ]
    kinds = {
        "General": None,
        "0.00": None,
        "@": None,
        "yyyy": "date",
        "mmm-yy": "date",
        "[$-409]d-mmm;@": "date",
        "h:mm AM/PM": "time",
        "mm:ss.0": "time",
        "d/m/yy h:mm": "moment",
        "[mm]:ss": "span",
        '"day" 0': None,
        "[Red]0.00": None,
        "0\\d": None,
    }
    assert {code: format_kind(code) for code in kinds} == kinds


def test_rows_without_numbers_may_be_more_than_spreadsheets_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataengine.imports.reading.xlsx.MAX_ROW", 3)
    cell = '<c t="inlineStr"><is><t>x</t></is></c>'
    assert len(rows_of(workbook(f"<row>{cell}{cell}</row>" * 6))[1]) == 5
    with pytest.raises(InvalidInput, match="a row 9, beyond row 3"):
        rows_of(workbook(f"<row>{cell}{cell}</row>" * 4 + text_row(9, "x", "y")))
