"""Spaces between cells, and the places of cells alone, divide them only where they are meant to."""

from __future__ import annotations

import io

import pytest

from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading.drawings import drawing_of, without_lines

SQLCMD = """n           name       amount
----------- ---------- --------
          1 Änne B        12.50
          2               3.00

(2 rows affected)
"""
PANDAS = """   n  name  amount
0  1  Anna    12.5
1  2   Bob     NaN

[2 rows x 3 columns]
"""
TABLES = [
    (SQLCMD, ["n", "name", "amount"], [("1", "Änne B", "12.50"), ("2", None, "3.00")], 3),
    (
        "  N  NAME\r\n---  ----\r\n  1  Anna\r\n 12  B C, D\r\n",
        ["N", "NAME"],
        [("1", "Anna"), ("12", "B C, D")],
        3,
    ),
    ("==  =====\n n  a\n==  =====\n 1  x y\n==  =====\n", ["n", "a"], [("1", "x y")], 4),
    (PANDAS, ["column_1", "n", "name", "amount"], [("0", "1", "Anna", "12.5"), ("1", "2", "Bob", "NaN")], 2),
    ("  n name\n1 1 Anna\n2 2  Bob\n", ["column_1", "n", "name"], [("1", "1", "Anna"), ("2", "2", "Bob")], 2),
    (
        'Filesystem   Size Use% Mounted on\noverlay"      50G  24% /\ntmpfs          4M   0% /dev\n',
        ["Filesystem", "Size", "Use%", "Mounted on"],
        [('overlay"', "50G", "24%", "/"), ("tmpfs", "4M", "0%", "/dev")],
        2,
    ),
    (
        "NAME   UP TIME\nweb    12 days\ndb     10 days\n",
        ["NAME", "UP TIME"],
        [("web", "12 days"), ("db", "10 days")],
        2,
    ),
]
OTHERS = [
    "comment\nHello  there\nwell,  you\n",
    "Dear all,\n\nthis is a text.  It has two\nlines or three.  It is no\ntable or thing.  No.\n",
    "a,b\n1,x  y\n2,z  w\n",
    "1.0  2.0\n3.0  4.0\n5.0  6.0\n",
    "Title  of it\n-----\n\na,b\n1,2\n",
]


def test_cells_are_told_apart_by_their_places(subtests: pytest.Subtests) -> None:
    for text, names, rows, line in TABLES:
        with subtests.test(text=text):
            opening = examine(io.BytesIO(text.encode()), "a.txt", DialectOptions())
            assert opening.headers == names
            [block] = parse(opening.source, opening.dialect, len(names))
            assert list(zip(*(column.to_pylist() for column in block.columns), strict=True)) == rows
            assert (block.lines[0], block.rejects) == (line, [])


def test_other_texts_are_not_cut(subtests: pytest.Subtests) -> None:
    for text in OTHERS:
        with subtests.test(text=text):
            assert drawing_of(text.encode()) is None


def test_a_line_that_keeps_to_no_column_is_rejected_as_it_is() -> None:
    text = "n  name   amount\n-  -----  ------\n" + "1  Anna   12.5\n" * 10 + "2  Bob B too long  3.0\n"
    opening = examine(io.BytesIO(text.encode()), "a.txt", DialectOptions())
    [block] = parse(opening.source, opening.dialect, 3)
    assert len(block.lines) == 10
    [line] = block.rejects
    assert (line.line, line.raw) == (13, "2  Bob B too long  3.0")


def test_aligned_lines_are_divided_wherever_the_text_is_cut() -> None:
    text = SQLCMD.encode()
    drawing = drawing_of(text)
    assert drawing
    whole = b"".join(without_lines(iter([text]), drawing))
    assert whole.count(b"\n") == text.count(b"\n")
    assert b"".join(without_lines((text[at : at + 1] for at in range(len(text))), drawing)) == whole


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ('"mpg" "cyl"\n"Mazda RX4" 21 6\n"Datsun 710" 22.8 4\n', " "),
        ("mpg cyl\nMazda 21 6\nDatsun 22.8 4\n", " "),
        ('"name" "n"\n"Mazda RX4" 21\n"Datsun 710" 22.8\n', " "),
        ("name      ,     n,city      \nAnna      ,     1,Bonn      \nBob       ,    22,Berlin    \n", ","),
        ("# made by x\n#k,v\n1,2\n3,4\n", ","),
        ("amount\n1,2\n3,4\n", "\t"),
        ("amount\nR$ 1.234,50\nR$ 10,00\n", "\t"),
        ("amount\n1\u202f234,50 €\n-12,00 €\n", "\t"),
        ("amount\n12,50 zł\n(1 000,00 zł)\n", "\t"),
        ("code\nx1,2\ny3,4\n", ","),
    ],
)
def test_spaces_and_commas_divide_where_they_are_meant_to(text: str, delimiter: str) -> None:
    assert examine(io.BytesIO(text.encode()), "a.csv", DialectOptions()).dialect.delimiter == delimiter
