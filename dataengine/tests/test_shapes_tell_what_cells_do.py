"""Columns are judged by the shapes of their cells. It must come to what reading cell by cell, in plain Python, does."""

from __future__ import annotations

import re
import tracemalloc
from decimal import Context, Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from dataengine.columns.types import ColumnSpec
from dataengine.imports.converting.conversion import Converter, target_of
from dataengine.imports.converting.date_formats import KNOWN, TIME, DateFormat
from dataengine.imports.converting.evidence import ColumnEvidence
from dataengine.imports.converting.kernels import SPACES
from dataengine.imports.converting.kernels_numeric import to_wire
from dataengine.imports.converting.moments import take_apart
from dataengine.imports.converting.number_styles import COMMA, POINT, NumberStyle, read_one, said_in
from dataengine.imports.converting.patterns import NULL_MARKERS, SHEET_NULLS
from dataengine.imports.converting.shapes import Shapes, digits_in, shapes_of

_SIGNS = st.sampled_from(["", "", "", "-", "+", "\u2212", "\u2013", "("])
_BEFORE = st.sampled_from(["", "", "", "$", "€", "USD ", "US$", "kr\u00a0", "£ "])
_AFTER = st.sampled_from(["", "", "", "%", " %", " €", "EUR", "-", ")", "\u202fzł"])
_MARKS = st.sampled_from([",", ".", " ", "'", "\u2019", "\u00a0", "\u2009", "\u202f"])
_GROUPED = st.builds(
    lambda mark, first, groups: mark.join([first, *groups]),
    _MARKS,
    st.sampled_from(["0", "1", "12", "123", "00", "1234"]),
    st.lists(st.from_regex(r"[0-9]{3}", fullmatch=True), max_size=6),
)
_DIGITS = st.from_regex(r"[0-9]{1,22}", fullmatch=True)
_DECIMALS = st.one_of(st.just(""), st.builds("{}{}".format, st.sampled_from([".", ","]), _DIGITS | st.just("00")))
_WRITTEN = st.builds(
    lambda space, sign, before, whole, decimals, after: f"{space}{sign}{before}{whole}{decimals}{after}{space}",
    st.sampled_from(["", "", "", " ", "\t", "\u00a0"]), _SIGNS, _BEFORE, _GROUPED | _DIGITS | st.just(""), _DECIMALS,
    _AFTER,
)  # fmt: skip
_ODD = st.sampled_from(
    ["", " ", "-", "NA", "#N/A", "nan", "x", "1e5", "1E-400", "1e999", "0x1F", "\u0661\u0662", "１２", "12,5,5",
     "1.2.3", "5.", ".5", "-.5", "--5", "$", "%", "0", "-0", "000", "9223372036854775807", "9223372036854775808",
     "-0.00", "0.000", "1.500", "99.995", "999.99", "1000.00", "12345678901234567890.5", "3.0", "3,0",
     "9007199254740993"]
)  # fmt: skip
_CELLS = st.lists(st.one_of(st.none(), _WRITTEN, _WRITTEN, _ODD), min_size=1, max_size=30)


def shape_of(cell: str) -> str:
    """A cell's shape, letter by letter."""
    shape = []
    for place, char in enumerate(cell):
        close = cell.encode()[max(len(cell[:place].encode()) - 2, 0) : len(cell[:place].encode())]
        leads = char == "0" and not any(48 <= code <= 57 for code in close)
        shape.append("9" if char in "0123456789" and not leads else char)
    return "".join(shape)


def shapes(cells: pa.Array) -> Shapes:
    found = shapes_of(cells)
    assert found is not None  # so few cells have few shapes
    return found


@given(st.lists(st.none() | st.text("0019ab.,-é\u202f ", max_size=8), min_size=1, max_size=20), st.integers(0, 3))
def test_every_cell_has_its_shape_and_its_digits(cells: list[str | None], skipped: int) -> None:
    array = pa.array([*["0", None, "00"][:skipped], *cells], pa.string()).slice(skipped)
    found = shapes(array)
    assert [found.texts[place] if place >= 0 else None for place in found.ids] == [
        None if cell is None else shape_of(cell) for cell in cells
    ]
    sure = found.mask(0 < digits_in(text) <= 18 for text in found.texts)
    numbers = found.whole_numbers(sure, [digits_in(text) for text in found.texts])
    for cell, number, is_sure in zip(cells, numbers.tolist(), sure.tolist(), strict=True):
        assert number == (int(re.sub("[^0-9]", "", cell or "")) if is_sure else 0)
    assert found.counts.tolist() == [found.ids.tolist().count(place) for place in range(len(found.texts))]


