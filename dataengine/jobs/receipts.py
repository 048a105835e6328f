"""The receipt of an import: what was imported, how, by whom and when, as one object to keep."""

from __future__ import annotations

from typing import Any

from dataengine.models import ImportJob

_COUNTS = [field.name for field in ImportJob._meta.concrete_fields if field.name.startswith("rows_")]


def receipt_of(job: ImportJob) -> dict[str, Any]:
    """The receipt, with times as datetimes."""
    undone = job.undo_event if job.state == ImportJob.State.UNDONE else None
    findings = job.findings
    return {
        "id": job.pk,
        "table_name": job.table_name,
        "state": job.state,
        "filename": job.filename,
        "source_url": job.came_from or None,
        "bytes": job.bytes_total,
        "sha256": job.sha256,
        "dialect": findings.get("dialect", {}),
        "mapping": findings.get("mapping", {}),
        "types": findings.get("types", {}),
        "null_values": findings.get("null_values", []),
        "options": job.options,
        "counts": {name: getattr(job, name) for name in _COUNTS if name != "rows_per_second"},
        "errors": job.errors,
        "error": job.error or None,
        "user": job.user.get_username(),
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
        "undone_at": undone.created_at if undone is not None else None,
        "undone_by": undone.user_name if undone is not None else None,
    }
