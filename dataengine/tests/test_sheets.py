"""Workbooks are well-formed, whatever a text holds, and come in pieces while they are made."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dataengine import sheets

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
ESCAPE = re.compile(r"_x([0-9A-F]{4})_")


def archive(texts: list[str]) -> bytes:
    made = sheets.Archive()
    with made.sheet() as sheet:
        sheet.write(sheets.row(number, [sheets.text_cell(f"A{number}", text)]) for number, text in enumerate(texts, 1))
    return made.take()


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1, max_size=5))
def test_any_text_comes_back(texts: list[str]) -> None:
    with ZipFile(io.BytesIO(archive(texts))) as file:
        tree = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))  # noqa: S314  written here
    found = [element.text or "" for element in tree.iter(f"{MAIN}t")]
    # What ECMA-376 calls ST_Xstring.
    assert [ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) for text in found] == texts


@pytest.mark.parametrize("text", ["=1+1", " x ", "a\tb\nc", "<&>\"'", "https://example.com", "007", "ü\U0001f600"])
def test_a_reader_of_workbooks_sees_the_text(text: str) -> None:
    assert CalamineWorkbook.from_filelike(io.BytesIO(archive([text]))).get_sheet_by_name("Records").to_python() == [
        [text]
    ]


def test_every_part_is_xml_and_every_reference_leads_somewhere() -> None:
    with ZipFile(io.BytesIO(archive(["x"]))) as file:
        assert file.testzip() is None
        names = set(file.namelist())
        for name in names:
            ElementTree.fromstring(file.read(name))  # noqa: S314  written here
        types = file.read("[Content_Types].xml").decode()
        targets = re.findall(r'Target="([^"]+)"', file.read("xl/_rels/workbook.xml.rels").decode())
    assert {f"xl/{target}" for target in targets} < names
    assert set(re.findall(r'PartName="/([^"]+)"', types)) < names


def test_nothing_is_kept_of_what_was_taken() -> None:
    made = sheets.Archive()
    pieces: list[bytes] = []
    with made.sheet() as sheet:
        for start in range(1, 50_001, 1_000):
            numbers = range(start, start + 1_000)
            sheet.write(sheets.row(number, [sheets.number_cell(f"A{number}", str(number))]) for number in numbers)
            pieces.append(made.take())
    pieces.append(made.take())
    assert sum(bool(piece) for piece in pieces) > 10
    assert max(map(len, pieces)) < sum(map(len, pieces)) / 4
    rows = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(pieces))).get_sheet_by_name("Records").to_python()
    assert rows == [[float(number)] for number in range(1, 50_001)]


@pytest.mark.parametrize(("number", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_letters_of_columns(number: int, letters: str) -> None:
    assert sheets.column_letters(number) == letters
