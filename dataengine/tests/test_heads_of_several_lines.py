"""What stands around the names of columns is no row: groups above, units below, drawn lines."""

from __future__ import annotations

import io

import pytest

from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.head_lines import is_unit
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.reading import drawings
from dataengine.imports.reading.drawings import Drawing, drawing_of, without_lines

BOX = '+----+------+\n| nr | name |\n+----+------+\n|  1 | A 5" |\n|  2 |      |\n+----+------+\n'
DEEP = "T,,,,\n,,,,\n,A,,B,\nn,x,y,x,y\n,kg,kg,kg,kg\nr,1,2,3,4\ns,1,2,3,4\n"
DUCKDB = """
┌─────────┬───────┐
│    a    │   b   │
│ varchar │ int32 │
├─────────┼───────┤
│ varchar │     1 │
├─────────┴───────────┤
│ 1 rows    2 columns │
└─────────────────────┘
"""[1:]
POLARS = """
shape: (9, 2)
┌─────┬─────┐
│ a   ┆ b   │
│ --- ┆ --- │
│ i64 ┆ str │
╞═════╪═════╡
│ 1   ┆ x   │
│ …   ┆ …   │
│ 9   ┆ …   │
└─────┴─────┘
"""[1:]
THREE = ",N,,,S,,\n,2023,,2024,2023,,2024\nName,a,b,a,a,b,a\nA,1,2,3,4,5,6\nB,1,2,3,4,5,6\nC,1,2,3,4,5,6\n"
FEW = [
    # file, names, first row's line, units
    ("depth,temp\nm,°C\n1.5,20\n2.5,21\n", ["depth", "temp"], 3, ["m", "°C"]),
    ("name;mass\n-;kg\nA;1,5\n", ["name", "mass"], 3, ["-", "kg"]),
    ("depth\n[m]\n1\n", ["depth"], 3, ["[m]"]),
    ("d,w,r\nYYYY-MM-DD,m s-1,W/m²\n2024-01-31,1,2\n", ["d", "w", "r"], 3, ["YYYY-MM-DD", "m s-1", "W/m²"]),
    ("depth,temp\n\nm,°C\n1.5,20\n2.5,21\n", ["depth", "temp"], 4, ["m", "°C"]),
    ("time,lat\r\nUTC,degrees_north\r\n2024-01-01,1\r\n", ["time", "lat"], 3, ["UTC", "degrees_north"]),
    (",1999,,X,\nName,a,b,a,b\nA,1,2,3,4\nB,1,2,3,4\n", ["Name", "1999 a", "1999 b", "X a", "X b"], 3, []),
    ("N;X;;Y;\n;a;b;a;b\nA;1;2;3;4\nB;1;2;3;4\n", ["N", "X a", "X b", "Y a", "Y b"], 3, []),
    (",A,A,B,B\n,x,y,x,y\n0,1,2,3,4\n1,1,2,3,4\n", ["column_1", "A x", "A y", "B x", "B y"], 3, []),
    (THREE, ["Name", "N 2023 a", "N 2023 b", "N 2024 a", "S 2023 a", "S 2023 b", "S 2024 a"], 4, []),
    ("R,N,N,S\nY,1999,2000,1999\nK,a,a,a\nA,1,2,3\nB,1,2,3\n", ["R Y K", "N 1999 a", "N 2000 a", "S 1999 a"], 4, []),
    (DEEP, ["n", "A x", "A y", "B x", "B y"], 6, ["", *["kg"] * 4]),
    (BOX, ["column_1", "nr", "name", "column_4"], 4, []),
    ("mysql> select 1;\n" + BOX + "2 rows in set (0.00 sec)\n", ["column_1", "nr", "name", "column_4"], 5, []),
    ("  | a | b |\n  |---|:-:|\n  | x | 1 |\n", ["column_1", "a", "b", "column_4"], 3, []),
    ("# Report\n\n| a | b |\n|---|---|\n| x | 1 |\n", ["column_1", "a", "b", "column_4"], 5, []),
    ("| a | b |\n|---+---|\n| x | 1 |\n|---+---|\n| y | 2 |\n", ["column_1", "a", "b", "column_4"], 3, []),
    ("┌───┬───┐\r\n│ a │ b │\r\n├───┼───┤\r\n│ x │ 1 │\r\n└───┴───┘\r\n", ["column_1", "a", "b", "column_4"], 4, []),
    (" a | b \n---+---\n x | 1 \n y | 2 \n(2 rows)\n", ["a", "b"], 3, []),
    (" List of x\n a │ b \n───┼───\n x │ 1 \n(1 row)\n\n", ["a", "b"], 4, []),
    (POLARS, ["column_1", "a", "b", "column_4"], 7, []),
    (DUCKDB, ["column_1", "a", "b", "column_4"], 5, []),
    # These are rows, maybe bad ones.
    ("q,ans,ans\nred,yes,yes\nred,no,yes\nblue,no,no\n", ["q", "ans", "ans"], 2, []),
    ("a,b,c\nx,y,z\nx,q,z\n1,2,3\n4,5,6\n", ["a", "b", "c"], 2, []),
    ("q1,q2\nHow old?,How tall?\n1,2\n3,4\n5,6\n", ["q1", "q2"], 2, []),
    ("n,at\nAnn,very soon indeed\n1,2024-01-31\n2,2024-01-31\n3,2024-01-31\n", ["n", "at"], 2, []),
    ("size\nL\n40\n42\n", ["size"], 2, []),
    ("p\n($12.50)\n$13.00\n", ["p"], 2, []),
    ("p;q\n(€ 5);(USD 7)\n€ 13;USD 4\n€ 13;USD 4\n", ["p", "q"], 2, []),
    ("depth\nm\n1\n2\n", ["depth"], 2, []),
    ("unit,factor\nm,1\nkg,1000\n", ["unit", "factor"], 2, []),
    ("unit,factor\nkg,\ng,0.001\n", ["unit", "factor"], 2, []),
    ("a,b\nn/a,unknown\n1,2\n3,4\n5,6\n", ["a", "b"], 2, []),
    ("a,b\nx,\n1,2\n", ["a", "b"], 2, []),
    ("First,Second,,\nA,B,C,D\nx,y,3,4.5\nz,y,3,4.5\n", ["A", "B", "C", "D"], 3, []),
    ("a,b\n+--+,1\n+---+,2\n", ["a", "b"], 2, []),
]  # fmt: skip


