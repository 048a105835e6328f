"""What the cells of one column suggest about its type: counted over the whole file, decided once at the end. Pure.

Every column starts with all types as candidates; each block counts the cells that fit each. A candidate that too many
cells contradict is dropped. Null markers do not count as evidence, but they are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from math import floor

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.types import REGISTRY, ColumnType
from dataengine.columns.types.aspects import Recognition
from dataengine.columns.types.numbers import Double, Numeric
from dataengine.columns.types.text import Text

from . import kernels as k
from .candidates import Candidate, Decision, is_number, would_round
from .cell_tests import CellTest, Dates, Floats, Integers, Lengths, Recognised, Words, matches_beginning
from .column_blocks import Blanks, ColumnBlock
from .date_formats import ISO, KNOWN, RIVALS, TIME, DateFormat
from .kernels_time import iso_block
from .kernels_written import NumberVotes
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
    words_of_others,
)
from .shapes import are_canonical

# The ISO format, and the looser format that all ISO dates fit as well.
_ISO_FORMS = frozenset({ISO.name, "%Y-%-m-%-d"})
_SURELY_WHOLE = 2**53
_ASIDE = (*SHEET_NULLS, *SHEET_ERRORS, *INFINITIES, *NULL_WORDS)
_NULL_WORDS = frozenset(NULL_WORDS)


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
    flags: int = 0
    """How many cells are true or false by their type, not by their words: such are no accident of a language."""
    spans: int = 0
    """How many are durations by their format, so that they are no times of day."""
    marked: int = 0
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
    candidates: list[Candidate] = field(default_factory=list)
    numbers: NumberVotes = field(init=False)
    _has_few_shapes: bool = False

    def __post_init__(self) -> None:
        self.numbers = NumberVotes(self.styles, limit=self._most)
        for kinds in families():
            recognition = kinds[0].recognition
            assert recognition is not None  # `families` lists only types that have one
            self.candidates += [
                Candidate(recognition.by, kinds, recognition.words, test, form)
                for test, form in self._tests(recognition, kinds[0])
            ]

    @property
    def _most(self) -> int:
        return MOST_FAILURES if self.tolerance else 0

    def _tests(self, recognition: Recognition, kind: ColumnType) -> list[tuple[CellTest, DateFormat | None]]:
        """What cells are put to: one test, or one for each format that dates or times may be written in."""
        match recognition.by:
            case "integers":
                return [(Integers(recognition.pattern), None)]
            case "floats":
                return [(Floats(recognition.pattern), None)]
            case "decimals" | "pattern":
                return [(CellTest(recognition.pattern), None)]
            case "words":
                known = sorted({word for pair in recognition.pairs for word in pair})
                return [(Words(known, recognition.accepted), None)]
            case "dates":
                dates = [ISO, *(form for form in self.given if form.has_date)] if self.given else KNOWN
                return [(Dates(form), form) for form in dates]
            case "times":
                return [(Dates(form), None) for form in (TIME, *(form for form in self.given if not form.has_date))]
            case "durations":
                return [(Lengths(recognition.pattern), None)]
            case "cells":
                return [(Recognised(kind, recognition), None)]

    @property
    def is_open(self) -> bool:
        """Whether the column may still be anything but text."""
        return not self.values or any(c.alive for c in self.candidates) or not self.numbers.is_over

    @property
    def _reads_cells(self) -> bool:
        """Whether all types that the column may still have are told from whole cells, not from their shapes."""
        return bool(self.values) and self.numbers.is_over and all(c.by == "cells" for c in self.candidates if c.alive)

    def look(self, cells: pa.Array, lines: npt.NDArray[np.int64], markers: Collection[str]) -> None:
        """Take in one block of cells. ``markers`` are what may mean NULL."""
        if not self.is_open:
            return
        blanks = _blanks(tuple(markers))
        block = ColumnBlock(k.trimmed(cells), lines, is_like_others=self._has_few_shapes)
        if self._reads_cells:
            block.shapes = None  # of no use, and not for nothing
        settled = () if blanks.may_be_values else self._settled(block.text)
        if not settled:
            block = self._without_blanks(block, blanks, markers)
            self._has_few_shapes = block.shapes is not None
        self.values += block.filled
        if not block.filled:
            return
        if not settled and block.filled < len(block):
            settled = self._settled(block.text)
        if not settled and not self.has_codes:
            self.has_codes = _any(block, CODE)
        for candidate in self.candidates:
            if not candidate.alive:
                continue
            if candidate.by in settled or (candidate.form is not None and candidate.form.name in settled):
                candidate.cells += block.filled
            else:
                candidate.look(block, self._most)
        if settled is NUMBERS:
            self.numbers.look_at_integers(block.filled, self._whole.low, self._whole.high)
            return
        if any(c.alive for c in self.candidates if c.by == "floats"):
            self.has_points = self.has_points or _any(block, r"[^.]*\.")
            self.rounds = self.rounds or would_round(block.text)
        self.numbers.look(block)

    def _without_blanks(self, block: ColumnBlock, blanks: Blanks, markers: Collection[str]) -> ColumnBlock:
        rest, found = block.without(blanks)
        words: dict[str, int] = {}
        for text, count in found.items():
            if text in markers:
                self.marked += count * bool(text)
            elif text in SHEET_ERRORS:
                self.errors += count
            elif text in INFINITIES:
                self.infinite += count
            elif text in _NULL_WORDS:
                words[text] = count
        if words:
            self.null_words.update(words)
            if not self.null_word:
                first = min(pc.index(block.text, word).as_py() for word in words)
                self.null_word_line, self.null_word = int(block.lines[first]), block.text[first].as_py()
        return rest

    @property
    def words(self) -> Counter[str]:
        """How often each word occurs that may be yes or no."""
        found: Counter[str] = Counter()
        for candidate in self.candidates:
            if isinstance(candidate.test, Words):
                found += candidate.test.words
        return found

    def quoted_words(self) -> None:
        """Note that words such as “true” stand in quotes: then they are text."""
        for candidate in self.candidates:
            if candidate.by == "words":
                candidate.alive, candidate.cells, candidate.alike = False, 0, False

    @property
    def has_words(self) -> bool:
        return any(c.alive and isinstance(c.test, Words) and bool(c.test.words) for c in self.candidates)

    @property
    def _whole(self) -> Integers:
        return next(c.test for c in self.candidates if isinstance(c.test, Integers))

    def _settled(self, text: pa.Array) -> Collection[str]:
        """The candidates that every cell of the block fits, as far as Arrow's own parsers can tell at once.

        Arrow's parsers accept a subset of what the patterns accept.
        """
        alive = [c for c in self.candidates if c.alive]
        if alive and alive[0].by == "integers":
            values = k.cast(text, pa.int64())
            if values is not None and len(values) > values.null_count and are_canonical(text):
                limits = pc.min_max(values)
                self._whole.widen(limits["min"].as_py(), limits["max"].as_py())
                return NUMBERS
        if any(c.form is ISO for c in alive):
            moments = iso_block(text)
            if moments is not None:
                for candidate in alive:
                    if isinstance(candidate.test, Dates) and candidate.form and candidate.form.name in _ISO_FORMS:
                        candidate.test.has_clock |= pa.types.is_timestamp(moments)
                        candidate.test.has_zone |= pa.types.is_timestamp(moments) and moments.tz is not None
                return _ISO_FORMS
        return ()

    # What it comes to ------------------------------------------------------------------------------------------

    def settle(self) -> int:
        """Count what was put off, as far as it matters. Returns how many cells may disagree with what is decided."""
        filled = self.values + self.infinite + self.null_words.total()
        limit = min(self._most, floor(self.tolerance * filled))
        for candidate in self.candidates:
            if candidate.alive:
                candidate.settle(limit)
        self.numbers.settle(limit)
        return limit

    def decide(self, hint: NumberStyle | None = None, default: NumberStyle = POINT) -> Decision:
        """The column's type, provided that markers are NULL. ``hint`` and ``default``: see ``number_styles.decide``."""
        if not self.values:
            return TEXT
        limit = self.settle()
        choice = self.numbers.decide(hint, default)
        found: list[tuple[int, float, Decision]] = []
        for place, candidate in enumerate(self.candidates):
            if not candidate.alive or (candidate.by in NUMBERS and self.styles):
                continue
            kind, failures = self._held_by(candidate), candidate.failures
            if kind is None or (candidate.by == "times" and self.spans >= self.values - limit):
                continue
            note, others, broken = "", 0, (candidate.broken_line, candidate.broken_cell)
            if isinstance(candidate.test, Words):
                words = candidate.test.words
                flags = min(self.flags, words["true"] + words["false"])
                pair = max(best_pair(words, candidate.kinds[0]), flags)
                # Words of other languages and letters speak against it, but a column of the type takes them.
                also = candidate.test.also
                failures, others = self.values - pair, self.values - pair - failures + also.total()
                broken = candidate.test.broken or ((0, "") if also else broken)
                more = ", ".join(f"“{word}”" for word in [*words_of_others(words, candidate.kinds[0]), *sorted(also)])
                note = f"{more} ({others:,} {'cells' if others > 1 else 'cell'}) read as such, too" if others else ""
            if candidate.by not in NUMBERS:
                failures += self.infinite
            decision = Decision(
                kind,
                candidate.words,
                failures - others,
                *broken,
                candidate.form,
                note=note,
            )
            found.append((failures, place, decision))
        if choice is not None and (written := self._written(choice)) is not None:
            # Plain numbers come first, unless all of them could be thousands and other columns show that they are.
            after_numbers = max(place for place, c in enumerate(self.candidates) if c.by in NUMBERS) + 0.5
            found.append((written.failures, -1 if choice.tally.style.decimal == "," else after_numbers, written))
        worded = self.null_words.total()
        within = [
            item for item in found
            if item[0] <= limit and not (item[0] and self.has_codes and is_number(item[2].kind))
        ]  # fmt: skip
        if not within:
            return TEXT
        best = min(within, key=lambda item: item[:2])[2]
        if is_number(best.kind) and choice is not None and not choice.is_proven and _is_read_as(best, choice):
            best = replace(best, note=best.note or choice.note, marks=choice.marks)
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
        kind = REGISTRY[Numeric.name]
        if tally.is_whole:
            integers = next(c for c in self.candidates if c.by == "integers")
            kind = first_to_hold(integers.kinds, tally.low, tally.high) or kind
        return Decision(
            kind,
            "a number",
            tally.failures,
            tally.broken_line,
            tally.broken_cell,
            style=tally.style,
            note=choice.note,
            note_tells_type=choice.tells_type,
        )

    def _held_by(self, candidate: Candidate) -> ColumnType | None:
        """The first of a candidate's types that holds what the cells say."""
        match candidate.test:
            case Integers() as test:
                return first_to_hold(candidate.kinds, test.low, test.high)
            case Floats():
                if not self.has_points:
                    return None  # 1e-5 may also be a code
                return REGISTRY[Numeric.name] if self.rounds or self._is_wide else candidate.kinds[0]
            case Dates() as test if candidate.by == "dates":
                return first_with_parts(candidate.kinds, has_clock=test.has_clock, has_zone=test.has_zone)
            case _:
                return candidate.kinds[0]

    @property
    def _is_wide(self) -> bool:
        """Whether a whole number has more digits than a double keeps for certain."""
        return self._whole.low < -_SURELY_WHOLE or self._whole.high > _SURELY_WHOLE

    def rivals(self, chosen: DateFormat) -> list[str]:
        """The formats that the same number of cells fit."""
        failures = {c.form.name: c.failures for c in self.candidates if c.form is not None and c.alive}
        return [name for name in RIVALS.get(chosen.name, ()) if failures.get(name) == failures.get(chosen.name)]


def _is_read_as(best: Decision, choice: StyleChoice) -> bool:
    """Whether numbers are read as chosen. Without a style they are plain: only 1.000 is then as the point has it."""
    return best.style is not None or (choice.tally.style == POINT and choice.tally.thrice > 0)


@lru_cache(8)
def _blanks(markers: tuple[str, ...]) -> Blanks:
    return Blanks(frozenset((*markers, *_ASIDE)))


def _any(block: ColumnBlock, pattern: str) -> bool:
    """Whether any cell begins as a pattern has it, which asks of digits only whether the first is a zero."""
    if block.shapes is not None:
        return any(matches_beginning(shape, pattern) for shape in block.shapes.texts)
    return bool(k.matches(block.text, pattern).any())
