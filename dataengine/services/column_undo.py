"""Takes a change of a column back: its rules, and every value that nobody has changed since, exactly as it was.

Where all values were written anew, the old ones are still there, hidden (``column_records``): which values were changed
since is found by converting those once more in the same way. Taking back is a change itself, and can be taken back.
"""

from __future__ import annotations

from contextlib import closing
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import transaction

from dataengine.columns.changes import Step, Wanted, spec_as_json, spec_of_json, step
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import Conflict, InvalidInput, NotFound, some_of
from dataengine.imports.readings import Reading
from dataengine.models import AuditEvent, ChangeJob, Column, Table, TrashItem
from dataengine.models.shapes import ColumnChangeFacts, ColumnDetails
from dataengine.postgres import column_swap, ddl, names, trash
from dataengine.postgres.column_past import Since, in_doubt
from dataengine.postgres.column_values import ColumnValues, Relation
from dataengine.postgres.ddl import Statement
from dataengine.postgres.statements import limit_statements
from dataengine.queries.table_sizes import size_of
from dataengine.records import before_after
from dataengine.services import kept_columns, retype_runs
from dataengine.services.audit import record_event
from dataengine.services.column_changes import Changed, refuse_if_hung_on
from dataengine.services.column_records import as_named_now, hide_in_catalog, lasting, move, renew_indexes
from dataengine.services.rehearsals import MANY, Proposal, Trial
from dataengine.services.schema_changes import change_schema, refuse_while_busy
from dataengine.services.tables import catalog_fields, check_column_change, locked_table

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from dataengine.imports.stored_columns import ColumnConversion
    from dataengine.services.converted_values import Spill

_ACTION = "column.changed"
_LIMIT_MS = 600_000


def is_of_column(table: Table, event_id: int) -> bool:
    """Whether the event is a change of a column of this table."""
    return AuditEvent.objects.filter(pk=event_id, table=table, action=_ACTION).exists()


def undo_change(*, user: User, table: Table, event_id: int, rest: bool = False) -> Changed | ChangeJob:
    """Take a change of a column back. Very many values are left to a worker's job.

    Raises Conflict: ``changed_since`` if values were changed since (``count``, and ``ids`` of the first; with ``rest``
    these keep what they say now), ``already_undone``, or ``undo_refused`` where something else stands in the way.
    """
    try:
        if _has_many_values(table, event_id):
            return _left_to_worker(user, table, event_id, rest=rest)
        return change_schema(lambda: _undone(user, table, event_id, rest=rest), table=table)
    except InvalidInput as error:
        raise _refused(error.message, fields=error.fields) from error


@dataclass(slots=True)
class Past:
    """A change that is taken back: the column now, and as it will be."""

    user: User
    table: Table
    event: AuditEvent
    facts: ColumnChangeFacts
    column: Column
    before: Column
    """The column as it is now; ``column`` is changed."""
    old: ColumnSpec
    """The same."""
    new: ColumnSpec
    rest: bool


def _has_many_values(table: Table, event_id: int) -> bool:
    """Whether the event has changed so many values that a worker takes it back."""
    event = AuditEvent.objects.filter(pk=event_id, table=table, action=_ACTION).first()
    rewrote = event is not None and "predecessor" in event.details.get("change", {})
    return rewrote and size_of(table).records > MANY


def _left_to_worker(user: User, table: Table, event_id: int, *, rest: bool) -> ChangeJob:
    """Find out whether it can be taken back now, and leave it to a worker."""
    refuse_while_busy(table)
    with transaction.atomic():
        past, _ = past_of(user, table, event_id, rest=rest)
        hidden, item = predecessor_of(past)
        since = _changed_since(past, hidden)
        if not rest:
            _refuse_if_changed(since)
        elif since.count():
            with closing(converted_back(past, since.records(past.old.name))):
                pass  # it can be
    return retype_runs.request_undo(
        user=user, table=table, column=past.before, event=past.event, rest=rest, records=item.records
    )


def _undone(user: User, table: Table, event_id: int, *, rest: bool) -> Changed:
    past, target = past_of(user, table, event_id, rest=rest)
    column_swap.keep_writers_out(past.table)
    if ddl.type_of(past.old) != ddl.type_of(past.new) or "predecessor" in past.facts:
        refuse_if_hung_on(past.table, past.before)
    return _bring_back(past, target) if "predecessor" in past.facts else _put_back(past, target)


def past_of(user: User, table: Table, event_id: int, *, rest: bool) -> tuple[Past, Table | None]:
    """What it takes to undo an event, inside a transaction, and the table to which the column will refer.

    Raises NotFound or Conflict if that cannot be undone, whatever the values.
    """
    limit_statements(_LIMIT_MS)
    locked = locked_table(table)
    event = AuditEvent.objects.select_for_update().filter(pk=event_id, table=table, action=_ACTION).first()
    if event is None or "change" not in event.details:
        raise NotFound(f"There is no change {event_id} that can be undone.", code="event_not_found")
    if AuditEvent.objects.filter(undoes=event).exists():
        raise Conflict("This has already been undone.", code="already_undone")
    facts: ColumnChangeFacts = event.details["change"]
    column = locked.columns.filter(pk=facts["key"]).first()
    if column is None:
        raise _refused(f"The column “{event.details['column']}” is gone; if it is in the trash, restore it first.")
    old, new = column.to_spec(), _restored(column.to_spec(), facts)
    past = Past(user, locked, event, facts, column, copy(column), old, new, rest)
    return past, check_column_change(user, locked, column, new)


