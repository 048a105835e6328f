"""What an import did to records, one by one: made, changed and removed ones, as they were before and after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from django.db.models import QuerySet

from dataengine.models import ImportJob, RecordChange
from dataengine.models.shapes import Findings
from dataengine.postgres import kept_records
from dataengine.queries.provenance import line_of, made_by
from dataengine.queries.table_sizes import EXACT_BELOW
from dataengine.records import before_after
from dataengine.records.model import Record, record_model
from dataengine.records.serializers import records_data

type Kind = Literal["new", "changed", "removed"]
KINDS: tuple[Kind, ...] = get_args(Kind.__value__)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one record. A new one has no ``before``, a removed one no ``after``; ``line`` is of the file.

    ``before`` and ``after`` of a changed record hold only the columns that the file has. A dry run makes no records, so
    new ones have no ``id``, and tells its examples as PostgreSQL writes them.
    """

    id: int | None
    kind: Kind
    line: int | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def changes_of(job: ImportJob, kinds: Sequence[Kind], *, offset: int, limit: int) -> tuple[int, list[Change]]:
    """How many changes there are, and some of them: by kind, then by id.

    New records are as they are now; those that were deleted since are not among them. Those of an import that was
    undone are as they were when it was.
    """
    total, found = 0, list[Change]()
    for kind in kinds:
        count = _count(job, kind)
        start = max(offset - total, 0)
        if start < count and len(found) < limit:
            found += _some(job, kind, start, limit - len(found))
        total += count
    return total, found


def _count(job: ImportJob, kind: Kind) -> int:
    if job.options.get("dry_run"):
        return len(_examples(job, kind))
    if kind != "new":
        return int(_images(job, kind).count())
    if (model := _model(job)) is None:
        return 0
    if job.state == ImportJob.State.UNDONE:
        return kept_records.count(job.pk, model.table.pk)
    return job.rows_imported if job.rows_imported > EXACT_BELOW else _made(job, model).count()


def _some(job: ImportJob, kind: Kind, start: int, limit: int) -> list[Change]:
    if job.options.get("dry_run"):
        return _examples(job, kind)[start : start + limit]
    model = _model(job)
    if kind == "new":
        return _some_new(job, model, start, limit)
    rows = list(_images(job, kind)[start : start + limit].values_list("record_id", "line", "before", "after"))
    if model is None:
        return [Change(pk, kind, line, was, now) for pk, line, was, now in rows]
    before = before_after.read(model, [row[2] for row in rows])
    after = before_after.read(model, [row[3] for row in rows])
    return [Change(row[0], kind, row[1], was, now) for row, was, now in zip(rows, before, after, strict=True)]


def _some_new(job: ImportJob, model: type[Record] | None, start: int, limit: int) -> list[Change]:
    assert model is not None  # there would be none
    found: list[tuple[int, dict[str, Any] | None]]
    if job.state == ImportJob.State.UNDONE:
        kept = kept_records.some(job.pk, model.table.pk, start, limit)
        values = before_after.read(model, [image for _, image in kept])
        found = [(pk, value) for (pk, _), value in zip(kept, values, strict=True)]
    else:
        shown = records_data(_made(job, model).order_by("pk")[start : start + limit])
        found = [(data["id"], {name: value for name, value in data.items() if name != "id"}) for data in shown]
    return [Change(pk, "new", line_of(job, pk), None, values) for pk, values in found]


def _images(job: ImportJob, kind: Kind) -> QuerySet[RecordChange]:
    changes = RecordChange.objects.filter(event=job.event_id or 0, before__isnull=False)
    return changes.filter(after__isnull=kind == "removed").order_by("record_id")


def _made(job: ImportJob, model: type[Record]) -> QuerySet[Record]:
    made: QuerySet[Record] = model.objects.order_by().filter(made_by(model.table, job.pk))
    return made


def _examples(job: ImportJob, kind: Kind) -> list[Change]:
    """What a dry run keeps: some changes of each kind, or where every row is new only what the first would be."""
    findings: Findings = job.findings
    if (kept := findings.get("changes")) is not None:
        return [Change(one["id"], kind, one["line"], one["before"], one["after"]) for one in kept.get(kind, ())]
    sample = findings.get("sample", []) if kind == "new" else []
    return [Change(None, "new", None, None, dict(row)) for row in sample]


def _model(job: ImportJob) -> type[Record] | None:
    return None if job.table is None or job.table.trashed_at is not None else record_model(job.table)
