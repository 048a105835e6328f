"""Numbers as spreadsheets write them, converted to plain ones and counted, whole columns at a time. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types.numbers import DECIMAL, INTEGER

from .kernels import Mask, mask_of, matches, only, present, trimmed
from .number_styles import (
    COMMA,
    NEGATIVE,
    NEUTRAL,
    NO_CURRENCY,
    NO_NUMBER,
    NUMBERED,
    POINT,
    ZERO,
    NumberStyle,
    StyleChoice,
    Tally,
    decide,
)  # fmt: skip
from .patterns import NULL_MARKERS, SHEET_NULLS

_SAMPLED = 2_048
_SAMPLE = 256


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
    is_bare = mask_of(pc.match_substring_regex(numbers, r"^-?[0-9.,]+$"))
    others = good & ~is_bare
    nothing = np.zeros(len(cells), dtype=np.bool_)
    percent, tagged = nothing, nothing
    currencies: frozenset[str] = frozenset()
    if others.any():
        texts = pc.replace_substring_regex(numbers, NO_CURRENCY, "")
        tagged = others & mask_of(pc.not_equal(texts, ""))
        percent = others & mask_of(pc.match_substring(numbers, "%"))
        currencies = frozenset(text for text in pc.unique(texts).to_pylist() if text)
    negative = mask_of(pc.match_substring_regex(numbers, NEGATIVE))
    values = pc.replace_substring_regex(numbers, NO_NUMBER, "") if others.any() else pc.utf8_ltrim(numbers, "-")
    thrice = matches(values, style.thrice)
    if (amounts := thrice & tagged).any():
        values, thrice = only(values, ~amounts), thrice & ~amounts
    values = pc.replace_substring(values, "." if style.decimal == "," else ",", "")
    if style.decimal == ",":
        values = pc.replace_substring(values, ",", ".")
    if percent.any():
        values = pc.if_else(pa.array(percent), _shifted(only(values, percent)), values)
    if negative.any():
        values = pc.if_else(pa.array(negative), pc.binary_join_element_wise("-", values, ""), values)
    return WrittenCells(values, percent, thrice, currencies)


def _shifted(numbers: pa.Array) -> pa.Array:
    """Plain numbers without a sign, divided by a hundred."""
    padded = pc.replace_substring_regex(numbers, r"^", "00")
    moved = pc.replace_substring_regex(padded, r"^([0-9]+)([0-9]{2})(?:\.([0-9]+))?$", r"\1.\2\3")
    return pc.replace_substring_regex(moved, r"^0+([0-9])", r"\1")


def _untagged(cells: pa.Array, style: NumberStyle) -> pa.Array | None:
    """The same if all cells consist of a minus, digits and marks; None if any has more."""
    if style.thousands not in (None, "," if style.decimal == "." else "."):
        return None
    found = pc.all(pc.match_substring_regex(cells, style.untagged)).as_py()
    if found is False:
        return None
    values = pc.replace_substring(cells, "." if style.decimal == "," else ",", "")
    return pc.replace_substring(values, ",", ".") if style.decimal == "," else values


def plain(cells: pa.Array, style: NumberStyle) -> tuple[pa.Array, Mask]:
    """Cells in the form that the number kernels expect, and where they are no numbers in the style.

    Numbers that mean the same in every style stay as they are; with the decimal point, so do all plain numbers.
    """
    text = trimmed(cells)
    if (values := _untagged(text, style)) is not None:
        return values, np.zeros(len(text), dtype=np.bool_)
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


def is_written(cells: pa.Array) -> bool:
    """Whether any cell is a number in some style."""
    text = trimmed(cells)
    return any(bool(present(read(text, style).values).any()) for style in (POINT, COMMA))


class NumberVotes:
    """How well the cells of a column fit each style, over the whole file."""

    def __init__(self, styles: Sequence[NumberStyle] = (), limit: int = 10_000) -> None:
        self.tallies = [Tally(style) for style in styles or (POINT, COMMA)]
        self._limit = limit
        """A style with more failures is out of the question and is not tried any more."""

    @property
    def is_over(self) -> bool:
        """Whether all styles are out of the question."""
        return all(tally.failures > self._limit for tally in self.tallies)

    def look(self, text: pa.Array, lines: npt.NDArray[np.int64], *, plain_numbers: bool = False) -> None:
        """Count one block of trimmed cells; ``plain_numbers``: all are plain, with a decimal point or none."""
        for tally, other in zip(self.tallies, reversed(self.tallies), strict=True):
            tally.is_decided = other.failures > self._limit
            if tally.failures <= self._limit:
                self._count(tally, text, lines, plain_numbers=plain_numbers)

    def look_at_integers(self, count: int, low: int, high: int) -> None:
        """Count cells that are known to be whole numbers."""
        for tally in self.tallies:
            tally.cells += count
            tally.bare += count
            tally.low, tally.high = min(tally.low, low), max(tally.high, high)

    def _count(self, tally: Tally, text: pa.Array, lines: npt.NDArray[np.int64], *, plain_numbers: bool) -> None:
        filled = len(text) - text.null_count
        style = tally.style
        if (tally.failures or not tally.cells) and (share := failing_share(text, lambda c: _fits(c, style))) > 0.5:
            if not tally.failures:
                tally.broken_line, tally.broken_cell = int(lines[0]), text[0].as_py() or ""
            tally.failures += int(share * filled)
            return
        if plain_numbers and style.decimal == ".":
            tally.cells += filled
            tally.bare += filled
            tally.has_decimals = True
            others = [other for other in self.tallies if other is not tally]
            if others and others[0].failures == tally.failures:
                tally.thrice += int(matches(pc.utf8_ltrim(text, "-"), style.thrice).sum())
            return
        if tally.has_decimals and tally.is_decided and _untagged(text, style) is not None:
            tally.cells += filled
            tally.bare += filled
            return
        if style.decimal == ".":
            simple = matches(text, DECIMAL)
            tally.has_decimals = tally.has_decimals or bool((simple & mask_of(pc.match_substring(text, "."))).any())
            if (thrice := simple & matches(pc.utf8_ltrim(text, "-"), style.thrice)).any():
                tally.thrice += int(thrice.sum())
        else:
            simple = matches(text, INTEGER)
        tally.bare += int((simple & ~matches(text, ZERO)).sum())
        tally.cells += int(simple.sum())
        whole = only(text, simple & mask_of(pc.less_equal(pc.binary_length(text), 18)))
        _widen(tally, whole if style.decimal == "," else only(whole, matches(whole, INTEGER)))
        if (simple & mask_of(pc.greater(pc.binary_length(text), 18))).any():
            tally.high = max(tally.high, 2**63)
        rest = present(text) & ~simple
        if not rest.any():
            return
        rows = np.flatnonzero(rest)
        written = read(text.take(pa.array(rows)), style)
        fits = present(written.values)
        count = int(fits.sum())
        tally.cells += count
        if count < len(rows) and not tally.failures:
            first = int(rows[~fits][0])
            tally.broken_line, tally.broken_cell = int(lines[first]), text[first].as_py()
        tally.failures += len(rows) - count
        if not count:
            return
        tally.percents += int(written.percent.sum())
        tally.bare += int((fits & ~written.percent & ~matches(written.values, ZERO)).sum())
        tally.currencies |= written.currencies
        tally.thrice += int(written.thrice.sum())
        tally.numbered += int(matches(text, NUMBERED).sum())
        is_integer = matches(written.values, INTEGER)
        tally.has_decimals = tally.has_decimals or bool((fits & ~is_integer).any())
        _widen(tally, only(written.values, is_integer))

    def decide(self, hint: NumberStyle | None, default: NumberStyle = POINT) -> StyleChoice | None:
        return decide(self.tallies, hint, default=default)


def _fits(cells: pa.Array, style: NumberStyle) -> Mask:
    return matches(cells, style.pattern) | matches(cells, DECIMAL if style.decimal == "." else INTEGER)


def failing_share(cells: pa.Array, fits: Callable[[pa.Array], Mask]) -> float:
    """Which share of a block does not fit, estimated from a sample; 0 if the block is too small for one.

    Most columns fail most candidates by far; those are not worth testing every cell.
    """
    if len(cells) < _SAMPLED:
        return 0.0
    sample = cells.take(pa.array(np.linspace(0, len(cells) - 1, _SAMPLE).astype(np.int64)))
    filled = len(sample) - sample.null_count
    return 1.0 - int((fits(sample) & present(sample)).sum()) / filled if filled else 0.0


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
    """How the numbers are written in a column that is known to hold numbers."""

    def __init__(self, name: str, markers: Collection[str] | None) -> None:
        self.name = name
        self.votes = NumberVotes(limit=2**62)
        self._blank = pa.array(["", *SHEET_NULLS, *(NULL_MARKERS if markers is None else markers)])

    def look(self, cells: pa.Array) -> None:
        """Count the cells of one block."""
        text = trimmed(cells)
        text = only(text, ~mask_of(pc.is_in(text, self._blank, skip_nulls=True)))
        self.votes.look(text, np.zeros(len(text), dtype=np.int64))

    def result(self, hint: NumberStyle | None, default: NumberStyle) -> tuple[NumberStyle | None, str, list[str]]:
        """The style, what users should know about it, and the marks that all cells allow, that of the style first.

        If both fit, the decimal point.
        """
        choice = self.votes.decide(hint, default)
        if choice is None or not choice.tally.cells:
            return POINT, "", []
        style = choice.tally.style
        return style, choice.note, [style.decimal, choice.other] if choice.other else []
