"""What the cells of one column suggest about its type: counted over the whole file, decided once at the end. Pure.

Every column starts with all types as candidates; each block counts the cells that fit each. A candidate that too many
cells contradict is dropped. Null markers do not count as evidence, but they are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import floor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import REGISTRY, ColumnType
from dataengine.columns.types.aspects import Recognition
from dataengine.columns.types.numbers import ARROW_DIGITS, Double, Numeric
from dataengine.columns.types.text import Text

from . import kernels as k
from .candidates import Candidate, Decision, Fits, floats, is_number, longest, real, recognised, would_round
from .date_formats import ISO, KNOWN, RIVALS, TIME, DateFormat, note_on
from .kernels_time import iso_block, take_apart
from .kernels_written import NumberVotes, failing_share
from .number_styles import POINT, NumberStyle, StyleChoice
from .patterns import CODE, INFINITIES, NULL_WORDS, SHEET_ERRORS, SHEET_NULLS
from .recognising import (
    MOST_FAILURES,
    NUMBERS,
    TOLERANCE,
    best_pair,
    families,
    first_to_hold,
    first_with_parts,
)

# The ISO format, and the looser format that all ISO dates fit as well.
_ISO_FORMS = frozenset({ISO.name, "%Y-%-m-%-d"})
_SURELY_FINITE = 300
"""Decimals of at most this many characters are neither too large nor too small for a double."""
_HEAD = 512
_SURELY_WHOLE = 2**53
_ASIDE = pa.array([*SHEET_NULLS, *SHEET_ERRORS, *INFINITIES, *NULL_WORDS])
_ERRORS, _INFINITIES, _NULL_WORDS = pa.array(SHEET_ERRORS), pa.array(INFINITIES), pa.array(NULL_WORDS)


TEXT = Decision(REGISTRY[Text.name])


@dataclass(slots=True)
class ColumnEvidence:
    """What is known about one column so far."""

    name: str
    given: Sequence[DateFormat] = ()
    """Formats that the user gave: then only these and ISO are tried."""
    tolerance: float = TOLERANCE
    styles: Sequence[NumberStyle] = ()
    """The number styles that the user gave."""
    values: int = 0
    marked: int = 0
    low: int = 0
    high: int = 0
    dated_only: bool = True
    zones: int = 0
    clocks: int = 0
    has_codes: bool = False
    has_points: bool = False
    rounds: bool = False
    """Whether a double would round one of the numbers."""
    errors: int = 0
    infinite: int = 0
    allow_infinity: bool = False
    null_words: Counter[str] = field(default_factory=Counter)
    """Words for missing values that are no markers; they are none of any type, and left aside."""
    null_word_line: int = 0
    null_word: str = ""
    """The first of them."""
    words: Counter[str] = field(default_factory=Counter)
    candidates: list[Candidate] = field(default_factory=list)
    numbers: NumberVotes = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = NumberVotes(self.styles, self._most)
        for kinds in families():
            recognition = kinds[0].recognition
            assert recognition is not None  # `families` lists only types that have one
            self.candidates += [
                Candidate(recognition.by, kinds, recognition.words, fits, form)
                for fits, form in self._tests(recognition, kinds[0])
            ]

    @property
    def _most(self) -> int:
        return MOST_FAILURES if self.tolerance else 0

    def _tests(self, recognition: Recognition, kind: ColumnType) -> list[tuple[Fits, DateFormat | None]]:
        """The tests for a family of types: one test, or one for each date or time format."""
        match recognition.by:
            case "integers":
                return [(partial(self._integers, pattern=recognition.pattern), None)]
            case "floats":
                return [(partial(floats, pattern=recognition.pattern), None)]
            case "decimals" | "pattern":
                return [(partial(k.matches, pattern=recognition.pattern), None)]
            case "words":
                known = pa.array(sorted({word for pair in recognition.pairs for word in pair}))
                return [(partial(self._words, known=known), None)]
            case "dates":
                dates = [ISO, *(form for form in self.given if form.has_date)] if self.given else KNOWN
                return [(self._moments(form), form) for form in dates]
            case "times":
                times = [TIME, *(form for form in self.given if not form.has_date)]
                return [(partial(real, form=form), None) for form in times]
            case "cells":
                return [(partial(recognised, kind=kind, pattern=recognition.pattern), None)]

    @property
    def is_open(self) -> bool:
        """Whether the column may still be anything but text."""
        return not self.values or any(c.alive for c in self.candidates) or not self.numbers.is_over

    def look(self, cells: pa.Array, lines: npt.NDArray[np.int64], markers: pa.Array) -> None:
        """Count the cells of one block. ``markers`` are texts that may mean NULL."""
        if not self.is_open:
            return
        text = self._without_blanks(k.trimmed(cells), lines, markers)
        filled = len(text) - text.null_count
        self.values += filled
        if not filled:
            return
        here = k.present(text)
        settled = self._settled(text)
        are_whole = settled is NUMBERS
        if not settled:
            self.has_codes = self.has_codes or bool(k.matches(text, CODE).any())
        are_decimal = False
        for candidate in self.candidates:
            if not candidate.alive:
                continue
            if candidate.by in settled or (candidate.form is not None and candidate.form.name in settled):
                candidate.cells += filled
                continue
            if candidate.by != "words" and (candidate.failures or self.values == filled):
                share = failing_share(text, candidate.fits)
                if share > 0.5:
                    self._fails_mostly(candidate, text, lines, int(share * filled))
                    continue
            fits = candidate.fits(text)
            if candidate.by == "decimals" and fits[here].all():
                are_decimal = True
                if longest(text) <= _SURELY_FINITE:
                    settled = {"floats"}
            wrong = here & ~fits
            if not wrong.any():
                candidate.cells += filled
                continue
            failures = int(wrong.sum())
            if not candidate.failures:
                first = int(np.flatnonzero(wrong)[0])
                candidate.before = candidate.cells + int(fits[:first].sum())
                candidate.alike = 2 * int(fits.sum()) > filled
                candidate.broken_line, candidate.broken_cell = int(lines[first]), text[first].as_py()
            candidate.cells += filled - failures
            candidate.failures += failures
            candidate.alive = candidate.failures <= self._most
        if not are_whole:
            self._look_for_numbers(text, lines, filled, are_decimal=are_decimal)
        elif not self.numbers.is_over:
            self.numbers.look_at_integers(filled, self.low, self.high)

    def _fails_mostly(self, candidate: Candidate, text: pa.Array, lines: npt.NDArray[np.int64], failures: int) -> None:
        """Count an estimated number of ``failures``; most cells fail, so the first misfit is near the beginning."""
        if not candidate.failures:
            head = text.slice(0, _HEAD)
            wrong = k.present(head) & ~candidate.fits(head)
            if wrong.any():
                first = int(np.flatnonzero(wrong)[0])
                candidate.before = candidate.cells + int((k.present(head) & ~wrong)[:first].sum())
                candidate.broken_line, candidate.broken_cell = int(lines[first]), text[first].as_py()
        candidate.cells += len(text) - text.null_count - failures
        candidate.failures += failures
        candidate.alive = candidate.failures <= self._most

    def _look_for_numbers(
        self, text: pa.Array, lines: npt.NDArray[np.int64], filled: int, *, are_decimal: bool
    ) -> None:
        if any(c.alive for c in self.candidates if c.by == "floats"):
            self.has_points = self.has_points or bool(pc.any(pc.match_substring(text, ".")).as_py())
            self.rounds = self.rounds or would_round(text)
        if not self.numbers.is_over:
            self.numbers.look(text, lines, plain_numbers=are_decimal)

    def _without_blanks(self, text: pa.Array, lines: npt.NDArray[np.int64], markers: pa.Array) -> pa.Array:
        blank = k.mask_of(pc.is_in(text, pa.concat_arrays([markers, _ASIDE]), skip_nulls=True))
        if not blank.any():
            return text
        marked = np.flatnonzero(blank & k.mask_of(pc.not_equal(text, "")))
        if len(marked):
            self._count_aside(text.take(pa.array(marked)), lines[marked], markers)
        return k.only(text, ~blank)

    def _count_aside(self, cells: pa.Array, lines: npt.NDArray[np.int64], markers: pa.Array) -> None:
        """Take in the cells that are no evidence of any type."""
        rest = ~k.mask_of(pc.is_in(cells, markers))
        self.marked += len(cells) - int(rest.sum())
        if not rest.any():
            return
        self.errors += int((rest & k.mask_of(pc.is_in(cells, _ERRORS))).sum())
        self.infinite += int((rest & k.mask_of(pc.is_in(cells, _INFINITIES))).sum())
        words = np.flatnonzero(rest & k.mask_of(pc.is_in(cells, _NULL_WORDS)))
        if len(words):
            if not self.null_word:
                self.null_word_line, self.null_word = int(lines[words[0]]), cells[int(words[0])].as_py()
            counts = pc.value_counts(cells.take(pa.array(words)))
            self.null_words.update({count["values"].as_py(): count["counts"].as_py() for count in counts})

    def quoted_words(self) -> None:
        """Note that words such as “true” stand in quotes: then they are text."""
        for candidate in self.candidates:
            if candidate.by == "words":
                candidate.alive, candidate.cells, candidate.alike = False, 0, False

    @property
    def has_words(self) -> bool:
        return bool(self.words) and any(c.alive for c in self.candidates if c.by == "words")

    def _settled(self, text: pa.Array) -> Collection[str]:
        """The candidates that every cell of the block fits, as far as Arrow's own parsers can tell at once.

        Arrow's parsers accept a subset of what the patterns accept.
        """
        alive = [c for c in self.candidates if c.alive]
        if alive and alive[0].by == "integers":
            values = k.cast(text, pa.int64())
            # Comparing the round trip rules out leading zeros, plus signs and hexadecimal.
            if values is not None and pc.all(pc.equal(pc.cast(values, text.type), text)).as_py():
                limits = pc.min_max(values)
                self.low, self.high = min(self.low, limits["min"].as_py()), max(self.high, limits["max"].as_py())
                return NUMBERS
        if any(c.form is ISO for c in alive):
            moments = iso_block(text)
            if moments is not None:
                self.dated_only = self.dated_only and pa.types.is_date32(moments)
                self.clocks += not pa.types.is_date32(moments)
                self.zones += pa.types.is_timestamp(moments) and moments.tz is not None
                return _ISO_FORMS
        return ()

    def _integers(self, cells: pa.Array, pattern: str) -> k.Mask:
        fits = k.matches(cells, pattern)
        short = k.only(cells, fits & k.mask_of(pc.less_equal(pc.binary_length(cells), 38)))
        limits = pc.min_max(pc.cast(short, pa.decimal128(ARROW_DIGITS, 0)))
        if limits["min"].as_py() is not None:
            self.low = min(self.low, int(limits["min"].as_py()))
            self.high = max(self.high, int(limits["max"].as_py()))
        if (fits & k.mask_of(pc.greater(pc.binary_length(cells), 38))).any():
            self.high = max(self.high, 2**63)
        return fits

    def _words(self, cells: pa.Array, known: pa.Array) -> k.Mask:
        lower = pc.utf8_lower(cells)
        fits = k.mask_of(pc.is_in(lower, known, skip_nulls=True))
        if fits.any():
            counts = pc.value_counts(lower.filter(pa.array(fits)))
            self.words.update({count["values"].as_py(): count["counts"].as_py() for count in counts})
        return fits

    def _moments(self, form: DateFormat) -> Fits:
        def fits(cells: pa.Array) -> k.Mask:
            if not k.matches(cells, form.pattern).any():
                return np.zeros(len(cells), dtype=np.bool_)
            moments = take_apart(cells, form)
            good = moments.matched & moments.real & ~moments.fine
            self.clocks = max(self.clocks, int(moments.has_clock[good].sum()))
            self.zones += int(moments.has_zone[good].sum())
            self.dated_only = self.dated_only and not moments.has_clock[good].any()
            return good

        return fits

    # The decision ------------------------------------------------------------------------------------------

    def decide(self, hint: NumberStyle | None = None, default: NumberStyle = POINT) -> Decision:
        """The column's type, provided that markers are NULL. ``hint`` and ``default``: see ``number_styles.decide``."""
        if not self.values:
            return TEXT
        choice = self.numbers.decide(hint, default)
        found: list[tuple[int, float, Decision]] = []
        for place, candidate in enumerate(self.candidates):
            if not candidate.alive or (candidate.by in NUMBERS and self.styles):
                continue
            kind, failures = self._held_by(candidate), candidate.failures
            if kind is None:
                continue
            if candidate.by == "words":
                failures = self.values - best_pair(self.words, candidate.kinds[0])
            if candidate.by not in NUMBERS:
                failures += self.infinite
            decision = Decision(
                kind, candidate.words, failures, candidate.broken_line, candidate.broken_cell, candidate.form
            )
            found.append((failures, place, decision))
        if choice is not None and (written := self._written(choice)) is not None:
            # Plain numbers come first, unless all of them could be thousands and other columns show that they are.
            after_numbers = max(place for place, c in enumerate(self.candidates) if c.by in NUMBERS) + 0.5
            found.append((written.failures, -1 if choice.tally.style.decimal == "," else after_numbers, written))
        worded = self.null_words.total()
        limit = min(self._most, floor(self.tolerance * (self.values + self.infinite + worded)))
        within = [
            item for item in found
            if item[0] <= limit and not (item[0] and self.has_codes and is_number(item[2].kind))
        ]  # fmt: skip
        if not within:
            return TEXT
        best = min(within, key=lambda item: item[:2])[2]
        if is_number(best.kind) and choice is not None and not choice.is_proven:
            best = replace(best, note=best.note or choice.note, other=choice.other)
        if self.allow_infinity and self.infinite and is_number(best.kind) and not (self.rounds or self._is_wide):
            best = replace(best, kind=REGISTRY[Double.name]) if best.style is None else best
        return self._with_null_words(best, limit) if worded else best

    def _with_null_words(self, best: Decision, limit: int) -> Decision:
        """The type of the column as long as nobody says that the words mean NULL."""
        failures = best.failures + self.null_words.total()
        if failures > limit:
            return replace(TEXT, proposed=best.kind)
        if best.broken_line and best.broken_line < self.null_word_line:
            return replace(best, failures=failures)
        return replace(best, failures=failures, broken_line=self.null_word_line, broken_cell=self.null_word)

    def _written(self, choice: StyleChoice) -> Decision | None:
        tally = choice.tally
        if not tally.is_sound:
            return None
        kind: ColumnType | None = REGISTRY[Numeric.name]
        if tally.is_whole:
            integers = next(c for c in self.candidates if c.by == "integers")
            kind = first_to_hold(integers.kinds, tally.low, tally.high) or kind
        if kind is None:
            return None
        return Decision(
            kind, "a number", tally.failures, tally.broken_line, tally.broken_cell, style=tally.style, note=choice.note
        )

    def kind(self) -> str:
        """The name of the type, without regard to other columns."""
        return self.decide().kind.name

    def _held_by(self, candidate: Candidate) -> ColumnType | None:
        """The first of a candidate's types that can hold all values."""
        match candidate.by:
            case "integers":
                return first_to_hold(candidate.kinds, self.low, self.high)
            case "floats":
                if not self.has_points:
                    return None  # 1e-5 may also be a code
                return REGISTRY[Numeric.name] if self.rounds or self._is_wide else candidate.kinds[0]
            case "dates":
                return first_with_parts(candidate.kinds, has_clock=not self.dated_only, has_zone=bool(self.zones))
            case _:
                return candidate.kinds[0]

    @property
    def _is_wide(self) -> bool:
        """Whether a whole number has more digits than a double is sure to keep."""
        return self.low < -_SURELY_WHOLE or self.high > _SURELY_WHOLE

    def formats(self, chosen: DateFormat | None = None) -> tuple[list[DateFormat], str]:
        """The format in which dates are read, if not ISO; and a note, for instance where two formats fit."""
        chosen = chosen or self.decide().form
        if chosen is None or chosen is ISO:
            return [], ""
        return [chosen], note_on(chosen, self.rivals(chosen))

    def rivals(self, chosen: DateFormat) -> list[str]:
        """The formats that the same number of cells fit."""
        failures = {c.form.name: c.failures for c in self.candidates if c.form is not None and c.alive}
        return [name for name in RIVALS.get(chosen.name, ()) if failures.get(name) == failures.get(chosen.name)]
