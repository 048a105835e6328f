"""Loads rows that mean one another by a value into the table that they are about (``own_references.py``)."""

from __future__ import annotations

from typing import Any

from dataengine.imports.planning.plan import Plan
from dataengine.models import ImportJob, Table

from .matching import ChangedMeanwhile
from .merging import Merging
from .new_records import MadeRecords
from .own_references import Numbering, OwnReference


class MergingOwn(Merging):
    """Like Merging. The new records go in before others are updated, since these may refer to them."""

    def __init__(self, job: ImportJob, plan: Plan, table: Table, *args: Any, **options: Any) -> None:
        super().__init__(job, plan, table, *args, **options)
        self._inserted = 0
        self._numbering = Numbering(job.pk, self._staging, table, self._checks.update_key)
        promised = self._new.of_columns
        self._checks.own_references = {
            name: OwnReference(lookup, promised[name], self._staging, self._numbering.relation)
            for name, lookup in self._conversion.lookups.columns.items()
            if lookup.is_own
        }
        self._answered: dict[str, int] = {}
        self._checks.meant_by = {own.lookup.rule.match.name for own in self._checks.own_references.values()}

    def _begin(self) -> None:
        super()._begin()
        self._numbering.create()

    def _reject_known(self) -> None:
        super()._reject_known()
        self._checks.reject_unanswered()

    def _settle(self, *, few: bool = False) -> None:
        # Rows that repeated others are gone, and with them what others may have meant.
        self._checks.reject_unanswered()
        self._numbering.number()
        self._answered = {name: own.count_answered() for name, own in self._checks.own_references.items()}
        for own in self._checks.own_references.values():
            own.write()
        super()._settle(few=few)

    def secure(self) -> None:
        super().secure()
        lines = self._reading.lines
        every = lines.some(0, lines.count)
        for number, row in self._new.made_for(self._staging, self._table.pk):
            self.changes.added_from(number, every[row - 1 : row])

    def made_elsewhere(self) -> list[MadeRecords]:
        """The records that were made in other tables; those of this one are changes of the import."""
        return [made for made in super().made_elsewhere() if made["table_id"] != self._table.pk]

    def note_references(self) -> None:
        super().note_references()
        promised = self._conversion.lookups.found()
        for name, answered in self._answered.items():
            found = self.plan.found_references[name]
            found["known"] += answered
            found["unknown"] += max(promised[name]["new"] - answered - found["new"], 0)

    def _insert_first(self) -> None:
        self._inserted = self._insert_new()

    def _insert(self) -> int:
        if self._staging.has_rows():
            raise ChangedMeanwhile
        return self._inserted

    def _insert_new(self) -> int:
        lines = self._reading.lines
        return self._numbering.insert(self.changes, lines.some(0, lines.count))


def merging_for(plan: Plan) -> type[Merging]:
    """The loader that merges the rows of a plan."""
    return MergingOwn if plan.means_own_rows else Merging
