"""Cells of reference columns to ids of records, block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.imports.converting import kernels as k
from dataengine.imports.converting.conversion import Converter, MarkersFound, target_of
from dataengine.imports.converting.kernels import Converted, Problem
from dataengine.imports.converting.patterns import NULL_MARKERS, SHEET_NULLS
from dataengine.imports.converting.repeats import Hashes
from dataengine.imports.converting.shapes import Mask
from dataengine.imports.planning.references import ByValue, FoundReference

from .known import FORBIDDEN, NONE, SEVERAL, Found, Known
from .remembered import Numbers

if TYPE_CHECKING:
    from dataengine.imports.planning.plan import Plan

_NOTHING = ("", *SHEET_NULLS)
_MOST_UNSORTED = 1 << 20


class Lookup:
    """One reference column. ``new`` marks the rows of the last block that mean records yet to be made."""

    def __init__(self, name: str, rule: ByValue, known: Known, plan: Plan, *, promises: bool = True) -> None:
        self.name, self.rule, self.known = name, rule, known
        self.is_own = rule.is_own and rule.match.name in plan.mapping.columns
        self._may_promise = promises
        self.new: Mask = np.zeros(0, np.bool_)
        self._is_open = plan.markers is None
        match = replace(rule.match, name=name, required=False)
        self._target = target_of(match, plan.formats.get(name, ()), True, plan.styles.get(name))
        self._converter = Converter([self._target], [0], markers=plan.markers)
        self._counted = {state: _Distinct() for state in ("known", "new", "unknown")}

    @property
    def promises(self) -> bool:
        """Whether values without a record get an id at once, for a record yet to be made or found in the file."""
        return self._may_promise and (self.is_own or self.creates)

    @property
    def creates(self) -> bool:
        """Whether records are made of values that have none."""
        return self.rule.missing == "create" and not self.rule.hindrance[0]

    def convert(self, cells: pa.Array) -> Converted:
        """The ids that the cells mean, and what is wrong with them."""
        text = k.trimmed(cells)
        text = k.only(text, ~k.mask_of(pc.is_in(text, pa.array(_NOTHING))))
        converted = self._converter.column(text, self._target)
        rows = np.flatnonzero(k.present(converted.values))
        values = converted.values if len(rows) == len(cells) else converted.values.take(pa.array(rows))
        if self._is_open:
            self._look_for_markers(values)
        found = self.known.find(values, make=self.promises)
        self._count(found)
        codes, self.new = np.zeros(len(cells), np.int64), np.zeros(len(cells), np.bool_)
        codes[rows], self.new[rows] = found.codes, found.new
        mask = np.zeros(len(cells), np.bool_)
        mask[rows] = True
        problems = [*self._misfits(converted.problems), *self._unmatched(codes, mask)]
        return Converted(pa.array(codes, mask=codes <= 0), problems)

    def found(self) -> FoundReference:
        """How many different values there were."""
        counts = {state: distinct.count for state, distinct in self._counted.items()}
        return {"match": self.rule.match.name, "missing": self.rule.missing, **counts}  # type: ignore[typeddict-item]

    def _look_for_markers(self, values: pa.Array) -> None:
        """Raise MarkersFound for a word for a missing value, unless a record is called so."""
        if not pa.types.is_string(values.type):
            return  # such a word is no number or date, and conversion has said so
        marked = values.filter(pc.is_in(values, pa.array(NULL_MARKERS)))
        if len(marked) and (self.known.find(marked, make=False).codes <= 0).any():
            raise MarkersFound(self.name)

    def _misfits(self, problems: list[Problem]) -> list[Problem]:
        """Cells that cannot be values of the other column at all."""
        match self.rule.missing:
            case "null":
                return []
            case "create":
                belonging = f" as “{self.rule.match.name}” of “{self.rule.table}”"
                return [replace(problem, expected=problem.expected + belonging) for problem in problems]
            case _:
                return [Problem(problem.rows, "unknown_reference", self._expected) for problem in problems]

    def _unmatched(self, codes: Numbers, filled: Mask) -> list[Problem]:
        match, table = self.rule.match.name, self.rule.table
        problems = k.fault(
            filled & (codes == SEVERAL), "ambiguous_reference", f"a “{match}” that only one record of “{table}” has"
        )
        none, forbidden = filled & (codes == NONE), filled & (codes == FORBIDDEN)
        if self.rule.missing == "reject" and self.is_own:
            return problems  # a row of the file may have it
        if self.rule.missing == "reject":
            return problems + k.fault(none | forbidden, "unknown_reference", self._expected)
        if self.rule.missing == "create":
            code, reason = self.rule.hindrance
            if code:
                return problems + k.fault(none | forbidden, code, reason)  # type: ignore[arg-type]
            allowed = f"what the rules of “{match}” of “{table}” allow"
            return problems + k.fault(forbidden, "constraint_failed", allowed)
        return problems

    @property
    def _expected(self) -> str:
        return f"the “{self.rule.match.name}” of a record of “{self.rule.table}”"

    def _count(self, found: Found) -> None:
        codes, is_new = found.codes, found.new
        self._counted["known"].add(found.hashes[(codes > 0) & ~is_new | (codes == SEVERAL)])
        self._counted["new"].add(found.hashes[is_new])
        self._counted["unknown"].add(found.hashes[(codes == NONE) | (codes == FORBIDDEN)])


class Lookups:
    """All columns of a plan whose cells are looked up. Columns that look in the same place share what is known.

    Without ``promises`` no ids are taken for records that are yet to be made: for a mere look into the file.
    """

    def __init__(self, plan: Plan, *, promises: bool = True) -> None:
        self.known: dict[tuple[int, str], Known] = {}
        self.columns: dict[str, Lookup] = {}
        self._places = {spec.name: place for place, spec in enumerate(plan.specs)}
        for spec in plan.specs:
            if (rule := plan.references.get(spec.name)) is not None:
                key = (rule.table_id, rule.match.name)
                if key not in self.known:
                    self.known[key] = Known(rule.table_id, rule.table, rule.match, purpose=str(len(self.known)))
                self.columns[spec.name] = Lookup(spec.name, rule, self.known[key], plan, promises=promises)

    @property
    def converting(self) -> dict[str, Callable[[pa.Array], Converted]]:
        """What converts the cells of each column."""
        return {name: lookup.convert for name, lookup in self.columns.items()}

    def new_in(self, values: Sequence[pa.Array], rows: Mask) -> dict[str, frozenset[int]]:
        """By column: the ids of records yet to be made that these rows of the last block mean."""
        return {
            name: frozenset(values[self._places[name]].filter(pa.array(lookup.new & rows)).unique().to_pylist())
            for name, lookup in self.columns.items()
            if lookup.promises
        }

    def found(self) -> dict[str, FoundReference]:
        """What became of the cells."""
        return {name: lookup.found() for name, lookup in self.columns.items()}


class _Distinct:
    """How many different values there are, by their hashes."""

    def __init__(self) -> None:
        self._seen = np.zeros(0, np.uint64)
        self._more: list[Hashes] = []
        self._unsorted = 0

    def add(self, hashes: Hashes) -> None:
        if len(hashes):
            self._more.append(hashes)
            self._unsorted += len(hashes)
            if self._unsorted > max(_MOST_UNSORTED, len(self._seen)):
                self._merge()

    def _merge(self) -> None:
        self._seen = np.unique(np.concatenate([self._seen, *self._more]))
        self._more, self._unsorted = [], 0

    @property
    def count(self) -> int:
        self._merge()
        return len(self._seen)
