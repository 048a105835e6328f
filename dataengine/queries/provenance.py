"""Where records came from: the import that made them, and the line of its file."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q

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
    span = spans.select_related("job__user").first()
    return None if span is None else Origin(span.job, span.line_of(record_id))


def made_by(table: Table, import_id: int) -> Q:
    """The records of a table that an import made, as a condition."""
    spans = ImportedSpan.objects.filter(job__table=table, job_id=import_id).order_by("first_id")
    ranges = merged(list(spans.values_list("first_id", "last_id")))
    if len(ranges) > _RANGES_IN_A_QUERY:
        within = spans.order_by().filter(first_id__lte=OuterRef("pk"), last_id__gte=OuterRef("pk"))
        return Q(Exists(within))
    found = Q(pk__in=[])
    for low, high in ranges:
        found |= Q(pk__range=(low, high))
    return found


def merged(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ascending ranges of ids, those that follow each other as one."""
    found: list[tuple[int, int]] = []
    for low, high in ranges:
        if found and found[-1][1] == low - 1:
            found[-1] = (found[-1][0], high)
        else:
            found.append((low, high))
    return found
