"""Where records came from: the import that made them, and the line of its file."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import OuterRef, Q, QuerySet, Subquery

from dataengine.models import ImportedSpan, ImportJob, Table

_RANGES_IN_A_QUERY = 200


@dataclass(frozen=True, slots=True)
class Origin:
    """The import that made a record, and the line of its file on which the record's row began."""

    job: ImportJob
    line: int


def origin_of(table: Table, record_id: int) -> Origin | None:
    """Where a record came from; None if no import made it, or one from before this was kept.

    Also of a record that is deleted by now. Changes of the record by imports are ``RecordChange.line``.
    """
    spans = ImportedSpan.objects.filter(job__table=table, first_id__lte=record_id, last_id__gte=record_id)
    span = spans.select_related("job__user", "job__event").first()
    return None if span is None else Origin(span.job, span.line_of(record_id))


def line_of(job: ImportJob, record_id: int) -> int | None:
    """The line of an import's file that a record came from; None if this import did not make it."""
    span = job.spans.filter(first_id__lte=record_id, last_id__gte=record_id).first()
    return None if span is None else span.line_of(record_id)


def made_by(table: Table, import_id: int) -> Q:
    """The records of a table that an import made, as a condition."""
    spans = ImportedSpan.objects.filter(job__table=table, job_id=import_id)
    ranges = _merged(spans)
    if len(ranges) > _RANGES_IN_A_QUERY:
        nearest = spans.filter(first_id__lte=OuterRef("pk")).order_by("-first_id")
        return Q(pk__lte=Subquery(nearest.values("last_id")[:1]))
    found = Q(pk__lt=1)  # which no record has
    for low, high in ranges:
        found |= Q(pk__range=(low, high))
    return found


def ranges_of(job: ImportJob) -> list[tuple[int, int]]:
    """The ids of the records that an import made, as ascending ranges; none touches the next."""
    return _merged(job.spans.all())


def _merged(spans: QuerySet[ImportedSpan]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for low, high in spans.order_by("first_id").values_list("first_id", "last_id"):
        if found and found[-1][1] == low - 1:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found
