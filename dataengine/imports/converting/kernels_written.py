"""Numbers as spreadsheets write them, converted to plain ones and counted, whole columns at a time. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types.numbers import DECIMAL, INTEGER

from .column_blocks import ColumnBlock, Judged, Owed, first_failure, owed_on
from .kernels import cast, mask_of, matches, only, present, trimmed
from .number_styles import (
    AS_OTHERS,
    COMMA,
    DOT_OF_WORD,
    NEGATIVE,
    NEUTRAL,
    NO_CURRENCY,
    NO_DECIMALS,
    NO_NUMBER,
    NUMBERED,
    POINT,
    ZERO,
    NumberStyle,
    StyleChoice,
    Tally,
    Written,
    decide,
    said_in,
)  # fmt: skip
from .patterns import NULL_MARKERS, SHEET_NULLS
from .shapes import SURE_DIGITS, Ints, Mask, Shapes, are_canonical, digits_in

_MAYBE_ZERO = r"-?0(?:\.|$)"


@dataclass(frozen=True, slots=True)
class WrittenCells:
    """Cells as plain numbers, null where they are no number in the style, and the signs that came with them."""

    values: pa.Array
    percent: Mask
    thrice: Mask
    currencies: frozenset[str]


def read(cells: pa.Array, style: NumberStyle) -> WrittenCells:
    """Read every cell in a style."""
    good = matches(cells, style.pattern)
    numbers = only(cells, good)
    is_bare = mask_of(pc.match_substring_regex(numbers, r"^-?[0-9.,]*[0-9]$"))
    others = good & ~is_bare
    nothing = np.zeros(len(cells), dtype=np.bool_)
    percent, tagged = nothing, nothing
    currencies: frozenset[str] = frozenset()
    if others.any():
        if (others & matches(numbers, NO_DECIMALS)).any():
            numbers = pc.replace_substring_regex(numbers, NO_DECIMALS, r"\1")
        if (others & matches(numbers, DOT_OF_WORD)).any():
            numbers = pc.replace_substring_regex(numbers, DOT_OF_WORD, r"\1")
        texts = pc.replace_substring_regex(numbers, NO_CURRENCY, "")
        tagged = others & mask_of(pc.not_equal(texts, ""))
        percent = others & mask_of(pc.match_substring(numbers, "%"))
        currencies = frozenset(text for text in pc.unique(texts).to_pylist() if text)
    negative = mask_of(pc.match_substring_regex(numbers, NEGATIVE))
    values = pc.replace_substring_regex(numbers, NO_NUMBER, "") if others.any() else pc.utf8_ltrim(numbers, "-")
    if others.any() and (zero := others & mask_of(pc.equal(values, ""))).any():
        values, negative = pc.if_else(pa.array(zero), "0", values), negative & ~zero
    thrice = matches(values, style.thrice)
    if (amounts := thrice & tagged).any():
        values, thrice = only(values, ~amounts), thrice & ~amounts
    values = pc.replace_substring(values, style.other, "")
    if style.decimal == ",":
        values = pc.replace_substring(values, ",", ".")
    if percent.any():
        values = pc.if_else(pa.array(percent), _shifted(only(values, percent)), values)
    if negative.any():
        values = pc.if_else(pa.array(negative), pc.binary_join_element_wise("-", values, ""), values)
    return WrittenCells(values, percent, thrice, currencies)


def _shifted(numbers: pa.Array) -> pa.Array:
    """Plain numbers without a sign, divided by a hundred."""
    padded = pc.replace_substring_regex(numbers, r"^", "000")  # .5 too has three digits then before its point
    moved = pc.replace_substring_regex(padded, r"^([0-9]+)([0-9]{2})(?:\.([0-9]+))?$", r"\1.\2\3")
    return pc.replace_substring_regex(moved, r"^0+([0-9])", r"\1")


def plain(cells: pa.Array, style: NumberStyle) -> tuple[pa.Array, Mask]:
    """Cells in the form that the number kernels expect, and where they are no numbers in the style.

    Numbers that mean the same in every style stay as they are; with the decimal point, so do all plain numbers.
    """
    text = trimmed(cells)
    kept = matches(text, DECIMAL if style.decimal == "." else NEUTRAL)
    rest = present(text) & ~kept
    if not rest.any():
        return text, rest
    rows = np.flatnonzero(rest)
    values = read(text.take(pa.array(rows)), style).values
    unread = np.zeros(len(text), dtype=np.bool_)
    unread[rows[~present(values)]] = True
    result = pc.replace_with_mask(text, pa.array(rest), values)
    if style.decimal == ".":  # leave it to the kernels which others are numbers, and why not
        return pc.if_else(pa.array(unread), text, result), np.zeros(len(text), dtype=np.bool_)
    return result, unread


def is_written(block: ColumnBlock) -> bool:
    """Whether any cell is a number in some style."""
    return any(bool(_judge(block, style).count) for style in (POINT, COMMA))


def _judge(block: ColumnBlock, style: NumberStyle) -> Judged:
    """Which cells are numbers in a style."""
    return block.judged(
        lambda shape: said_in(shape, style) is not None,
        lambda cells: present(read(cells, style).values) | matches(cells, style.simple),
    )


class NumberVotes:
    """How well the cells of a column fit each style, over the whole file."""

    def __init__(self, styles: Sequence[NumberStyle] = (), *, limit: int) -> None:
        self.tallies = [Tally(style) for style in styles or (POINT, COMMA)]
        self._limit = limit
        """With more failures a style is out of the question, and its cells are looked at no longer."""
        self._owed: list[tuple[Tally, Owed]] = []

    @property
    def is_over(self) -> bool:
        """Whether no style can be the column's any more."""
        return not any(self._is_open(tally) for tally in self.tallies)

    def _is_open(self, tally: Tally) -> bool:
        return tally.failures + sum(owed.likely for whose, owed in self._owed if whose is tally) <= self._limit

    def look(self, block: ColumnBlock) -> None:
        """Take in one block."""
        for tally in self.tallies:
            if self._is_open(tally):
                self._look(tally, block)

    def _look(self, tally: Tally, block: ColumnBlock) -> None:
        judge = partial(_judge, style=tally.style)
        if block.shapes is not None:
            _count_shapes(tally, block, block.shapes)
        elif (owed := owed_on(block, judge, by_shape=True)) is None:
            _count_cells(tally, block)
        else:
            if not tally.failures and not any(whose is tally for whose, _ in self._owed):
                _broke(tally, block, first_failure(block, judge)[0])
            self._owed.append((tally, owed))

    def look_at_integers(self, count: int, low: int, high: int) -> None:
        """Count cells that are known to be whole numbers."""
        for tally in self.tallies:
            tally.cells += count
            tally.bare = tally.bare or low != 0 or high != 0
            tally.negative = tally.negative or low < 0
            tally.low, tally.high = min(tally.low, low), max(tally.high, high)

    def settle(self, limit: int | None = None) -> None:
        """Count what was put off, if any style may have as few failures as ``limit``."""
        certain = [
            tally.failures + sum(owed.certain for whose, owed in self._owed if whose is tally) for tally in self.tallies
        ]
        if limit is None or min(certain) <= limit:
            for tally, owed in self._owed:
                _count_cells(tally, owed.block)
        else:
            for tally, owed in self._owed:
                tally.failures += owed.likely
        self._owed = []

    def decide(
        self, hint: NumberStyle | None, default: NumberStyle = POINT, reason: str = AS_OTHERS
    ) -> StyleChoice | None:
        """See ``number_styles.decide``."""
        return decide(self.tallies, hint, default, reason)


