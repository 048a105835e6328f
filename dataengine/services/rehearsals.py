"""What a change of a column would do to its values: tried over all records, touching none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import OperationalError, transaction

from dataengine.columns.changes import Step, Wanted, step, wanted
from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import LIMITS
from dataengine.exceptions import InvalidInput
from dataengine.imports.readings import Reading, says_the_same
from dataengine.models import Column, Table
from dataengine.models.shapes import ColumnChanges, OnFailure
from dataengine.postgres import ddl
from dataengine.postgres.column_values import Broken, ColumnValues, Rule, limits_on, rules_on
from dataengine.postgres.statements import give_memory, limit_statements
from dataengine.postgres.time_limits import timed_out
from dataengine.services.column_plans import Plan
from dataengine.services.rehearsed import Cause, Numbers, example
from dataengine.services.tables import check_column_change

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MANY = 50_000
"""The values of more records are rewritten by a worker."""
_LIMIT_MS = 600_000
_PATTERN_LIMIT_MS = 20_000
# How long writers wait, in seconds a record (measured with a table of ten columns) and for the worker's last switch.
_SCANNED, _INDEXED, _REWRITTEN, _SWITCHED = 0.4e-6, 1.5e-6, 30e-6, 0.5


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a change would do, and the ``plan`` by which exactly that can be done."""

    numbers: Numbers
    causes: list[Cause]
    rewrites_table: bool
    seconds_blocked: float
    notes: list[str]
    plan: str
    expires_at: datetime

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        numbers = self.numbers
        return {
            "plan": self.plan,
            "expires_at": self.expires_at,
            "records": numbers.records,
            "converted": numbers.converted,
            "unchanged": numbers.unchanged,
            "failing": numbers.failing,
            "causes": [
                {"code": c.code, "message": c.message, "count": c.count, "examples": c.examples} for c in self.causes
            ],
            "rewrites_table": self.rewrites_table,
            "seconds_blocked": self.seconds_blocked,
            "notes": self.notes,
        }


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change that is asked for: of which column, into what, and what becomes of values that fail."""

    table: Table
    column: Column
    old: ColumnSpec
    wanted: Wanted
    step: Step
    target: Table | None
    """The table to which the column would refer, if it did not before."""
    changes: ColumnChanges
    on_failure: OnFailure

    @property
    def new(self) -> ColumnSpec:
        return self.wanted.spec

    @property
    def refers_to(self) -> Table | None:
        """The table to which the column would refer."""
        return self.target or (self.column.references if self.new.kind.is_reference else None)

    @property
    def is_new_type(self) -> bool:
        return (self.old.type, self.old.parameters) != (self.new.type, self.new.parameters)

    @property
    def rewrites(self) -> bool:
        """Whether every record is written anew."""
        return self.is_new_type and not self.step.in_place

    @property
    def converts(self) -> bool:
        """Whether values become those of another type by the rules of imports, and not just by PostgreSQL's cast."""
        return self.has_new_schema or (self.is_new_type and not self.step.is_safe)

    @property
    def rules(self) -> list[Rule]:
        """What is asked of values besides what their conversion asks."""
        return _late_rules(self.new, self.target) if self.converts else rules_on(self.new, self.old, self.target)

    @property
    def filling(self) -> str | None:
        """The literal, as PostgreSQL reads it, that is put in place of what fails; None for no value."""
        new = self.new
        is_needed = self.on_failure == "default" or (self.on_failure == "keep" and new.required)
        return new.kind.default_sql(new.default, new.parameters) if is_needed and new.default is not None else None

    @property
    def concerns_values(self) -> bool:
        """Whether any value could stand in the way, or has to be written anew."""
        new, old = self.new, self.old
        return (
            self.is_new_type
            or (new.required and not old.required)
            or self.is_unique_anew
            or bool(limits_on(new, old.constraints))
            or self.has_new_schema
        )

    @property
    def is_unique_anew(self) -> bool:
        """Whether values that could be the same so far must not be any more, or by another rule."""
        new, old = self.new, self.old
        return new.unique and (not old.unique or new.unique_ignores_case != old.unique_ignores_case)

    @property
    def has_new_schema(self) -> bool:
        """Whether values have to meet another JSON Schema, which only the rules of imports can tell."""
        schema = self.new.constraints.get("json_schema")
        return schema is not None and schema != self.old.constraints.get("json_schema")


def propose(
    *, user: User, table: Table, column: Column, changes: ColumnChanges, on_failure: OnFailure = "stop"
) -> Proposal:
    """The change of a column as it is now. Raises InvalidInput for whatever makes no sense, whatever the values."""
    old = column.to_spec()
    asked = wanted(old, changes)
    is_new_target = asked.spec.kind.is_reference and asked.spec.parameters != old.parameters
    way, target = step(old, asked.spec), check_column_change(user, table, column, asked.spec)
    proposal = Proposal(table, column, old, asked, way, target if is_new_target else None, changes, on_failure)
    if on_failure == "default" and asked.spec.default is None:
        raise _no_choice("The column has no default to put in place of what fails.")
    if proposal.filling is not None and asked.spec.unique:
        raise _no_choice("A unique column cannot have its default in several records.")
    return proposal


def rehearse(
    *, user: User, table: Table, column: Column, changes: ColumnChanges, on_failure: OnFailure = "stop"
) -> Rehearsal:
    """Try a change over all records. Nothing is changed."""
    proposal = propose(user=user, table=table, column=column, changes=changes, on_failure=on_failure)
    with transaction.atomic():
        trial = Trial(proposal)
        trial.run()
        return trial.rehearsal(user)


