"""Writes of all records that a filter matches: one change, in a few statements, however many records there are.

Called by ``services/changes.py``, which decides whether somebody waits for it or a worker does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import QuerySet

from dataengine.columns.patterns import refers_back
from dataengine.exceptions import InvalidInput
from dataengine.models import AuditEvent, Table
from dataengine.models.shapes import Image
from dataengine.queries.filters import MATCH, RESERVED, record_filterset, takes_empty_text
from dataengine.records import before_after
from dataengine.records.database_errors import translated
from dataengine.records.model import Record, record_model
from dataengine.records.serializers import clean_record
from dataengine.services.audit import Trail, change_details, complete, record_event
from dataengine.services.bulk_records import delete_records

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def matching(model: type[Record], conditions: object, *, everything: bool = False) -> QuerySet[Record]:
    """The records that a posted filter selects. An empty filter is refused unless ``everything`` is wanted."""
    if conditions == {} and everything:
        every: QuerySet[Record] = model.objects.order_by()
        return every
    if not isinstance(conditions, Mapping) or not conditions:
        reason = "Give at least one condition, as an object of <column>__<lookup> and value."
        raise InvalidInput(reason, code="invalid_filter", fields={"filter": reason})
    for name, value in conditions.items():
        if name == MATCH:
            continue
        if name in RESERVED - {"search"}:
            # If it were ignored, more records would be changed than was meant.
            reason = f"This is not a condition; to filter by a column with this name, use {name}__exact."
            raise InvalidInput(f"{name}: {reason}", code="invalid_filter", fields={name: reason})
        if value is None or value in ([], {}) or (value == "" and not takes_empty_text(model, name)):
            reason = "A condition needs a value; for records without one use __isnull."
            raise InvalidInput(f"{name}: {reason}", code="invalid_filter", fields={str(name)[:120]: reason})
        if str(name).endswith("__iregex") and refers_back(str(value)):
            reason = r"To change records, an expression cannot refer to its groups (\1): it might never be done."
            raise InvalidInput(f"{name}: {reason}", code="invalid_filter", fields={str(name)[:120]: reason})
    filterset = record_filterset(model)(conditions)
    records = filterset.records()
    if not filterset.is_filtered:
        reason = "None of these is a condition."
        raise InvalidInput(reason, code="invalid_filter", fields={"filter": reason})
    # A subquery, because a filter's set cannot be ordered or joined when it is changed.
    found: QuerySet[Record] = model.objects.order_by().filter(pk__in=records.order_by().values("pk"))
    return found


def values_to_set(model: type[Record], data: object) -> Image:
    """Check ``{column name: value}`` and turn it into an image, which can be stored until a worker uses it."""
    attributes = clean_record(model, data, partial=True)
    if not attributes:
        raise InvalidInput("Give at least one column to set.", fields={"data": "Give at least one column."})
    with translated(model):
        return before_after.of_values(model, attributes)


def update(*, user: User, table: Table, conditions: object, image: Image) -> AuditEvent:
    """Give every record that the filter matches (an empty one matches all) the values of ``image``."""
    model = record_model(table)
    columns = [column for column in model.columns if column.attribute in image]
    records = matching(model, conditions, everything=True)
    with translated(model), transaction.atomic():
        details = change_details(columns, 0, filter=conditions)
        event = record_event(user=user, table=table, action="records.updated", details=details)
        count = before_after.keep_before(event, records, columns)
        before_after.set_values(event, model, image)
        complete(event, None, count=count, after=before_after.common_after(event, model, columns))
    return event


def delete(*, user: User, table: Table, conditions: object) -> AuditEvent:
    """Delete every record that the filter matches (an empty one matches all)."""
    model = record_model(table)
    records = matching(model, conditions, everything=True)
    trail: Trail = []
    with translated(model, deleting=True), transaction.atomic():
        delete_records(user, model, records, trail, filter=conditions)
    return trail[-1]