def _restored(now: ColumnSpec, facts: ColumnChangeFacts) -> ColumnSpec:
    """The column without the change, but with all others that came since. Raises Conflict if they contradict."""
    was, became = as_named_now(facts["was"]), as_named_now(facts["now"])
    said = spec_as_json(now)
    changed = [name for name in was if was[name] != became[name] and name in said]
    again = [name for name in changed if said[name] != became[name]]
    if again:
        raise Conflict(
            f"This column was changed again since ({', '.join(again)}); undo that first.", code="changed_again"
        )
    return spec_of_json({**said, **{name: was[name] for name in changed}})


def _refused(reason: str, **more: Any) -> Conflict:
    return Conflict(f"This cannot be undone: {reason}", code="undo_refused", **more)


def _refuse_if_changed(since: Since) -> None:
    count = since.count()
    if count:
        raise changed_since(count, since.ids())


def changed_since(count: int, ids: list[int]) -> Conflict:
    """The refusal to take back what others have changed; ``ids`` are the first of ``count`` records."""
    return Conflict(
        f"Values were changed since in {count:,} record{'s' * (count > 1)} ({some_of(ids)}). With “rest” these keep"
        " what they say now, and all others go back.",
        code="changed_since",
        details={"count": count, "ids": ids},
    )


# Where all values were written anew ---------------------------------------------------------------------------------


def _bring_back(past: Past, target: Table | None) -> Changed:
    table, column = past.table, past.column
    hidden, item = predecessor_of(past)
    since = _changed_since(past, hidden)
    if not past.rest:
        _refuse_if_changed(since)
    else:
        _convert_back(past, since, hidden)
    successor = hide_in_catalog(past.user, table, column, past.old, item.records)
    event = record_undo(past, target, successor=successor)
    kept_columns.settle(past.user, table, column, past.facts)
    column_swap.hide(table, past.before, names.trashed_column(successor.pk))
    ddl.rename_column(table, hidden, column.name)
    column_swap.add_rules(table, None, column)
    assert item.column is not None  # it was found by that
    item.column.delete()
    renew_indexes(table, column, past.old, rewritten=True)
    return Changed(table.columns.get(pk=column.pk), event)


def conversion_of(old: ColumnSpec, wanted: ColumnSpec, reading: Reading | None = None) -> ColumnConversion:
    """The conversion. A web process loads what converts columns when it first has to, if ever."""
    from dataengine.imports.stored_columns import ColumnConversion

    return ColumnConversion(old, wanted, reading)


def spilled(conversion: ColumnConversion, records: Relation) -> Spill:
    """The converted values of ``records``, on disk, to be closed."""
    from dataengine.services.converted_values import spilled

    return spilled(conversion, records)


def predecessor_of(past: Past) -> tuple[str, TrashItem]:
    """The hidden column with the values that come back: its name, and what keeps it. Raises Conflict if it is gone."""
    key = past.facts["predecessor"]
    item = TrashItem.objects.filter(column_id=key).select_related("column").first()
    hidden = names.trashed_column(key)
    if item is None or not trash.present(past.table, [hidden]):
        raise _refused("The old values are gone.")
    return hidden, item


def _root(past: Past) -> AuditEvent:
    """The event of the change itself, if this is an undoing that is undone."""
    root = past.facts.get("root")
    return past.event if root is None else AuditEvent.objects.get(pk=root)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How it is found which records were changed since: ``source``, converted as the change did it, is compared."""

    root: AuditEvent
    attribute: str
    source: ColumnSpec
    bare: ColumnSpec
    """What ``source`` became, without rules."""
    conversion: ColumnConversion | None
    """None if PostgreSQL's cast makes the one of the other."""
    compared: str
    """The column in which that should be."""
    needs_value: bool

    def in_doubt(self, records: Relation) -> Relation:
        """Those of ``records`` that have to be converted to find out."""
        if self.conversion is None or not self.conversion.reads_as_postgres_writes:
            return records
        return in_doubt(records, self.root, self.source.name, self.compared, needs_value=self.needs_value)

    def find(self, since: Since, values: ColumnValues) -> None:
        """Note the changed ones among the records of ``since``; ``values`` are the converted ones."""
        since.find_among_all(self.root, self.attribute, values, self.compared, needs_value=self.needs_value)


