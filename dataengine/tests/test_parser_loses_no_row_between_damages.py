"""Damaged neighbouring lines are rejected, but a row between them is kept unless a quoted cell legally covers it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .csv_damage import DAMAGES, encode, honest_cells, legal_reading, plain_words, read, write_row


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("between", ['u2,"",z', 'u2,"Bob ""B""",z', "u2,Bob,z", 'u2,"x,y",z', 'u2,"x\ny",z'])
@pytest.mark.parametrize("last", ['u3,"Anna"x,z', 'u3,An"na"x,z', 'u3,"Anna" ,z'])
def test_a_row_between_two_stray_quotes_stands(between: str, last: str, careful: bool) -> None:
    file = f'0,"a\nb",z\nu1,"Anna,z\n{between}\n{last}\nu4,b,c\n'
    outcome = read(file.encode(), 3, careful=careful)
    lines = 2 if "\n" in between else 1
    assert [row[0] for row in outcome.cells] == ["0", "u2", "u4"]
    assert [reject.line for reject in outcome.rejects] == [3, 4 + lines]
    assert outcome.rejects[0].raw == 'u1,"Anna,z'


@pytest.mark.parametrize("careful", [False, True])
def test_rows_between_lone_quotes_stand(careful: bool) -> None:
    """Alone on its line, as a whole cell or at the beginning of one; together two of them make no row."""
    for first, last in (('"', '"'), ('u1,"', '"'), ('",x,y', 'u,v,"'), ('u1,x,"', '",v,w'), ('"u1,x,y', 'u,"v,w')):
        file = f'0,"a\nb",z\n{first}\n\nu2,"",z\nu3,Bob,z\n{last}\nu4,b,c\n'
        outcome = read(file.encode(), 3, careful=careful)
        assert [row[0] for row in outcome.cells] == ["0", "u2", "u3", "u4"], file
        assert [reject.raw for reject in outcome.rejects] == [first, last], file
    # A text that is set apart from its quotes is a cell, and damaged with its row as before.
    file = '0,"a\nb"\n1,"\nred, green\n"\n2,"\nDear Ann, dear Bob\n",x\n3,c\n'
    outcome = read(file.encode(), 2, careful=careful)
    assert outcome.cells == [("0", "a\nb"), ("1", "\nred, green\n"), ("3", "c")]
    assert [reject.raw for reject in outcome.rejects] == ['2,"\nDear Ann, dear Bob\n",x']


def covered(lines: list[str], place: int) -> bool:
    """Whether some earlier line begins a record in which a quoted cell that closes strictly covers line ``place``.

    A walk of its own, character by character, that shares nothing with the parser's grammar.
    """
    for first in range(place):
        text = "\n".join(lines[first:]) + "\n"
        target = sum(len(line) + 1 for line in lines[first:place])
        at, in_record = 0, True
        while in_record and at < target:
            if text[at] == '"':
                opened, at = at, at + 1
                while at < len(text):
                    if text[at] == '"':
                        if text[at + 1 : at + 2] != '"':
                            break
                        at += 1
                    at += 1
                at += 1
                strict = text[at : at + 1] in {",", "\n"}
                if opened < target < at and strict:
                    return True
                if "\n" in text[opened:at] and not strict:
                    break
            while text[at : at + 1] not in {",", "\n", ""}:
                at += 1
            in_record = text[at : at + 1] == ","
            at += 1
    return False


def check(rows: list[str], hurt: dict[int, str], width: int, block_bytes: int) -> None:
    """Read ``rows`` with those in ``hurt`` replaced, in both engines."""
    # Damage that changes the number of lines, or happens to pair up within its line, has other tests.
    texts = [hurt.get(number, row) for number, row in enumerate(rows)]
    lines = "\n".join(texts).split("\n")
    file = encode("\n".join(texts) + "\n")
    fast = read(file, width, block_bytes=block_bytes)
    assert read(file, width, careful=True) == fast
    accepted = {line for line, _ in fast.rows}
    rejected = {reject.line: reject.raw.count("\n") for reject in fast.rejects}
    taken_along = {line + more for line, count in rejected.items() for more in range(1, count + 1)}
    number = 1
    for index, text in enumerate(texts):
        if "\n" not in rows[index] and index not in hurt and text.strip(","):
            assert number in accepted or covered(lines, number - 1), (number, text, file)
        if index in hurt and len(legal_reading(text)) != 1 and text.strip(","):
            told = number in accepted | rejected.keys() | taken_along or covered(lines, number - 1)
            assert told, (number, text, file)
        number += text.count("\n") + 1


words = st.one_of(honest_cells, st.just(""), plain_words)
KINDS = sorted(DAMAGES.keys() - {"broken into two lines", "lone carriage return"})


@settings(max_examples=400)
@given(st.data())
def test_any_mixture_of_damage(data: st.DataObject) -> None:
    width = data.draw(st.integers(2, 4))
    cell = (
        st.one_of(words, st.lists(plain_words, min_size=2, max_size=3).map("\n".join))
        if data.draw(st.booleans())
        else words
    )
    table = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=3, max_size=9))
    flags = st.lists(st.booleans(), min_size=width, max_size=width)
    rows = [write_row(row, data.draw(flags)) for row in table]
    if data.draw(st.booleans()):
        rows.insert(0, ",".join(['"first\nsecond"', *["z"] * (width - 1)]))
    hurt = {}
    for number, row in enumerate(rows):
        if row and data.draw(st.booleans()):
            damaged = DAMAGES[data.draw(st.sampled_from(KINDS))](row, data.draw(st.integers(0, len(row))))
            if damaged != row:
                hurt[number] = damaged
    check(rows, hurt, width, data.draw(st.integers(1, 60)))


QUOTE_KINDS = ["stray quote", "missing quote", "text after the row", "stray pair of quotes", "quotes not doubled"]


@pytest.mark.parametrize("seed", [0, 1, 6, 8])
def test_many_damages_in_a_long_file(seed: int) -> None:
    """Rows of ten columns, every eighth damaged and often its neighbour, too. Each of these seeds once lost a row."""
    chance = random.Random(seed)
    cells = ["", "Anna", "12.50", '""', "a, b", "x y", 'say "yes"', "one\ntwo", "0", ""]
    rows = [
        write_row(
            [f"u{number}", *chance.choices(cells, [3, 3, 3, 1, 2, 3, 1, 0.1, 3, 2], k=9)],
            [chance.random() < 0.3 for _ in range(10)],
        )
        for number in range(4_000)
    ]
    hurt: dict[int, str] = {}
    number = 5
    kinds = [*QUOTE_KINDS, "cut off", *KINDS]
    while number < len(rows) - 5:
        damaged = DAMAGES[chance.choice(kinds)](rows[number], chance.randrange(len(rows[number])))
        if damaged != rows[number]:
            hurt[number] = damaged
        number += chance.choice([1, 2, 2, 3, 30])
    texts = [hurt.get(number, row) for number, row in enumerate(rows)]
    outcome = read(encode("\n".join(texts) + "\n"), 10, block_bytes=100_000)
    accepted = {line for line, _ in outcome.rows}
    line = 1
    for number, text in enumerate(texts):
        if number not in hurt and "\n" not in text:
            assert line in accepted, (line, text)
        line += text.count("\n") + 1
