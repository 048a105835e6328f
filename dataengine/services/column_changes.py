"""Changes columns: their words, rules, type and with it their values. Each is one transaction with its event.

What a change would do to values is found out first (``rehearsals``), by the very transaction that then does it while
nobody else writes. The catalog's row of a column stays the same row, since layouts, filters and indexes hang on its
key; where all values are written anew, another row stands for the hidden old ones.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from django.db import transaction

from dataengine.columns.changes import wanted
from dataengine.exceptions import Conflict, InvalidInput, some_of
from dataengine.imports.readings import Reading
from dataengine.models import AuditEvent, ChangeJob, Column, Table
from dataengine.models.shapes import ColumnChanges, OnFailure
from dataengine.postgres import column_swap, ddl, names
from dataengine.queries.table_sizes import size_of
from dataengine.services import retype_runs
from dataengine.services.column_plans import Plan, basis_of, read_plan
from dataengine.services.column_records import Recorded, record_change
from dataengine.services.rehearsals import MANY, Proposal, Rehearsal, Trial, propose, rehearse
from dataengine.services.schema_changes import change_schema, refuse_while_busy
from dataengine.services.tables import current_column, locked_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Changed:
    """A column after a change, and the event by which that can be undone."""

    column: Column
    event: AuditEvent


def change_column(
    *,
    user: User,
    table: Table,
    column: Column,
    changes: ColumnChanges,
    on_failure: OnFailure | None = None,
    plan: str | None = None,
) -> Changed | ChangeJob:
    """Change a column in what ``changes`` names, or as a plan has it. Very many values are left to a worker's job.

    Raises Conflict ``would_lose_data`` where values fail and nobody said what becomes of them, or ``plan_outdated``
    where a plan's numbers hold no more; ``details["rehearsal"]`` is a rehearsal of the present.
    """
    agreed = None if plan is None else read_plan(plan, user=user, table=table, column=column)
    if agreed is not None:
        _refuse_if_contradicted(agreed, column, changes, on_failure)
        changes, on_failure = agreed.wanted, agreed.on_failure
    ask = _Ask(user, changes, on_failure or "stop", agreed)
    first = propose(user=user, table=table, column=column, changes=changes, on_failure=ask.on_failure)
    if first.rewrites and size_of(table).records > MANY:
        return _left_to_worker(ask, first)
    try:
        return change_schema(lambda: _changed(ask, table, column), table=table)
    except _TooMany:
        return _left_to_worker(ask, first)


def alter_column(*, user: User, table: Table, column: Column, changes: ColumnChanges) -> Column:
    """``change_column`` for changes that leave the values alone."""
    changed = change_column(user=user, table=table, column=column, changes=changes)
    assert isinstance(changed, Changed)
    return changed.column


def move_column(*, user: User, table: Table, column: Column, by: int) -> Column:
    """Move a column so many places on, or back; not beyond the ends."""
    keys = [other.pk for other in table.columns.all()]
    # If it has been deleted meanwhile, the change says so.
    place = max(0, min(len(keys) - 1, keys.index(column.pk) + by)) if column.pk in keys else 0
    return alter_column(user=user, table=table, column=column, changes={"position": place})


@dataclass(frozen=True, slots=True)
class _Ask:
    """What is asked for, and by which plan."""

    user: User
    changes: ColumnChanges
    on_failure: OnFailure
    plan: Plan | None


class _TooMany(Exception):
    """The type would be stored alike, but so many values do not stay what they are that a worker has to write them."""


def _refuse_if_contradicted(plan: Plan, column: Column, changes: ColumnChanges, on_failure: OnFailure | None) -> None:
    """Raise InvalidInput if what is said beside the plan would come to something else."""
    both = cast("ColumnChanges", {**plan.wanted, **changes})
    place = plan.wanted.get("position")
    old = column.to_spec()
    if wanted(old, both).spec != wanted(old, plan.wanted).spec or both.get("position") != place:
        reason = "This plan is for other changes. Send the plan alone, or rehearse these changes."
        raise InvalidInput(reason, code="invalid_plan", fields={"plan": reason})
    if on_failure not in (None, plan.on_failure):
        reason = f"This plan was rehearsed with on_failure “{plan.on_failure}”."
        raise InvalidInput(reason, code="invalid_plan", fields={"plan": reason})


def _changed(ask: _Ask, table: Table, column: Column) -> Changed:
    locked = locked_table(table)
    current = current_column(locked, column)
    proposal = propose(user=ask.user, table=locked, column=current, changes=ask.changes, on_failure=ask.on_failure)
    plan = ask.plan
    trial = Trial(proposal, None if plan is None or plan.reading is None else Reading.of_json(plan.reading))
    if proposal.concerns_values or plan is not None:
        _try(trial)
    if plan is not None:
        _hold_to(plan, trial, ask.user)
    if trial.numbers.failing and ask.on_failure == "stop":
        raise would_lose_data(trial.rehearsal(ask.user), proposal)
    if not proposal.rewrites and trial.numbers.changing > MANY:
        raise _TooMany
    if proposal.rewrites or ddl.type_of(proposal.old) != ddl.type_of(proposal.new):
        refuse_if_hung_on(locked, current)
    return _made(ask, trial, current)


def _left_to_worker(ask: _Ask, proposal: Proposal) -> ChangeJob:
    """Find out what the change would do now, and leave it to a worker if that is what was asked for."""
    refuse_while_busy(proposal.table)
    plan = ask.plan
    with transaction.atomic():
        trial = Trial(proposal, None if plan is None or plan.reading is None else Reading.of_json(plan.reading))
        trial.run()
        if plan is not None:
            _hold_to(plan, trial, ask.user)
        rehearsal = trial.rehearsal(ask.user)
    if trial.numbers.failing and ask.on_failure == "stop":
        raise would_lose_data(rehearsal, proposal)
    agreed = plan or trial.plan(ask.user)
    return retype_runs.request(
        user=ask.user, table=proposal.table, column=proposal.column, plan=agreed, numbers=trial.numbers
    )


def _try(trial: Trial) -> None:
    """Look at all values, while nobody writes any more; in a large table only if values have to be changed."""
    proposal = trial.proposal
    if proposal.concerns_values and size_of(proposal.table).records > MANY:
        trial.run(keep=True)
        if not trial.numbers.changing or (trial.numbers.failing and proposal.on_failure == "stop"):
            return  # what is written from now on has to meet the rules as PostgreSQL knows them
    if proposal.concerns_values:
        column_swap.keep_writers_out(proposal.table)
    trial.run(keep=True)


def refuse_if_hung_on(table: Table, column: Column) -> None:
    """Raise Conflict if others have built something on the column that would not follow it."""
    found = column_swap.hanging_on(table, column.name)
    if found:
        reason = f"In PostgreSQL, this depends on “{column.name}” and would not follow: {some_of(found)}."
        raise Conflict(reason, code="in_the_way", details={"in_the_way": found})


def _hold_to(plan: Plan, trial: Trial, user: User) -> None:
    """Raise Conflict unless the plan is fresh, was not used, and its numbers are those of the present."""
    proposal, found = trial.proposal, trial.numbers
    if plan.is_expired:
        reason = "This plan is older than ten minutes."
    elif AuditEvent.objects.filter(table=proposal.table, details__change__plan=plan.key).exists():
        reason = "This plan has been carried out already."
    elif plan.basis != basis_of(proposal.old):
        reason = "The column was changed since this was rehearsed."
    elif plan.numbers != (found.records, found.converted, found.unchanged, found.failing):
        reason = "The records have changed since this was rehearsed."
    else:
        return
    fresh = rehearse(
        user=user,
        table=proposal.table,
        column=proposal.column,
        changes=proposal.changes,
        on_failure=proposal.on_failure,
    )
    reason += " Look at the new rehearsal, and use its plan."
    raise Conflict(reason, code="plan_outdated", fields={"plan": reason}, details={"rehearsal": fresh.as_json()})


_INSTEAD = {
    "missing_value": (
        "required", "Some records have no value in this column ({}). Give a default, or fill them in first."
    ),
    "duplicate_in_table": ("unique", "Some records have the same value in this column ({}), so it cannot be unique."),
    "constraint_failed": ("constraints", "Some records have values that this rule does not allow ({}): {}"),
}  # fmt: skip
"""By cause: the input that asks for a rule, and what to say there."""


def would_lose_data(rehearsal: Rehearsal, proposal: Proposal) -> Conflict:
    """The refusal to lose values that nobody gave up."""
    count, records = rehearsal.numbers.failing, rehearsal.numbers.records
    values = "1 value does" if count == 1 else f"{count:,} values do"
    message = f"{values} not fit: {rehearsal.causes[0].message}. Say by on_failure what becomes of such values."
    fields: dict[str, list[str]] = {}
    for cause in rehearsal.causes:
        many = f"{cause.count:,} of {records:,}"
        field, text = _INSTEAD.get(cause.code, ("column_type", "Some records have values that do not fit ({}): {}"))
        if proposal.is_new_type and field == "constraints":
            field = "column_type"
        elif cause.code == "value_too_long" and not proposal.is_new_type:
            field = "unique"  # what an index can hold at most; lengths that a rule allows are constraints
        fields.setdefault(field, []).append(text.format(many, cause.message))
    return Conflict(message, code="would_lose_data", fields=fields, details={"rehearsal": rehearsal.as_json()})


def _made(ask: _Ask, trial: Trial, column: Column) -> Changed:
    """Change catalog, rules and values."""
    before, proposal = copy(column), trial.proposal
    recorded = record_change(
        user=ask.user,
        proposal=proposal,
        numbers=trial.numbers,
        reading=trial.reading,
        rewritten=proposal.rewrites,
        plan=ask.plan,
    )
    if proposal.rewrites:
        _rewrite(trial, before, recorded)
    else:
        _write_in_place(trial, before, recorded)
    # With the index that it has now, if any.
    return Changed(proposal.table.columns.get(pk=column.pk), recorded.event)


def _rewrite(trial: Trial, before: Column, recorded: Recorded) -> None:
    table, column, event, proposal = trial.proposal.table, recorded.column, recorded.event, trial.proposal
    assert recorded.predecessor is not None  # since all values are written anew
    hidden = names.trashed_column(recorded.predecessor.pk)
    column_swap.hide(table, before, hidden)
    column_swap.add_bare(table, column)
    column_swap.fill(table, column, trial.values, hidden, proposal.filling)
    if trial.numbers.failing:
        column_swap.keep_before(event, table, column, trial.values.failing, hidden)
        column_swap.keep_after(event, table, column)
        _keep_failing(trial, recorded, hidden)
    column_swap.add_rules(table, None, column)


def _write_in_place(trial: Trial, before: Column, recorded: Recorded) -> None:
    table, column, event, proposal = trial.proposal.table, recorded.column, recorded.event, trial.proposal
    if before.name != column.name:
        ddl.rename_column(table, before.name, column.name)
    column_swap.drop_rules(table, before, column)
    column_swap.set_type(table, before, column)
    if trial.numbers.failing or trial.numbers.converted:
        column_swap.keep_before(event, table, column, trial.values.changing, column.name)
        _keep_failing(trial, recorded, column.name)
        column_swap.change(table, column, trial.values, proposal.filling)
        column_swap.keep_after(event, table, column)
    column_swap.add_rules(table, before, column)


def _keep_failing(trial: Trial, recorded: Recorded, source: str) -> None:
    if recorded.kept is not None:
        column_swap.add_bare(trial.proposal.table, recorded.kept)
        column_swap.keep_failing(trial.proposal.table, recorded.kept, trial.values, source)