@given(_WRITTEN | _ODD, st.sampled_from([POINT, COMMA, NumberStyle(".", "'"), NumberStyle(",", " ")]))
@example("-$", POINT)
def test_a_shape_says_what_its_cells_say(cell: str, style: NumberStyle) -> None:
    text, shape = said_in(cell, style), said_in(shape_of(cell), style)
    assert (text is None) == (shape is None)
    if text is not None and shape is not None:
        assert (text.percent, text.currency, text.thrice, text.numbered, text.scale, text.text[0] == "-") == (
            shape.percent, shape.currency, shape.thrice, shape.numbered, shape.scale, shape.text[0] == "-"
        )  # fmt: skip
        digits = int(re.sub("[^0-9]", "", cell) or 0)  # “-$” is none at all
        assert abs(Decimal(text.text)) == Decimal(digits).scaleb(-text.scale)


_DATES = st.builds(
    lambda a, mark, b, c: f"{a}{mark}{b}{mark}{c}",
    st.integers(0, 32).map(str) | st.sampled_from(["00", "01", "2024", "0000", "1900"]),
    st.sampled_from(["/", "-", ".", " "]),
    st.integers(0, 13).map(str)
    | st.sampled_from(["02", "00", "Jan", "März", "févr.", "dec", "Foo", "sept", "de mayo de"]),
    st.sampled_from(["24", "69", "00", "2024", "1900", "2000", "0000", "29", "31", "9999"]),
)
_CLOCKS = st.from_regex(r"[0-2]?[0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,9})?)?( ?[aApP]\.?[mM]\.?)?", fullmatch=True)
_ZONES = st.sampled_from(["", "", "", "Z", " z", "+02", "-0330", "+05:45", "+1600", "+02:75"])
_MOMENTS = st.lists(
    st.one_of(
        st.none(),
        _DATES,
        _CLOCKS,
        st.builds("{}{}{}{}".format, _DATES, st.sampled_from(["T", " ", ", "]), _CLOCKS, _ZONES),
        st.dates().map(str),
        st.datetimes().map(str),
    ),
    min_size=1,
    max_size=12,
)


@given(st.sampled_from([TIME, *KNOWN]), _MOMENTS)
@example(KNOWN[0], ["2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29", "0000-01-01", "9999-12-31"])
def test_a_shape_says_where_the_parts_of_a_moment_stand(form: DateFormat, cells: list[str | None]) -> None:
    array = pa.array(cells, pa.string())
    quick, slow = take_apart(array, form, shapes(array)), take_apart(array, form, None)
    assert quick.matched.tolist() == slow.matched.tolist()
    assert quick.good.tolist() == slow.good.tolist()
    for name in ("days", "clock", "offset", "has_clock", "has_zone"):
        mask = slow.good
        assert getattr(quick, name)[mask].tolist() == getattr(slow, name)[mask].tolist(), name


# Conversion --------------------------------------------------------------------------------------------------------

_TYPES: list[tuple[str, dict[str, Any]]] = [
    ("smallint", {}),
    ("integer", {}),
    ("bigint", {}),
    ("numeric", {}),
    ("numeric", {"precision": 5, "scale": 2}),
    ("numeric", {"precision": 38, "scale": 20}),
    ("double", {}),
]
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}
_FLOAT = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"


def meant(cell: str, style: NumberStyle | None) -> str | None:
    """The number that a cell is, as plain text."""
    plain = r"[+-]?[0-9]+(?:[eE][+-]?[0-9]+)?" if style is COMMA else _FLOAT
    if re.fullmatch(plain, cell, re.ASCII):
        return cell
    written = read_one(cell, style) if style is not None else None
    return None if written is None else written.text


def reference(cell: str | None, kind: str, parameters: dict[str, Any], style: NumberStyle | None) -> Any:
    """The value as Python has it, or the code of the error; None for NULL."""
    text = (cell or "").strip(SPACES)
    if not text or text in SHEET_NULLS or text in NULL_MARKERS:
        return None
    number = meant(text, style)
    if number is None:
        return "invalid_type"
    if kind in _BITS:
        if not re.fullmatch(r"[+-]?[0-9]+(?:\.0*)?", number, re.ASCII):
            return "invalid_type"
        whole = int(Decimal(number))
        return whole if -(2 ** _BITS[kind]) <= whole < 2 ** _BITS[kind] else "out_of_range"
    exact = Decimal(number)
    if kind == "double":
        value = float(number)
        gone = value == 0 and exact != 0
        return "out_of_range" if gone or abs(value) == float("inf") else value
    if not parameters:
        return to_wire(exact)
    whole = parameters["precision"] - parameters["scale"]
    if abs(exact) >= Decimal(10) ** whole:
        return "out_of_range"
    rounded = exact.quantize(Decimal(1).scaleb(-parameters["scale"]), context=Context(prec=100))
    return rounded if rounded == exact else "out_of_range"


# Cells are dear to make and cheap to convert, so each goes into every type.
@given(cells=_CELLS, style=st.sampled_from([None, POINT, COMMA]))
@example([",1%", "-,25 %", ",5 €", "0,1%"], COMMA)
@example([".1%", "-.25 %", "$.5", "0.1%"], POINT)
def test_numbers_are_converted_as_plain_python_does(cells: list[str | None], style: NumberStyle | None) -> None:
    for kind, parameters in _TYPES:
        _is_converted_as_plain_python_does(kind, parameters, cells, style)