def _count_shapes(tally: Tally, block: ColumnBlock, shapes: Shapes) -> None:
    style = tally.style
    said = [said_in(shape, style) for shape in shapes.texts]
    wrong = [place for place, what in enumerate(said) if what is None]
    if wrong:
        if not tally.failures:
            _broke(tally, block, shapes.first(wrong[0]))
        tally.failures += int(shapes.counts[wrong].sum())
    for what, count in zip(said, shapes.counts.tolist(), strict=True):
        if what is not None:
            tally.take(what, count)
            tally.bare = tally.bare or not (what.percent or re.match(_MAYBE_ZERO, what.text))
    if not tally.bare:
        small = [what is not None and not what.percent for what in said]
        long = [is_small and digits_in(text) > SURE_DIGITS for is_small, text in zip(small, shapes.texts, strict=True)]
        digits = [digits_in(text) for text in shapes.texts]
        short = [is_small and 0 < count <= SURE_DIGITS for is_small, count in zip(small, digits, strict=True)]
        tally.bare = bool(_whole_numbers(shapes, said, short).any()) or (
            any(long) and bool(matches(only(block.text, shapes.mask(long)), "[1-9]").any())
        )
    if tally.is_whole and len(wrong) < len(said):
        long = [what is not None and digits_in(what.text) > SURE_DIGITS for what in said]
        if any(long):
            tally.high = max(tally.high, 2**63)
        short = [what is not None and not is_long for what, is_long in zip(said, long, strict=True)]
        numbers = _whole_numbers(shapes, said, short)
        tally.low, tally.high = min(tally.low, int(numbers.min())), max(tally.high, int(numbers.max()))


def _whole_numbers(shapes: Shapes, said: Sequence[Written | None], which: Sequence[bool]) -> Ints:
    """The digits of the cells as numbers, with their signs, 0 where not wanted; points count for nothing."""
    digits = [digits_in(shape) for shape in shapes.texts]
    signs = shapes.each(-1 if what is not None and what.text[0] == "-" else 1 for what in said)
    return shapes.whole_numbers(shapes.mask(which), digits) * signs


def _broke(tally: Tally, block: ColumnBlock, row: int) -> None:
    tally.broken_line, tally.broken_cell = int(block.lines[row]), block.text[row].as_py()