def comparison_of(past: Past, hidden: str) -> Comparison:
    """Where all values were written anew: the two columns have to say what the change made of one another."""
    root = _root(past)
    facts: ColumnChangeFacts = root.details["change"]
    was, became = spec_of_json(as_named_now(facts["was"])), spec_of_json(as_named_now(facts["now"]))
    is_redo = past.facts.get("hides", "was") == "now"
    first, second = (past.before.name, hidden) if is_redo else (hidden, past.before.name)
    source = replace(was, name=first, required=False)
    bare = replace(became, name=f"{first}:new", required=False, unique=False, constraints={})
    conversion = None
    if not step(was, became).is_safe:
        reading = facts.get("reading")
        conversion = conversion_of(source, bare, Reading() if reading is None else Reading.of_json(reading))
    needs_value = past.new.required and not is_redo
    return Comparison(root, past.before.attribute, source, bare, conversion, second, needs_value)


def _changed_since(past: Past, hidden: str) -> Since:
    """The records in which the two columns do not say what the change made of one another."""
    table, comparison = past.table, comparison_of(past, hidden)
    values = ColumnValues(table, comparison.source, comparison.bare, says_the_same=False)
    conversion = comparison.conversion
    if conversion is not None:
        with closing(spilled(conversion, comparison.in_doubt(ddl.qualified(table.name)))) as spill:
            values.stage(spill.copy(), indexed=True)
    since = Since(table)
    comparison.find(since, values)
    return since


def converted_back(past: Past, records: Statement) -> Spill:
    """The present values of ``records`` in the old type, to be closed. Raises Conflict if some cannot be."""
    spill = spilled(conversion_of(past.old, replace(past.new, unique=False)), records)
    if spill.failing:
        spill.close()
        raise _refused(
            f"What records {some_of(spill.failing)} say now is no {past.new.kind.noun.lower()}. Change or clear it"
            " first.",
            details={"count": len(spill.failing), "ids": spill.failing[:20]},
        )
    return spill


def _convert_back(past: Past, since: Since, hidden: str) -> None:
    """Give the records that were changed since their present value in the old type."""
    if since.count():
        with closing(converted_back(past, since.records(past.old.name))) as spill:
            since.put(Column(table=past.table, **catalog_fields(past.new, None)), spill.copy(), hidden)


# Where few or no values were changed --------------------------------------------------------------------------------


def _put_back(past: Past, target: Table | None) -> Changed:
    table, column = past.table, past.column
    since = Since(table)
    since.find_among_changed(past.event, past.before)
    way = Step(in_place=True, is_safe=step_back(past.old, past.new).is_safe)
    proposal = Proposal(table, column, past.old, Wanted(past.new), way, target, {}, "stop")
    if proposal.concerns_values:
        trial = Trial(proposal)
        trial.run(keep=True)
        if trial.numbers.failing:
            stuck = since.find_failing(past.event, trial.values.failing)
            if stuck and past.rest:
                raise _refused(
                    f"What some records say now is not allowed by the old rules: {trial.causes[0].message}.",
                    details={"count": since.count(), "ids": since.ids()},
                )
    if not past.rest:
        _refuse_if_changed(since)
    event = record_undo(past, target)
    kept_columns.settle(past.user, table, column, past.facts)
    if past.before.name != column.name:
        ddl.rename_column(table, past.before.name, column.name)
    column_swap.drop_rules(table, past.before, column)
    since.put_back(past.event, column)
    column_swap.set_type(table, past.before, column)
    column_swap.add_rules(table, past.before, column)
    before_after.copy_reversed(event, past.event, common=None)
    renew_indexes(table, column, past.old, rewritten=False)
    return Changed(table.columns.get(pk=column.pk), event)


def step_back(old: ColumnSpec, new: ColumnSpec) -> Step:
    """What it takes to go back from ``old``: types that were changed once may be changed back, whatever they are."""
    try:
        return step(old, new)
    except InvalidInput:
        return Step(in_place=False, is_safe=False)


def record_undo(past: Past, target: Table | None, *, successor: Column | None = None) -> AuditEvent:
    """Write the undoing into catalog and audit trail."""
    table, column, facts = past.table, past.column, past.facts
    for field, value in catalog_fields(past.new, target).items():
        setattr(column, field, value)
    column.save()
    place = facts.get("place", [column.position, column.position])
    if place[0] != place[1] and column.position == place[1]:
        move(table, column, min(place[0], table.columns.count() - 1))
    undone: ColumnChangeFacts = {
        "key": column.pk, "was": lasting(past.old, past.before.references), "now": lasting(past.new, target),
        "place": [place[1], place[0]], "count": facts["count"], "on_failure": facts["on_failure"],
    }  # fmt: skip
    if successor is not None:
        undone["predecessor"] = successor.pk
        undone["root"] = _root(past).pk
        undone["hides"] = "was" if facts.get("hides", "was") == "now" else "now"
    kept_columns.note_undoing(table, facts, undone)
    details: ColumnDetails = {"column": past.before.name, "change": undone}
    return record_event(user=past.user, table=table, action=_ACTION, details=details, undoes=past.event)
