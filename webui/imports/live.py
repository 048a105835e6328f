"""The page of one import, from the job's row or a progress message; both use the API's names."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from dataengine import access
from dataengine.imports.converting.number_styles import UNDISPUTED
from dataengine.jobs.progress import ProgressData
from dataengine.models import ImportJob, Table
from dataengine.models.shapes import Findings
from dataengine.services import recipes
from dataengine.services.import_turns import Hindrance, hindrance_of
from dataengine.services.rejected_rows import retries_of
from webui.imports.outcomes import headline_of
from webui.imports.turns import turns_of
from webui.imports.undoing import undoing_of
from webui.words import plural

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_PHASES = {
    "": "Starting",
    "fetching": "Fetching the file",
    "reading": "Reading the file",
    "checking": "Checking the rows",
    "loading": "Loading the rows",
    "indexing": "Building indexes",
    "finishing": "Finishing",
}
_SOON = timedelta(seconds=3)
"""So long, an import that waits for nothing but a worker needs no explanation."""
_FEW = 5
"""Notes that are read before what follows them."""


class ShownImport(ProgressData):
    """What the page shows of an import, by the API's names."""

    filename: str
    table_name: str
    error: str
    cancel_requested: bool


def live_context(user: User | AnonymousUser, job: ImportJob, progress: ProgressData | None = None) -> dict[str, Any]:
    """The context of ``imports/_progress.html`` for a user, without the rejected rows (``rejected.py``).

    ``progress`` comes from a message and is newer than the row.
    """
    shown = _of_row(job)
    if progress is not None:
        shown = {**shown, **progress}
    is_over = job.is_over
    context: dict[str, Any] = {
        "job": {**shown, "id": job.pk, "table": _table_of(job), "user": job.user, "created_at": job.created_at},
        "is_over": is_over,
        "percent": percent_of(shown),
        "phase": _phase(shown),
        "bar_css": "bar-waiting" if not is_over and shown["eta_seconds"] is None else "",
        "again": _again(shown),
    }
    context["waits"] = _waits(job) if shown["state"] == "queued" and not context["again"] else ""
    begun = job.started_at if shown["state"] == "running" else None
    context["elapsed"] = (timezone.now() - begun).total_seconds() if begun else None
    if is_over:
        took = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else None
        if took and not shown["rows_per_second"]:  # too short to be measured while it ran
            context["job"]["rows_per_second"] = job.rows_read / took
        context |= {"took": took, "outcome": headline_of(job, took)}
        context["notes"], context["more_notes"] = _said(job)
        if job.came_to_nothing:
            context["bar_css"] = "bar-failed"
        context["rejected_from"] = _rejected_from(job)
        context["turns"] = turns_of(user, job)
        context["recipe_name"] = _recipe_name(user, job)
        context["retry"] = _retry(user, job)
        context["undoing"] = undoing_of(user, job)
        context["done_over_by"] = job.done_over_by.order_by("pk").last()
        context["retried"] = job.rows_retried
        context["has_queue"] = bool(job.rows_rejected) or retries_of(job).exists()
    return context


def live_message(user: User | AnonymousUser, job: ImportJob, progress: ProgressData | None = None) -> str:
    """The context as a message for the page's socket."""
    return render_to_string("imports/_live_message.html", live_context(user, job, progress))


def percent_of(job: ShownImport) -> int:
    """The share of the work that is done: 100 only once the import has succeeded, 0 where nothing of it stands."""
    if job["state"] == "completed":
        return 100
    return min(99, int(100 * job["progress"])) if job["state"] == "running" else 0


def _rejected_from(job: ImportJob) -> int | None:
    """From which per cent on the bar of a finished import stands for rejected rows; None without any."""
    if not job.rows_rejected or job.state != ImportJob.State.COMPLETED or job.came_to_nothing:
        return None
    return min(99, max(1, round(100 - 100 * job.rows_rejected / max(job.rows_read, job.rows_rejected))))


def _phase(job: ShownImport) -> str:
    if job["cancel_requested"]:
        return "Stopping"
    return "Waiting to start" if job["state"] == "queued" else _PHASES.get(job["phase"], "Working")


def _again(job: ShownImport) -> str:
    """Why the numbers start again, if they do."""
    if job["state"] == "queued" and job["attempt"]:
        return f"{job['error']} It will start again automatically from the beginning."
    if job["state"] == "running" and job["attempt"] > 1:
        return f"{job['error']} It has started again from the beginning: this is attempt {job['attempt']}."
    return ""


def _waits(job: ImportJob) -> str:
    """Why a queued import has not begun yet."""
    match hindrance_of(job):
        case Hindrance.TABLE:
            return "Another import or change of this table is running. This import begins when that ends."
        case Hindrance.OTHERS:
            most = plural(settings.MAX_IMPORTS_PER_USER, "import,imports")
            return f"Of one person, {most} may run at a time. This import begins when one before it ends."
        case Hindrance.FETCHING:
            return "Another file is being fetched. This import begins when that is here."
        case None:
            return "It begins as soon as a worker is free." if timezone.now() - job.created_at > _SOON else ""


def _retry(user: User | AnonymousUser, job: ImportJob) -> str:
    """In what way the user may have the same file imported once more; empty: in none."""
    is_own = job.user_id == user.pk if job.table is None else "edit" in access.rights_of(user, job.table)
    is_trashed = job.table is not None and job.table.trashed_at is not None
    if not (job.source or job.url) or not is_own or is_trashed:
        return ""
    if job.was_rehearsed:
        return "for real"
    return "again" if job.state in (ImportJob.State.FAILED, ImportJob.State.CANCELLED) else ""


def _of_row(job: ImportJob) -> ShownImport:
    return cast("ShownImport", {name: getattr(job, name) for name in ShownImport.__annotations__})


def _table_of(job: ImportJob) -> Table | None:
    """The table, unless it is in the trash: undoing an import may have moved it there."""
    return None if job.table is None or job.table.trashed_at is not None else job.table


def _said(job: ImportJob) -> tuple[list[str], list[str]]:
    """What people should know of the import, and what they may: where no cell says otherwise in many columns."""
    findings: Findings = job.findings
    notes = findings.get("notes", [])
    first = [*(warning["message"] for warning in findings.get("warnings", []))]
    first += [note for note in notes if UNDISPUTED not in note]
    undisputed = [note for note in notes if UNDISPUTED in note]
    room = max(_FEW - len(first), 0)
    if len(undisputed) <= room + 1:
        return first + undisputed, []
    return first + undisputed[:room], undisputed[room:]


def _recipe_name(user: User | AnonymousUser, job: ImportJob) -> str:
    """What a recipe of this import may be called; empty where this user cannot make one."""
    if job.state != ImportJob.State.COMPLETED or job.table is None or not job.findings.get("headers"):
        return ""
    if "edit" not in access.rights_of(user, job.table):
        return ""
    return recipes.free_name(job.table, job.filename)
