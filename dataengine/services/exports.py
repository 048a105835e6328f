"""Notes who took records out, and which. The file itself is made while it is sent (``dataengine/exports``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from dataengine.models import Column, Table
from dataengine.models.shapes import ExportDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_LONGEST = 500
_NO_CONDITIONS = (
    "format", "guard", "columns", "order_by", "order_direction", "nulls", "page", "cursor", "limit", "count",
)  # fmt: skip


def note_export(
    *, user: User, table: Table, file_format: str, parameters: Mapping[str, str], columns: Sequence[Column]
) -> None:
    """Write down that ``user`` exports ``columns`` of those records that the conditions in ``parameters`` select."""
    conditions = {
        name[:_LONGEST]: text[:_LONGEST] for name, text in parameters.items() if name not in _NO_CONDITIONS and text
    }
    details: ExportDetails = {"format": file_format, "filter": conditions}
    if len(columns) < len(table.all_columns()):
        details["only"] = [column.name for column in columns]
    record_event(user=user, table=table, action="records.exported", details=details)