def _is_converted_as_plain_python_does(
    kind: str, parameters: dict[str, Any], cells: list[str | None], style: NumberStyle | None
) -> None:
    if kind == "numeric":  # which exponents it takes has tests of its own
        cells = [cell for cell in cells if "e" not in (cell or "").lower()] or ["1"]
    target = target_of(ColumnSpec(name="c", type=kind, parameters=parameters), style=style)
    # Many plain cells around them take the ways of whole blocks.
    column = [*cells, *["12"] * 40, *cells]
    batch = Converter([target], [0], markers=NULL_MARKERS).convert([pa.array(column, pa.string())])
    expected = [reference(cell, kind, parameters, style) for cell in column]
    faults = {row: errors[0].code for row, errors in batch.errors.items()}
    told = (kind, parameters)
    assert faults == {row: value for row, value in enumerate(expected) if isinstance(value, str)}, told
    assert batch.values[0].to_pylist() == [None if isinstance(value, str) else value for value in expected], told


# Evidence ----------------------------------------------------------------------------------------------------------

_FAMILIES = [
    st.integers(-999, 10**6).map(str),
    st.decimals(-999, 10**6, places=2).map(str),
    st.decimals(0, 10**6, places=2).map(lambda number: f"${number:,}"),
    st.decimals(0, 10**6, places=2).map(lambda number: f"{number:,}".translate(str.maketrans(",.", ".,"))),
    st.integers(0, 100).map(lambda number: f"{number}%"),
    st.dates().map(str),
    st.dates().map(lambda day: f"{day.day}/{day.month}/{day.year:04}"),
    st.dates().map(lambda day: f"{day:%d-%b-%y}"),
    st.times().map(lambda time: f"{time:%I:%M %p}"),
    st.sampled_from(["ja", "nein"]),
    st.uuids().map(str),
]
_NOISE = st.sampled_from(["twelve", "n.a.", "#REF!", "NA", "", "12,5,5", "2024-02-31", "5%", "1.234", "€ 3", "007"])


def decided(blocks: list[list[str]]) -> str:
    evidence = ColumnEvidence("c")
    line = 1
    for cells in blocks:
        lines = np.arange(line, line + len(cells), dtype=np.int64)
        evidence.look(pa.array(cells, pa.string()), lines, ["", *NULL_MARKERS])
        line += len(cells)
    return evidence.decide().kind.name


@given(st.data())
def test_large_blocks_are_what_their_cells_are(data: st.DataObject) -> None:
    family = data.draw(st.sampled_from(_FAMILIES))
    some = data.draw(st.lists(family, min_size=2, max_size=12))
    noise = data.draw(st.lists(_NOISE, max_size=3)) * data.draw(st.sampled_from([1, 5, 12]))
    # Texts that differ from one another leave the block too many shapes to go by.
    texts = [
        f"text {'a' * (number % 50)}{'b' * (number // 50)}" for number in range(data.draw(st.sampled_from([0, 900])))
    ]
    column = (some * 2_500)[:2_300] + noise + texts
    rows = data.draw(st.sampled_from([len(column), 1_100]))
    found = decided([column[start : start + rows] for start in range(0, len(column), rows)])
    # Of so few cells nothing is put off or judged by a sample.
    assert found == decided([column[start : start + 250] for start in range(0, len(column), 250)])


def test_what_mostly_fails_is_counted_cell_by_cell_where_it_is_told() -> None:
    texts = [f"{'x' * (number % 60)}y{'z' * (number // 60)}" for number in range(2_000)]
    column = [str(number / 8) for number in range(1_000)] + texts
    evidence = ColumnEvidence("c", tolerance=0.9)
    evidence.look(pa.array(column), np.arange(1, 3_001, dtype=np.int64), [""])
    decision = evidence.decide()
    assert (decision.failures, decision.broken_line, decision.broken_cell) == (2_000, 1_001, "y")


def test_what_proves_a_style_is_counted_cell_by_cell() -> None:
    column = ["1.234,5"] * 1_600 + ["1234"] * 900
    evidence = ColumnEvidence("c")
    evidence.look(pa.array(column), np.arange(1, 2_501, dtype=np.int64), [""])
    assert evidence.decide().note == "number, decimal comma: 1,600 cells show it, none contradicts it"


def test_long_cells_are_forgotten() -> None:
    evidence = ColumnEvidence("c")
    cells = [chr(ord("a") + place % 26) * 50_000 + "x" * place for place in range(200)]
    tracemalloc.start()
    try:
        for place, cell in enumerate(cells):
            evidence.look(pa.array([cell]), np.array([place], dtype=np.int64), [""])
        assert tracemalloc.get_traced_memory()[0] < 2 << 20
    finally:
        tracemalloc.stop()
