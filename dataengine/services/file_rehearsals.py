"""Does an import of a whole file, tells what became of its rows, and takes all of that back: nothing is ever committed.

So it has no job that anybody sees, holds no place of a user's imports, and whatever ends it leaves nothing behind. It
is for a process of its own (``manage.py rehearse_file``); web processes ask ``services/preview_rehearsals.py``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import connections, transaction

from dataengine.exceptions import DataEngineError
from dataengine.jobs.progress import ImportProgress
from dataengine.jobs.watch import Cancelled
from dataengine.models import ImportJob, RejectedRow, Table
from dataengine.queries.import_changes import KINDS, changes_of
from dataengine.services.import_execution import Execution

_EXAMPLES = 5
"""Of each kind of change, and rejected rows of each cause."""
_ROWS_SEARCHED = 2_000
"""Rejected rows, from the first, among which examples are looked for."""
_CAUSES = 8
_LONGEST = 200
"""Characters of a row that are shown."""
COUNTS = (
    "rows_read", "rows_imported", "rows_updated", "rows_unchanged", "rows_skipped", "rows_rejected", "rows_removed",
)  # fmt: skip


class Quiet:
    """Reports to nobody: the job is in no other session's sight. Knows no cancelling either; the process is ended."""

    def __init__(self, job: ImportJob) -> None:
        self._job = job
        self._began = time.monotonic()

    def plan(self, **stages: float) -> None:
        """Nobody waits for a bar."""

    def update(self, *, share: float | None = None, **changes: Any) -> None:
        """Nobody reads the counters before the end."""

    def building(self, done: int, of: int) -> None:
        """A rehearsal builds no index."""

    def growing(self, relation: str, expected: int) -> None:
        """Nor does a table grow."""

    def close(self) -> None:
        """There is no thread to stop."""

    def snapshot(self) -> ImportProgress:
        return ImportProgress()

    def phase_seconds(self) -> dict[str, float]:
        return {"checking": round(time.monotonic() - self._began, 3)}

    def complete(self, **changes: Any) -> None:
        """Write the end of the work."""
        if not ImportJob.objects.filter(pk=self._job.pk).update(**{"state": ImportJob.State.COMPLETED, **changes}):
            raise Cancelled


def rehearse(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What would become of the rows: counts, causes and examples; or the ``problem`` that would fail the import."""
    try:
        with transaction.atomic():
            job = ImportJob.objects.create(
                user=User.objects.get(pk=asked["user"]),
                table=None if asked["table"] is None else Table.objects.get(pk=asked["table"]),
                table_name=asked["table_name"],
                filename=asked["filename"],
                source=asked["key"],
                bytes_total=asked["size"],
                options={**asked["options"], "dry_run": True},
                state=ImportJob.State.RUNNING,
                attempt=1,
            )
            Execution(job, Quiet(job)).run()
            job.refresh_from_db()
            found = _found(job)
            transaction.set_rollback(True)
            return found
    except (DataEngineError, Table.DoesNotExist, User.DoesNotExist) as error:
        return {"problem": getattr(error, "message", str(error))}


def stands_in_the_way(backend: int) -> bool:
    """Whether anybody waits for a lock of that session, or an import waits for a worker or runs.

    To be asked by another session than the rehearsal's.
    """
    if ImportJob.objects.filter(state__in=ImportJob.ACTIVE).exists():
        return True
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND %s = ANY(pg_blocking_pids(pid)))",
            [backend],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def end_session(backend: int) -> None:
    """End the rehearsal's session, in the middle of whatever statement."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [backend])


def _found(job: ImportJob) -> dict[str, Any]:
    return {
        "counts": {name: getattr(job, name) for name in COUNTS},
        "causes": _causes(job),
        "changes": {kind: [asdict(one) for one in changes_of(job, [kind], offset=0, limit=_EXAMPLES)[1]]
                    for kind in KINDS},
        "warnings": [caution["message"] for caution in job.findings.get("warnings", [])],
        "references": job.findings.get("references", {}),
    }  # fmt: skip


def _causes(job: ImportJob) -> list[dict[str, Any]]:
    """Why rows would be rejected, the commonest reason first, each with some of its rows."""
    causes: list[dict[str, Any]] = [{**cause, "examples": []} for cause in job.errors[:_CAUSES]]
    by_name = {(cause["column"], cause["code"], cause["message"]): cause["examples"] for cause in causes}
    by_code = {(cause["column"], cause["code"]): cause["examples"] for cause in causes}
    rows = RejectedRow.objects.filter(job=job).order_by("line")[:_ROWS_SEARCHED]
    for line, raw, errors in rows.values_list("line", "raw", "errors"):
        for error in errors:
            code = (error["column"], error["code"])
            examples = by_name.get((*code, error["message"]), by_code.get(code))
            if examples is not None and len(examples) < _EXAMPLES:
                shown = raw if len(raw) <= _LONGEST else f"{raw[:_LONGEST]}…"
                examples.append({"line": line, "raw": shown, "message": error["message"]})
    return causes