def test_the_first_row_is_what_follows_the_whole_head(subtests: pytest.Subtests) -> None:
    for text, names, line, below in FEW:
        with subtests.test(text=text):
            opening = examine(io.BytesIO(text.encode()), "a.csv", DialectOptions())
            assert [name.strip() for name in opening.headers] == names
            assert [cell.strip() for cell in opening.below_the_header] == below
            blocks = list(parse(opening.source, opening.dialect, len(names)))
            assert blocks[0].lines[0] == line
            assert not any(block.rejects for block in blocks)


@pytest.mark.parametrize(("drawn", "rows"), [(BOX, 3), (DUCKDB, 2), (POLARS, 4)])
def test_lines_are_undrawn_wherever_the_text_is_cut(drawn: str, rows: int) -> None:
    text = drawn.replace("\n", "\r\n").encode()
    drawing = drawing_of(text)
    assert drawing is not None
    whole = b"".join(without_lines(iter([text]), drawing))
    assert whole.count(b"\r\n") == text.count(b"\r\n")
    assert not any(line in whole.decode() for line in "+─═┌└")
    assert len(whole.split()) > rows == len([line for line in whole.splitlines() if line.strip()])
    assert b"".join(without_lines((text[at : at + 1] for at in range(len(text))), drawing)) == whole


def test_a_line_that_does_not_end_is_not_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "_LONGEST", 100)
    chunks = [b"+--+\n", b"x" * 101, b"x", b"+--+\n+--+\n|a", b"|\n", b"y" * 101 + b"\n", b"+--+"]
    made = list(without_lines(iter(chunks), Drawing("|")))
    assert b"".join(made) == b"\n" + b"x" * 102 + b"+--+\n\n|a|\n" + b"y" * 101 + b"\n"
    assert made[1] == b"x" * 101


@pytest.mark.parametrize(("has_units", "line"), [(None, 3), (False, 2), (True, 3)])
def test_who_knows_better_says_so(has_units: bool | None, line: int) -> None:
    for text, found in (("depth,temp\nm,°C\n1.5,20\n", 3), ("depth,temp\ndeep,cold\n1.5,20\n", 2)):
        opening = examine(io.BytesIO(text.encode()), "a.csv", DialectOptions(has_units=has_units))
        [block] = parse(opening.source, opening.dialect, 2)
        assert block.lines[0] == (found if has_units is None else line)


def test_units(subtests: pytest.Subtests) -> None:
    plain = "m kg °C % m/s m·s⁻¹ W m-2 kWh/m² € EUR µg/l [in] (s) km² 1/min ° [0.1mm]".split()
    for text in (*plain, "[days since 1970-01-01]", "(in USD)"):
        with subtests.test(text=text):
            assert is_unit(text)
    for text in (
        "($12.50)",
        "(CHF 5)",
        "(1.5 €)",
        "[12]",
        "",
        "Ann",
        "12",
        "m1x",
        "(12)",
        "Oslo",
        "1.5 m",
        "no",
        "x",
        "unit",
    ):
        with subtests.test(text=text):
            assert not is_unit(text)
