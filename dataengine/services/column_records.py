"""What the catalog and the audit trail say of a changed column. Nothing here touches the table in PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataengine.columns.changes import spec_as_json
from dataengine.columns.identifiers import MAX_BYTES, MAX_COLUMNS
from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.text import Text
from dataengine.exceptions import InvalidInput
from dataengine.imports.readings import Reading
from dataengine.models import AuditEvent, Column, Table, TrashItem
from dataengine.models.shapes import ColumnChangeFacts, ColumnDetails
from dataengine.services import indexes
from dataengine.services.audit import record_event
from dataengine.services.column_plans import Plan
from dataengine.services.rehearsals import Proposal
from dataengine.services.rehearsed import Numbers
from dataengine.services.tables import catalog_fields

if TYPE_CHECKING:
    from django.contrib.auth.models import User


@dataclass(frozen=True, slots=True)
class Recorded:
    """A change as the catalog has it: the column as it is now, and the rows that came with it.

    ``predecessor`` stands for the hidden column with the old values (``names.trashed_column``), ``kept`` is the new
    column for what fails.
    """

    column: Column
    event: AuditEvent
    predecessor: Column | None
    kept: Column | None


def record_change(
    *,
    user: User,
    proposal: Proposal,
    numbers: Numbers,
    reading: Reading | None,
    rewritten: bool,
    is_indexed: bool = False,
    plan: Plan | None = None,
) -> Recorded:
    """Write the change into the catalog, inside a transaction that is open; the table's row is locked.

    ``rewritten``: all values are written anew, and the old ones hidden. Indexes that are gone with them are built again
    after the commit, but for the column's own if it ``is_indexed`` already.
    """
    table, column, old, new = proposal.table, proposal.column, proposal.old, proposal.new
    target = proposal.refers_to
    was = lasting(old, column.references)
    predecessor = hide_in_catalog(user, table, column, old, numbers.records) if rewritten else None
    for field, value in catalog_fields(new, target).items():
        setattr(column, field, value)
    column.save()
    place = [column.position]
    if "position" in proposal.changes:
        move(table, column, proposal.changes["position"])
    place.append(column.position)
    kept = None
    if proposal.on_failure == "keep" and numbers.failing > numbers.missing:
        kept = _insert_beside(table, column)
    facts: ColumnChangeFacts = {
        "key": column.pk, "was": was, "now": lasting(new, target), "place": place,
        "count": numbers.failing if rewritten else numbers.failing + numbers.converted,
        "on_failure": proposal.on_failure, "converted": numbers.converted, "failing": numbers.failing,
        "reading": None if reading is None else reading.as_json(),
    }  # fmt: skip
    if predecessor is not None:
        facts["predecessor"] = predecessor.pk
    if kept is not None:
        facts["kept"] = kept.pk
    if plan is not None:
        facts["plan"] = plan.key
    details: ColumnDetails = {"column": old.name, **proposal.changes, "change": facts}
    event = record_event(user=user, table=table, action="column.changed", details=details)
    renew_indexes(table, column, old, rewritten=rewritten, is_indexed=is_indexed)
    return Recorded(column, event, predecessor, kept)


def lasting(spec: ColumnSpec, target: Table | None) -> dict[str, Any]:
    """A specification for the audit trail: with the key of the table that it refers to, which keeps it if renamed."""
    said = spec_as_json(spec)
    if spec.kind.is_reference and target is not None:
        said["parameters"] = {**said["parameters"], "references": target.pk}
    return said


def as_named_now(said: Mapping[str, Any]) -> dict[str, Any]:
    """What ``lasting`` made, with the present name of that table, or none if it is gone."""
    key = said["parameters"].get("references")
    if not isinstance(key, int):
        return dict(said)
    name = Table.objects.filter(pk=key).values_list("name", flat=True).first()
    return {**said, "parameters": {**said["parameters"], "references": name or ""}}


def hide_in_catalog(user: User, table: Table, column: Column, spec: ColumnSpec, records: int) -> Column:
    """A row for the old values of a column, which are kept as long as what is in the trash."""
    item = TrashItem.objects.create(table=table, name=spec.name, records=records, deleted_by=user, successor=column)
    hidden = Column.everything.create(
        table=table,
        position=column.position,
        trashed_at=item.deleted_at,
        **catalog_fields(spec, column.references if spec.kind.is_reference else None),
    )
    item.column = hidden
    item.save(update_fields=["column"])
    return hidden


def renew_indexes(table: Table, column: Column, old: ColumnSpec, *, rewritten: bool, is_indexed: bool = False) -> None:
    """Have the column's indexes built again that are gone with its old values, and those that it needs now."""
    index = column.index_or_none
    if index is None:
        if column.references is not None and not old.kind.is_reference:
            indexes.ask_for_reference(table, column)
    elif rewritten and column.kind.can_be_indexed:
        if not is_indexed:
            indexes.build_again(table, column.pk)
    elif rewritten:
        index.delete()
    if rewritten and (old.kind.is_searched_as_text or column.kind.is_searched_as_text):
        indexes.queue_search_again(table)


def move(table: Table, column: Column, place: int) -> None:
    """Put a column at a place among the table's columns, the others after one another."""
    columns = [other for other in table.columns.all() if other.pk != column.pk]
    if place > len(columns):
        reason = f"The table has {len(columns) + 1} columns; the last place is {len(columns)}."
        raise InvalidInput(reason, code="invalid_position", fields={"position": reason})
    columns.insert(place, column)
    for position, each in enumerate(columns):
        each.position = position
    Column.objects.bulk_update(columns, ["position"])


def kept_column(table: Table, column: Column) -> Column:
    """A text column for values that ``column`` cannot have, as it would be stored."""
    columns = list(table.columns.all())
    if len(columns) >= MAX_COLUMNS:
        raise InvalidInput(f"A table can have at most {MAX_COLUMNS} columns.", code="too_many_columns")
    name = free_name(column.name, {other.name.casefold() for other in columns} | {column.name.casefold()})
    label = f"{column.label} (before)"[-200:] if column.label else ""
    fields = catalog_fields(ColumnSpec(name=name, type=Text.name, label=label), None)
    return Column(table=table, position=len(columns), **fields)


def _insert_beside(table: Table, column: Column) -> Column:
    """Store the ``kept_column`` of ``column`` and put it beside it."""
    made = kept_column(table, column)
    made.save(force_insert=True)
    others = [other.pk for other in table.columns.all() if other.pk != made.pk]
    move(table, made, 1 + others.index(column.pk))
    return made


def free_name(name: str, taken: set[str]) -> str:
    """A name that is not ``taken`` for what failed in the column ``name``."""
    number = 1
    while True:
        end = "_before" if number == 1 else f"_before_{number}"
        begin = name.encode()[: MAX_BYTES - len(end)].decode(errors="ignore")
        if f"{begin}{end}".casefold() not in taken:
            return f"{begin}{end}"
        number += 1