def _count_cells(tally: Tally, block: ColumnBlock) -> None:
    """The same cell by cell, for columns in which hardly two cells are alike."""
    text, style = block.text, tally.style
    simple = matches(text, style.simple)
    if style.decimal == ".":
        tally.has_decimals = tally.has_decimals or bool((simple & mask_of(pc.match_substring(text, "."))).any())
        tally.thrice += int((simple & matches(pc.utf8_ltrim(text, "-"), style.thrice)).sum())
    tally.bare = tally.bare or bool((simple & ~matches(text, ZERO)).any())
    tally.cells += int(simple.sum())
    tally.negative = tally.negative or bool((simple & mask_of(pc.starts_with(text, "-"))).any())
    is_short = mask_of(pc.less_equal(pc.binary_length(text), SURE_DIGITS))
    whole = only(text, simple & is_short)
    _widen(tally, whole if style.decimal == "," else only(whole, matches(whole, INTEGER)))
    if (simple & ~is_short).any():
        tally.high = max(tally.high, 2**63)
    rest = present(text) & ~simple
    rows = np.flatnonzero(rest)
    if not len(rows):
        return
    some = text.take(pa.array(rows))
    written = read(some, style)
    fits = present(written.values)
    count = int(fits.sum())
    tally.cells += count
    if count < len(rows) and not tally.failures:
        _broke(tally, block, int(rows[~fits][0]))
    tally.failures += len(rows) - count
    if not count:
        return
    tally.percents += int(written.percent.sum())
    tally.bare = tally.bare or bool((fits & ~written.percent & ~matches(written.values, ZERO)).any())
    tally.currencies |= written.currencies
    tally.thrice += int(written.thrice.sum())
    tally.numbered += int((fits & matches(some, NUMBERED)).sum())
    tally.plus += int((fits & mask_of(pc.match_substring(some, "+"))).sum())
    tally.negative = tally.negative or bool((fits & mask_of(pc.starts_with(written.values, "-"))).any())
    is_integer = matches(written.values, INTEGER)
    tally.has_decimals = tally.has_decimals or bool((fits & ~is_integer).any())
    _widen(tally, only(written.values, is_integer))


def _widen(tally: Tally, integers: pa.Array) -> None:
    limits = pc.min_max(pc.cast(integers, pa.int64()))
    if limits["min"].as_py() is not None:
        tally.low, tally.high = min(tally.low, limits["min"].as_py()), max(tally.high, limits["max"].as_py())


def common_style(columns: Sequence[NumberVotes]) -> NumberStyle | None:
    """The style of all columns whose style is beyond doubt; None if those differ or if there are none."""
    choices = [votes.decide(None) for votes in columns]
    proven = {c.tally.style for c in choices if c is not None and c.is_proven and not c.tally.failures}
    return proven.pop() if len(proven) == 1 else None


class StyleVotes:
    """How the numbers are written in a column that is known to hold numbers, maybe whole ones only."""

    def __init__(self, name: str, markers: Collection[str] | None, *, are_whole: bool = False) -> None:
        self.name = name
        self._are_whole = are_whole
        self._broken: set[str] = set()
        """The marks that cannot stand before decimals, for then there would be some."""
        self.votes = NumberVotes(limit=2**62)
        self._blank = pa.array(["", *SHEET_NULLS, *(NULL_MARKERS if markers is None else markers)])

    def look(self, cells: pa.Array) -> None:
        """Count the cells of one block."""
        text = trimmed(cells)
        text = only(text, ~mask_of(pc.is_in(text, self._blank, skip_nulls=True)))
        integers = cast(text, pa.int64())
        if integers is not None and are_canonical(text):
            limits = pc.min_max(integers)
            filled = len(text) - text.null_count
            self.votes.look_at_integers(filled, limits["min"].as_py() or 0, limits["max"].as_py() or 0)
            return
        self.votes.look(ColumnBlock(text, np.zeros(len(text), dtype=np.int64)))
        if self._are_whole:
            for style in (POINT, COMMA):
                thrice = matches(text, style.thrice)
                if (thrice & ~mask_of(pc.ends_with(text, f"{style.decimal}000"))).any():
                    self._broken.add(style.decimal)

    def result(self, hint: NumberStyle | None, default: NumberStyle) -> tuple[NumberStyle, str, list[str]]:
        """The style, what users should know about it, and the marks that all cells allow, that of the style first.

        If both fit, the decimal point.
        """
        self.votes.settle()
        reason = AS_OTHERS
        if len(self._broken) == 1:
            hint, reason = (COMMA if self._broken == {"."} else POINT), "since the column holds whole numbers"
        # Nobody writes whole numbers with three zeros behind a comma, whatever separates the cells.
        choice = self.votes.decide(hint, POINT if self._are_whole else default, reason)
        if choice is None or not choice.tally.cells:
            return POINT, "", []
        return choice.tally.style, choice.note, list(choice.marks)
