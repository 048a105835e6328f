"""Whatever is written according to RFC 4180 is read exactly, wherever the blocks are cut."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.imports.dialects.dialect import Dialect

from .csv_damage import is_blank, legal_reading, nasty_cells, read, tables, write_row


def physical_lines(text: str) -> int:
    return len(re.findall("\r\n|\n|\r", text))


@settings(max_examples=250)
@given(st.data())
def test_any_table_comes_back_identically(data: st.DataObject) -> None:
    # A byte order mark is removed at the start of a line, and text elsewhere.
    table = data.draw(tables(nasty_cells.map(lambda cell: re.sub("(^|[\r\n])\ufeff+", r"\1b", cell))))
    width = len(table[0])
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|", "§"]))
    newline = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = ""
    expected = []
    for row in table:
        quoted = data.draw(st.lists(st.booleans(), min_size=width, max_size=width))
        quoted[0] |= is_blank(row)  # delimiters and spaces alone are not a row
        line = write_row(row, quoted, delimiter)
        bare = [not flag and not cell for flag, cell in zip(quoted, row, strict=True)]
        cells = tuple(None if empty else cell for empty, cell in zip(bare, row, strict=True))
        expected.append((1 + physical_lines(text), cells, line))
        text += line + newline
        if data.draw(st.booleans()):
            text += newline  # a blank line is not a row
    if data.draw(st.booleans()) and expected[-1][2]:
        text = text.rstrip("\r\n") if not expected[-1][2].endswith(("\r", "\n")) else text
    outcome = read(
        ("\ufeff" + text).encode(),  # a file may begin with a mark; only one is removed
        width,
        dialect=Dialect(delimiter, has_header=False),
        block_bytes=data.draw(st.sampled_from([1, 2, 7, 30, 1 << 20])),
        careful=data.draw(st.booleans()),
    )
    assert outcome.rejects == []
    assert [(line, row) for line, row in outcome.rows] == [(line, row) for line, row, _ in expected]
    assert outcome.raws == [raw for _, _, raw in expected]


@settings(max_examples=300)
@given(st.text(st.sampled_from('ab,"\n\r'), max_size=40))
def test_agrees_with_the_strict_reader_of_python(text: str) -> None:
    """If Python accepts a text with quotes as in RFC 4180, every row of the usual width is the same."""
    rows = legal_reading(text)
    if not rows or re.search(r'[^,"\r\n]"(?!"|[,\r\n]|$)', text) or re.search(r'(?:^|[,\r\n])[^",\r\n]+"', text):
        return
    if re.search(r"(?:^|[\r\n]),+(?:[\r\n]|$)", text):  # a line of commas alone is not a row here
        return
    width = len(rows[0])
    outcome = read(text.encode(), width)
    if not outcome.rejects:
        assert [[cell or "" for cell in row] for row in outcome.cells] == rows


CASES: dict[str, tuple[str, list[tuple[int, tuple[str | None, ...]]]]] = {
    "simple": ("a,b,c\n1,2,3\n", [(1, ("a", "b", "c")), (2, ("1", "2", "3"))]),
    "no break at the end": ("a,b,c\n1,2,3", [(1, ("a", "b", "c")), (2, ("1", "2", "3"))]),
    "commas in quotes": ('a,"b,b",c\n', [(1, ("a", "b,b", "c"))]),
    "quotes in quotes": ('"""","""a"""\n', [(1, ('"', '"a"'))]),
    "breaks in quotes": ('"a\nb","c\r\nd","\re"\n1,2,3\n', [(1, ("a\nb", "c\r\nd", "\re")), (5, ("1", "2", "3"))]),
    "empty and null": ('"",,x\n,"",\n', [(1, ("", None, "x")), (2, (None, "", None))]),
    "spaces are text": (" a , b,c \n", [(1, (" a ", " b", "c "))]),
    "mixed breaks": (
        "a,b,c\r\nd,e,f\ng,h,i\rj,k,l",
        [(n, tuple(row)) for n, row in enumerate(["abc", "def", "ghi", "jkl"], 1)],
    ),
    "blank lines": ("\n\r\na,b,c\n\n\nd,e,f\n\n", [(3, ("a", "b", "c")), (6, ("d", "e", "f"))]),
    "one column": ('a\n\n""\n"b\n"\n', [(1, ("a",)), (3, ("",)), (4, ("b\n",))]),
    "byte order marks of joined files": (
        '\ufeffa,b\n\ufeffc,\ufeffd\r\n\ufeff\ufeff"e\n\ufefff",g\n',
        [(1, ("a", "b")), (2, ("c", "\ufeffd")), (3, ("e\nf", "g"))],
    ),
    "the end mark of DOS": ("a,b\r\n1,\x1a2\r\n\x1a", [(1, ("a", "b")), (2, ("1", "\x1a2"))]),
    "the end mark of DOS without a line end": ("a,b\r\n1,2\x1a", [(1, ("a", "b")), (2, ("1", "2"))]),
    "a cell may end in it": ("a,b\n1,2\x1a\n", [(1, ("a", "b")), (2, ("1", "2\x1a"))]),
    "the end mark is at the end": ("a,b\n\x1a,c\n", [(1, ("a", "b")), (2, ("\x1a", "c"))]),
    "delimiters alone": (
        'a,b,c\n,,\n,\n"",,\n,,,,\nd,e,f\n',
        [(1, ("a", "b", "c")), (4, ("", None, None)), (6, ("d", "e", "f"))],
    ),
    "beyond ASCII": ("é,日本,😀\n", [(1, ("é", "日本", "😀"))]),
    "what pyarrow might trim": ('"a ", b,"\t"\n', [(1, ("a ", " b", "\t"))]),
    "other controls": ("a\x0bb,c\x0c,\x85d\x1c\u2028\n", [(1, ("a\x0bb", "c\x0c", "\x85d\x1c\u2028"))]),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("block_bytes", [1, 1 << 20])
def test_cases(case: str, block_bytes: int) -> None:
    text, expected = CASES[case]
    for careful in (False, True):
        outcome = read(text.encode(), len(expected[0][1]), block_bytes=block_bytes, careful=careful)
        assert (outcome.rows, outcome.rejects) == (expected, [])


def test_null_values_are_unquoted_only() -> None:
    file = b'NA,"NA",x\nnull,NA ,-\n\\N,n/a,"\\N"\n'
    expected = [(None, "NA", "x"), ("null", "NA ", None), (None, "n/a", "\\N")]
    for careful in (False, True):
        assert read(file, 3, null_values=["NA", "-", "\\N"], careful=careful).cells == expected


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        (Dialect(";", "'"), "'a;''b';c\n", [("a;'b", "c")]),
        (Dialect(",", '"', "\\"), 'a,"say \\"hi\\""\nb\\,c,\\N\n', [("a", 'say "hi"'), ("b,c", "N")]),
        (Dialect(",", '"', "\\"), '"a\\\\","b""c"\n', [("a\\", 'b"c')]),
        (Dialect("\t", None), 'a "b"\t"c\nd\t5"\n', [('a "b"', '"c'), ("d", '5"')]),
        (Dialect("§", "“"), "“a§b“§c\n", [("a§b", "c")]),
        (Dialect("|", '"'), '"a|b"|\n', [("a|b", None)]),
        (Dialect(" ", '"'), '"a b" c\n', [("a b", "c")]),
        (Dialect(",", '"', '"'), '"a""b",c\n', [('a"b', "c")]),
    ],
)
def test_dialects(dialect: Dialect, text: str, expected: list[tuple[str | None, ...]]) -> None:
    headless = Dialect(dialect.delimiter, dialect.quote, dialect.escape, has_header=False)
    for block_bytes in (1, 1 << 20):
        outcome = read(text.encode(), 2, dialect=headless, block_bytes=block_bytes)
        assert (outcome.cells, outcome.rejects) == (expected, [])


def test_escaped_null_marker_is_null() -> None:
    dialect = Dialect(",", '"', "\\", has_header=False)
    assert read(b"\\N,a\n", 2, dialect=dialect, null_values=["\\N"]).cells == [(None, "a")]


def test_line_numbers_of_a_large_file_with_cells_of_several_lines() -> None:
    parts: list[str] = []
    expected: list[int] = []
    line = 1
    for number in range(60_000):
        expected.append(line)
        if number % 7 == 0:
            parts.append(f'{number},"first\nsecond {number}\r\nthird",x')
            line += 2
        elif number % 1001 == 0:
            parts.append(f"\n{number},b,c")
            expected[-1] += 1
            line += 1
        else:
            parts.append(f"{number},b,c")
        line += 1
    data = "\n".join(parts).encode()
    for block_bytes in (100_000, 8 << 20):
        outcome = read(data, 3, block_bytes=block_bytes)
        assert [line for line, _ in outcome.rows] == expected
        assert [row[0] for row in outcome.cells] == [str(number) for number in range(60_000)]
