"""One import as its page shows it, from the job's row or from a progress message; both have the API's names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from django.core.paginator import Paginator
from django.template.loader import render_to_string
from django.utils import timezone

from dataengine.models import ImportJob
from webui.imports.turns import turns_of
from webui.words import duration, plural

REJECTED_PER_PAGE = 50
_ROWS = "row,rows"

_PHASES = {
    "": "Starting",
    "reading": "Reading the file",
    "checking": "Checking the rows",
    "loading": "Loading the rows",
    "indexing": "Building indexes",
    "finishing": "Finishing",
}
_BARS = {"queued": "bar-waiting", "failed": "bar-failed", "cancelled": "bar-cancelled"}


class Headline(NamedTuple):
    """How an import ended, in words."""

    css: str
    icon: str
    title: str
    detail: str


def live_context(job: ImportJob, progress: Mapping[str, Any] | None = None, *, page: str = "") -> dict[str, Any]:
    """What ``imports/_progress.html`` needs. ``progress`` is newer than the row where a message brought it."""
    shown: dict[str, Any] = _of_row(job) | dict(progress or {})
    is_over = job.is_over
    context: dict[str, Any] = {
        "job": shown | {"id": job.pk, "table": job.table, "user": job.user, "created_at": job.created_at},
        "is_over": is_over,
        "percent": percent_of(shown),
        "phase": _phase(shown),
        "bar_css": _BARS.get(shown["state"], "bar-waiting" if not is_over and shown["eta_seconds"] is None else ""),
        "again": _again(shown),
    }
    begun = job.started_at if shown["state"] == "running" else None
    context["elapsed"] = (timezone.now() - begun).total_seconds() if begun else None
    if is_over:
        took = (job.finished_at - job.started_at).total_seconds() if job.finished_at and job.started_at else None
        if took and not shown["rows_per_second"]:  # too short to have been measured on the way
            context["job"]["rows_per_second"] = job.rows_read / took
        context |= {"took": took, "outcome": headline_of(job, took), "notes": job.findings.get("notes", [])}
        context["turns"] = turns_of(job)
        context["done_over_by"] = job.done_over_by.order_by("pk").last()
        if job.rows_rejected:
            context["rejected"] = Paginator(job.rejected_rows.all(), REJECTED_PER_PAGE).get_page(page)
    return context


def live_message(job: ImportJob, progress: Mapping[str, Any] | None = None) -> str:
    """The same as a message to the page's socket."""
    return render_to_string("imports/_live_message.html", live_context(job, progress))


def percent_of(job: Mapping[str, Any]) -> int:
    """How much of the work is done; 100 only when it is all over and well."""
    if job["state"] == "completed":
        return 100
    return 0 if job["state"] == "queued" else min(99, int(100 * job["progress"]))


def headline_of(job: ImportJob, took: float | None) -> Headline:
    """The end of an import as one headline and one line."""
    source = f"from {job.filename}" + (f", in {duration(took)}" if took is not None else "")
    came_in = job.rows_imported + job.rows_updated
    match job.state:
        case "completed" if job.options.get("dry_run"):
            return Headline(
                "plain", "eye", f"{plural(came_in, _ROWS)} would be imported", "A trial run: nothing changed."
            )
        case "completed" if job.rows_rejected and not came_in:
            return Headline(
                "failed", "alert-triangle", f"None of the {plural(job.rows_rejected, _ROWS)} was imported", source
            )
        case "completed" if job.rows_rejected:
            verb = "was" if job.rows_rejected == 1 else "were"
            title = f"{plural(came_in, _ROWS)} imported, {job.rows_rejected:,} {verb} not"
            return Headline("warned", "alert-triangle", title, source)
        case "completed":
            return Headline("good", "circle-check", f"{plural(came_in, _ROWS)} imported", source)
        case "cancelled":
            return Headline("plain", "ban", "Cancelled", "None of its rows were imported.")
        case _:
            return Headline("failed", "alert-circle", "The import failed, nothing was imported", job.error)


def _phase(job: Mapping[str, Any]) -> str:
    if job.get("cancel_requested"):
        return "Stopping"
    return "Waiting for its turn" if job["state"] == "queued" else _PHASES.get(job["phase"], "Working")


def _again(job: Mapping[str, Any]) -> str:
    """Why the numbers begin anew, where they do."""
    if job["state"] == "queued" and job["attempt"]:
        return f"{job['error']} It starts again by itself, from the beginning."
    if job["state"] == "running" and job["attempt"] > 1:
        return f"{job['error']} It was started again, from the beginning: this is attempt {job['attempt']}."
    return ""


def _of_row(job: ImportJob) -> dict[str, Any]:
    names = (
        "state", "phase", "attempt", "progress", "filename", "table_name", "bytes_total", "bytes_read", "rows_read",
        "rows_imported", "rows_updated", "rows_skipped", "rows_rejected", "rows_per_second", "eta_seconds", "errors",
        "error", "cancel_requested",
    )  # fmt: skip
    return {name: getattr(job, name) for name in names}
