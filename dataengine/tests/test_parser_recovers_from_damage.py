"""A damaged line only loses itself, and no row is ever silently altered."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataengine.imports.dialects.dialect import Dialect

from .csv_damage import (
    DAMAGES,
    Outcome,
    Row,
    damaged_files,
    encode,
    honest_cells,
    legal_reading,
    plain_words,
    read,
    tables,
    write_row,
    written,
)

PLAIN = ["1,anna,x", "2,bob,y", "3,carl,z", "4,dora,w"]
QUOTED = ['"1","anna","x"', '"2","bo""b","y, y"', '"3","","z"', '"4","dora","w"']
MIXED = ["1,anna,x", '2,"bob, the ""b""",y', "3,,", '"4","",w']


def check(outcome: Outcome, originals: list[Row], index: int, damaged: str, what: str, newline: str = "\n") -> None:
    """All other rows are read, with their line numbers; anything else is a legal reading of the damaged line."""
    cells = outcome.cells
    before, after = originals[:index], originals[index + 1 :]
    assert cells[: len(before)] == before, what
    assert cells[len(cells) - len(after) :] == after, what
    between = cells[len(before) : len(cells) - len(after)]
    legal = [[cell or "" for cell in row] for row in legal_reading(damaged)]
    lines = [row for line in damaged.replace("\r", "\n").split("\n") for row in legal_reading(line)]
    for row in between:
        assert [cell or "" for cell in row] in legal + lines, what
    assert [line for line, _ in outcome.rows[:index]] == list(range(1, index + 1))
    spread = len(re.findall("\r\n|\n|\r", damaged + newline))
    assert [line for line, _ in outcome.rows[len(cells) - len(after) :]] == [
        index + 1 + spread + offset for offset in range(len(after))
    ]
    assert all(index < reject.line <= index + spread for reject in outcome.rejects), what
    assert between or outcome.rejects or not damaged.strip(",\r\n"), what


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("rows", [PLAIN, QUOTED, MIXED], ids=["plain", "quoted", "mixed"])
@pytest.mark.parametrize("careful", [False, True])
def test_every_damage_at_every_place_costs_its_line_only(rows: list[str], newline: str, careful: bool) -> None:
    originals = read(encode("\n".join(rows)), 3).cells
    for kind, index, damaged, data in damaged_files(rows, newline):
        outcome = read(data, 3, careful=careful)
        check(outcome, originals, index, damaged, f"{kind}: {data!r}", newline)


@settings(max_examples=200)
@given(st.data())
def test_damage_of_honest_tables(data: st.DataObject) -> None:
    rows = data.draw(written(data.draw(tables(honest_cells, min_width=2, min_rows=2))))
    width = len(legal_reading(rows[0])[0])
    originals = read(encode("\n".join(rows) + "\n"), width).cells
    kind = data.draw(st.sampled_from(sorted(DAMAGES)))
    index = data.draw(st.integers(0, len(rows) - 1))
    damaged = DAMAGES[kind](rows[index], data.draw(st.integers(0, len(rows[index]))))
    file = encode("\n".join([*rows[:index], damaged, *rows[index + 1 :]]) + "\n")
    if damaged == rows[index] or not file.strip(b"\n"):
        return
    outcome = read(file, width, block_bytes=data.draw(st.integers(1, 40)))
    check(outcome, originals, index, damaged, kind)


prose = st.lists(plain_words, min_size=2, max_size=4).map("\n".join)


@settings(max_examples=200)
@given(st.data())
def test_damage_of_tables_with_cells_of_several_lines(data: st.DataObject) -> None:
    """The other rows are kept, and no line of a damaged row's text is taken for a row."""
    width = data.draw(st.integers(2, 4))
    table = data.draw(st.lists(st.lists(prose | honest_cells, min_size=width, max_size=width), min_size=3, max_size=6))
    rows = data.draw(written(table))
    originals = read(encode("\n".join(rows) + "\n"), width).cells
    kind = data.draw(st.sampled_from(sorted(DAMAGES)))
    index = data.draw(st.integers(0, len(rows) - 1))
    damaged = DAMAGES[kind](rows[index], data.draw(st.integers(0, len(rows[index]))))
    file = encode("\n".join([*rows[:index], damaged, *rows[index + 1 :]]) + "\n")
    if not file.strip(b"\n"):
        return
    lines = re.findall("[^\r\n]*(?:\r\n|\n|\r|$)", damaged)
    runs = ["".join(lines[a:b]) for a in range(len(lines)) for b in range(a + 1, len(lines) + 1)]
    legal = [row for run in runs for row in legal_reading(run)]
    for row in read(file, width, block_bytes=data.draw(st.integers(1, 60))).cells:
        assert row in originals or [cell or "" for cell in row] in legal, (kind, file)