class Trial:
    """One look at what a change does to all values, inside the caller's transaction.

    ``values`` are what the column is to have; with ``keep`` they are there to be taken over afterwards. Whoever made a
    plan has seen how texts are read: its ``reading``.
    """

    def __init__(self, proposal: Proposal, reading: Reading | None = None) -> None:
        self.proposal = proposal
        old, new = proposal.old, proposal.new
        self._says_the_same = not proposal.is_new_type or says_the_same(old.kind, new.kind)
        self.values = ColumnValues(proposal.table, old, new, says_the_same=self._says_the_same)
        self.numbers = Numbers(0, 0, 0, 0)
        self.causes: list[Cause] = []
        self.reading = reading
        self.notes = list(proposal.wanted.notes)

    def run(self, *, keep: bool = False) -> None:
        """Look at the values. Raises InvalidInput if a pattern takes PostgreSQL too long."""
        limit_statements(_LIMIT_MS)
        give_memory()
        proposal = self.proposal
        self.causes, self.notes = [], list(proposal.wanted.notes)
        if not proposal.concerns_values:
            records, _ = self.values.count()
            self.numbers = Numbers(records, 0, records, 0)
            return
        if proposal.converts:
            self._convert(keep=keep)
        else:
            self._compare()
        is_lacking = proposal.new.required and proposal.filling is None
        if self.numbers.failing and is_lacking and proposal.on_failure != "stop":
            raise _no_choice("A required column cannot be left without a value in what fails; give a default.")

    def rehearsal(self, user: User) -> Rehearsal:
        """What was found, with a plan for it."""
        plan = self.plan(user)
        return Rehearsal(
            self.numbers,
            self.causes,
            self.proposal.rewrites,
            self.seconds_blocked(),
            self.notes,
            plan.signed(),
            plan.expires_at,
        )

    def plan(self, user: User) -> Plan:
        """A plan for what was found."""
        proposal, numbers = self.proposal, self.numbers
        return Plan.of(
            user=user,
            table=proposal.table,
            column=proposal.column,
            changes=proposal.changes,
            on_failure=proposal.on_failure,
            numbers=(numbers.records, numbers.converted, numbers.unchanged, numbers.failing),
            reading=None if self.reading is None else self.reading.as_json(),
        )

    def seconds_blocked(self) -> float:
        """About how long writers would have to wait."""
        records, proposal = self.numbers.records, self.proposal
        if proposal.rewrites:
            return round(records * _REWRITTEN, 3) if records <= MANY else _SWITCHED
        if not proposal.concerns_values:
            return 0.0
        touched = self.numbers.changing
        is_indexed = proposal.new.unique and not proposal.old.unique
        return round(records * (_SCANNED + _INDEXED * is_indexed) + touched * _REWRITTEN, 3)

    def _convert(self, *, keep: bool) -> None:
        """Types whose values have to be looked at: by the rules of imports, then by those that only SQL can tell."""
        proposal = self.proposal
        new = proposal.new
        rules = proposal.rules
        is_staged = keep or bool(rules) or new.unique
        # A web process loads what converts columns when it first has to, if ever.
        from dataengine.services.converted_values import tallied

        relation = ddl.qualified(proposal.table.name)
        with tallied(proposal.old, new, self.reading, relation, are_kept=is_staged) as tally:
            self.reading = tally.reading
            self.notes += tally.reading.notes
            self.numbers, self.causes = tally.numbers, tally.causes
            if is_staged:
                self.values.stage(tally.copy(), indexed=keep)
        if rules or new.unique:
            self._ask(rules, unique=new.unique)
            self.values.mark()

    def _compare(self) -> None:
        """Types that hold all values as they are: only rules can stand in the way."""
        proposal = self.proposal
        records, present = self.values.count()
        same = self._says_the_same
        self.numbers = Numbers(records, 0 if same else present, records if same else records - present, 0)
        self._ask(proposal.rules, unique=proposal.is_unique_anew)

    def _ask(self, rules: Sequence[Rule], *, unique: bool) -> None:
        """Have PostgreSQL find what breaks a rule, and count that as failing."""
        broken = self._broken(rules, unique=unique)
        if not broken:
            return
        failing, missing, same = self.values.count_failing()
        found = self.numbers
        self.numbers = Numbers(
            found.records,
            found.converted - (failing - same),
            found.unchanged - same,
            found.failing + failing,
            found.missing + missing,
        )
        for each in broken:
            examples = [
                example(key, text) | ({} if first is None else {"same_as": first}) for key, text, first in each.examples
            ]
            self.causes.append(Cause(each.code, each.message, each.count, examples))

    def _broken(self, rules: Sequence[Rule], *, unique: bool) -> list[Broken]:
        if "pattern" not in self.proposal.new.constraints:
            return self.values.find(rules, unique=unique)
        limit_statements(_PATTERN_LIMIT_MS)
        try:
            if self.values.is_slow(rules):
                raise slow_pattern()
            return self.values.find(rules, unique=unique)
        except OperationalError as error:
            if timed_out(error):
                raise slow_pattern() from error
            raise


def slow_pattern() -> InvalidInput:
    reason = "PostgreSQL needs too long for this pattern. Give a simpler one."
    return InvalidInput(reason, code="invalid_pattern", fields={"constraints": reason})


def _late_rules(new: ColumnSpec, target: Table | None) -> list[Rule]:
    """The rules that the conversion of cells leaves to PostgreSQL."""
    only = ["pattern"]
    if new.kind.limits_need_postgres(new.parameters):
        only += LIMITS
    references = rules_on(replace(new, required=False, unique=False, constraints={}), None, target)
    return [*limits_on(new, None, only), *references]


def _no_choice(reason: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_input", fields={"on_failure": reason})
