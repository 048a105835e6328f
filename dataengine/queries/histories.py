"""The history of one record: every change of it that is kept, newest first, with its whole state after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataengine.models import AuditEvent, RecordChange, Table
from dataengine.models.shapes import Image
from dataengine.queries import provenance
from dataengine.records import before_after
from dataengine.records.model import record_model

MOST = 1_000
"""Older changes of a record than so many are not shown."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What an event did to the record: values by the columns' names, of those that it changed.

    No ``before``: inserted. No ``after``: deleted. ``state`` is the whole record after it, None if it was gone.
    ``line`` is that of the source file, in an import.
    """

    event: AuditEvent
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    state: Mapping[str, Any] | None
    line: int | None

    @property
    def import_id(self) -> int | None:
        """The import that did it."""
        found: int | None = self.event.details.get("import")
        return found


@dataclass(frozen=True, slots=True)
class _Step:
    """The same with images."""

    event: AuditEvent
    before: Image | None
    after: Image | None
    line: int | None


def of_record(table: Table, pk: int) -> list[Entry]:
    """The history of a record, also of one that is deleted; empty if nothing is known of such a record."""
    model = record_model(table)
    steps = _steps(table, pk)
    states, state = [], before_after.of_record(model, pk)
    for step in steps:
        states.append(state)
        state = None if step.before is None else {**(state or {}), **step.before}
    made = _made_by_an_import(table, pk, steps, state)
    if made is not None:
        steps.append(made)
        states.append(state)
    before = before_after.read(model, [step.before for step in steps])
    after = before_after.read(model, [step.after for step in steps])
    whole = before_after.read(model, states)
    return [
        Entry(step.event, was, now, then, step.line)
        for step, was, now, then in zip(steps, before, after, whole, strict=True)
    ]


def _steps(table: Table, pk: int) -> list[_Step]:
    changes = (
        RecordChange.objects.filter(event__table=table, record_id=pk).select_related("event").order_by("-event_id")
    )
    return [_Step(change.event, change.before, _after(change), change.line) for change in changes[:MOST]]


def _after(change: RecordChange) -> Image | None:
    """A change that set the same in many records keeps that once, with its event."""
    common: Image | None = change.event.details.get("after")
    image: Image | None = change.after
    return common if image is None and common is not None else image


def _made_by_an_import(table: Table, pk: int, steps: Sequence[_Step], state: Image | None) -> _Step | None:
    """The event of the import that made the record: for these, no images are kept."""
    if state is None or (steps and steps[-1].before is None):
        return None
    origin = provenance.origin_of(table, pk)
    if origin is None:
        return None
    event = origin.job.event  # imports of before images were kept have none
    if event is None:
        event = AuditEvent.objects.filter(table=table, action="import.completed", details__import=origin.job.pk).first()
    return None if event is None else _Step(event, None, state, origin.line)