def test_a_stray_quote_does_not_swallow_the_file() -> None:
    lines = [f"{number},name {number},{number * 2}" for number in range(5000)]
    lines[10] = '10,"name 10,20'
    lines[4000] = '4000,name 4000",8000'  # would close it, and make a legal row of 3,991 lines
    outcome = read(encode("\n".join(lines)), 3, block_bytes=1000)
    assert len(outcome.rows) == 4998
    assert [(reject.line, reject.code) for reject in outcome.rejects] == [
        (11, "malformed_quotes"),
        (4001, "malformed_quotes"),
    ]


def test_a_long_text_is_not_taken_for_a_stray_quote() -> None:
    text = "\n".join(f"line {number}, with words" for number in range(2000))
    outcome = read(encode(write_row(["1", text, "x"], [False] * 3) + "\n2,b,c\n"), 3, block_bytes=500)
    assert outcome.cells == [("1", text, "x"), ("2", "b", "c")]
    assert [line for line, _ in outcome.rows] == [1, 2001]


def test_a_damaged_row_of_several_lines_is_one_reject_where_such_rows_are_usual() -> None:
    file = '1,"a\nb",x\n2,"note\na,b,c\nend",x,extra\n3,c,d\n'
    outcome = read(file.encode(), 3)
    assert [line for line, _ in outcome.rows] == [1, 6]
    (reject,) = outcome.rejects
    assert (reject.line, reject.code) == (3, "too_many_fields")
    assert reject.raw == '2,"note\na,b,c\nend",x,extra'


def test_a_cell_that_does_not_close_as_it_should_takes_no_row_along() -> None:
    """It cannot be told from two stray quotes with a row between them, and no row is lost on a guess."""
    outcome = read(b'1,"a\nb",x\n4,"note\na,b,c\nend"more,x\n5,b,c\n', 3)
    assert [line for line, _ in outcome.rows] == [1, 4, 6]
    assert [reject.line for reject in outcome.rejects] == [3, 5]


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (b"1,2", "too_few_fields", "expected 3 cells, found 2"),
        (b"1,2,3,", "too_many_fields", "expected 3 cells, found 4"),
        (b'1,2,"3', "malformed_quotes", None),
        (b'1,a"b,3', "malformed_quotes", None),
        (b'1,"a"b,3', "malformed_quotes", None),
        (b"1,a\0b,3", "invalid_encoding", "the row holds a NUL byte"),
        (b"1,a\xffb,3", "invalid_encoding", "the row holds bytes that are not text in the file's encoding"),
        (b"1,\xed\xa0\x80,3", "invalid_encoding", None),
    ],
)
def test_codes(line: bytes, code: str, message: str | None) -> None:
    for careful in (False, True):
        outcome = read(b"a,b,c\n" + line + b"\nd,e,f\n", 3, careful=careful)
        assert outcome.cells == [("a", "b", "c"), ("d", "e", "f")]
        (reject,) = outcome.rejects
        assert (reject.line, reject.code) == (2, code)
        assert message is None or reject.message == message
        assert reject.raw == line.replace(b"\0", "\ufffd".encode()).decode("utf-8", "replace")


def test_one_row_in_a_hundred_is_bad() -> None:
    """Many damaged rows of all kinds, far enough from each other: exactly these are missing."""
    rows = [write_row([str(n), f"name {n}, the {n}th", f'"{n}"'], [False, n % 2 == 0, True]) for n in range(6000)]
    originals = read(encode("\n".join(rows)), 3).cells
    kinds = [kind for kind in sorted(DAMAGES) if kind not in ("broken into two lines", "lone carriage return")]
    hurt = {
        number: DAMAGES[kinds[(number // 100) % len(kinds)]](rows[number], number // 100 % len(rows[number]))
        for number in range(50, 6000, 100)
    }
    hurt = {number: text for number, text in hurt.items() if text != rows[number]}
    lines = [hurt.get(number, text) for number, text in enumerate(rows)]
    outcome = read(encode("\n".join(lines)), 3, block_bytes=5000, dialect=Dialect(has_header=False))
    accepted = dict(outcome.rows)
    for number, original in enumerate(originals, start=1):
        if number - 1 not in hurt:
            assert accepted[number] == original
    assert {reject.line - 1 for reject in outcome.rejects} <= hurt.keys()
    assert len(outcome.rows) + len(outcome.rejects) == 6000
