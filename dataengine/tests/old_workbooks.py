"""Workbooks of other kinds than .xlsx for the tests: .xls by xlwt, .ods as LibreOffice writes them."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xlwt

type Cells = list[list[Any]]
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?><office:document-content'
    ' xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"'
    ' xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"'
    ' xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    ' xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
    ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">'
    '<office:automatic-styles><style:style style:name="ta1" style:family="table"><style:table-properties'
    ' table:display="true"/></style:style><style:style style:name="ta2" style:family="table">'
    '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
    "<office:body><office:spreadsheet>"
)
_TAIL = "</office:spreadsheet></office:body></office:document-content>"


def xls(sheets: dict[str, Cells], *, hidden: tuple[str, ...] = (), merges: tuple[tuple[Any, ...], ...] = ()) -> bytes:
    """``merges`` (first row, first column, last row, last column, text) are of the first sheet."""
    book = xlwt.Workbook()
    shown = {date: "yyyy-mm-dd", datetime: "yyyy-mm-dd hh:mm:ss", time: "hh:mm:ss"}
    for number, (name, rows) in enumerate(sheets.items()):
        sheet = book.add_sheet(name)
        sheet.visibility = int(name in hidden)
        for at, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell is not None:
                    form = shown.get(type(cell))
                    style = xlwt.easyxf(num_format_str=form) if form else xlwt.Style.default_style
                    sheet.write(at, column, cell, style)
        for first, column, last, last_column, text in merges if number == 0 else ():
            sheet.write_merge(first, last, column, last_column, text)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods_cell(cell: Any, more: str = "") -> str:
    """A cell as LibreOffice writes it; a text that begins with ``<`` is XML already."""
    if cell is None:
        return f"<table:table-cell{more}/>"
    if isinstance(cell, str) and cell.startswith("<"):
        return cell
    if isinstance(cell, bool):
        value = f'boolean" office:boolean-value="{str(cell).lower()}'
    elif isinstance(cell, datetime | date):
        value = f'date" office:date-value="{cell.isoformat()}'
    elif isinstance(cell, time):
        value = f'time" office:time-value="PT{cell.hour:02}H{cell.minute:02}M{cell.second:02}S'
    elif isinstance(cell, str):
        text = "".join(f"<text:p>{escape(part)}</text:p>" for part in cell.split("\n"))
        return f'<table:table-cell office:value-type="string"{more}>{text}</table:table-cell>'
    else:
        value = f'float" office:value="{cell}'
    return f'<table:table-cell office:value-type="{value}"{more}><text:p>shown</text:p></table:table-cell>'


def ods_row(cells: list[Any], more: str = "") -> str:
    return f"<table:table-row{more}>{''.join(ods_cell(cell) for cell in cells)}</table:table-row>"


def ods_of(sheets: dict[str, str], *, hidden: tuple[str, ...] = ()) -> bytes:
    """Of sheets whose rows are XML."""
    body = "".join(
        f'<table:table table:name={quoteattr(name)} table:style-name="ta{1 + (name in hidden)}">{rows}'
        '<table:table-row table:number-rows-repeated="1048000">'
        '<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'
        for name, rows in sheets.items()
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", _HEAD + body + _TAIL)
    return file.getvalue()


def ods(sheets: dict[str, Cells], *, hidden: tuple[str, ...] = (), merges: tuple[tuple[Any, ...], ...] = ()) -> bytes:
    """``merges`` (first row, first column, last row, last column, text) are of the first sheet."""
    listed = {}
    for number, (name, rows) in enumerate(sheets.items()):
        cells = [list(row) for row in rows]
        for first, column, last, last_column, text in merges if number == 0 else ():
            while len(cells[first]) <= column:
                cells[first].append(None)
            spanned = (
                f' table:number-columns-spanned="{last_column - column + 1}"'
                f' table:number-rows-spanned="{last - first + 1}"'
            )
            for row in range(first, last + 1):
                while len(cells[row]) <= last_column:
                    cells[row].append(None)
                for place in range(column, last_column + 1):
                    cells[row][place] = "<table:covered-table-cell/>"
            cells[first][column] = ods_cell(text, spanned)
        listed[name] = "".join(ods_row(row) for row in cells)
    return ods_of(listed, hidden=hidden)
