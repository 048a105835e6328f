"""The outcome of an import in a word or two, for lists, and as the headline of its own page."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Q, QuerySet

from dataengine.models import ImportJob
from webui.words import duration, plural

_ROWS = "row,rows"


class State(NamedTuple):
    """A state in words, and its class."""

    css: str
    words: str


def state_of(job: ImportJob) -> State:
    """What a list says of an import. Nothing imported is no success, whatever its state is called."""
    match job.state:
        case "running":
            return State("state-running", "running")
        case "queued":
            return State("state-queued", "waiting")
        case "completed" if job.options.get("dry_run"):
            return State("", "dry run")
        case "completed" if job.came_to_nothing:
            return State("state-failed", "nothing imported")
        case "completed" if job.rows_rejected:
            return State("state-warn", "completed, some rejected")
        case state:
            return State(f"state-{state}", state)


def besides(job: ImportJob) -> str:
    """What an import did besides adding records: ``12 updated, 9,988 unchanged, 3 removed``."""
    counts = {
        "updated": job.rows_updated, "unchanged": job.rows_unchanged, "skipped": job.rows_skipped,
        "removed": job.rows_removed,
    }  # fmt: skip
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)


def _tally(job: ImportJob) -> str:
    """What became of the rows, without those that were rejected."""
    others = besides(job)
    if not job.rows_imported and others:
        return others
    return f"{plural(job.rows_imported, _ROWS)} imported" + (f", {others}" if others else "")


STATES = (
    ("", "Every outcome"),
    ("completed", "Completed"),
    ("rejected", "Some rejected"),
    ("nothing", "Nothing imported"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
    ("active", "Waiting or running"),
)
"""The outcomes by which the history can be narrowed down, with their words."""
_CAME_IN = Q(rows_imported__gt=0) | Q(rows_updated__gt=0)
_OUTCOMES = {
    "completed": Q(state="completed"),
    "rejected": Q(_CAME_IN, state="completed", rows_rejected__gt=0),
    "nothing": Q(~_CAME_IN, state="completed", rows_rejected__gt=0),
    "failed": Q(state="failed"),
    "cancelled": Q(state="cancelled"),
    "active": Q(state__in=ImportJob.ACTIVE),
}


def found(jobs: QuerySet[ImportJob], search: str, state: str) -> QuerySet[ImportJob]:
    """The imports whose table, person or file has every word of ``search``, and that have the outcome ``state``."""
    for word in search.replace("\0", " ").split():
        jobs = jobs.filter(
            Q(filename__icontains=word)
            | Q(table_name__icontains=word)
            | Q(table__label__icontains=word)
            | Q(user__username__icontains=word)
        )
    return jobs.filter(_OUTCOMES.get(state, Q()))


_MOST_TOGETHER = 50
_MOST_DIGITS = 18


def numbers(text: str) -> list[int]:
    """The numbers of imports that were started together, from the page's address: ``12,13``."""
    found = [int(each) for each in text.split(",") if each.isdecimal() and len(each) <= _MOST_DIGITS]
    return found[:_MOST_TOGETHER]


class Headline(NamedTuple):
    """The outcome of an import in words."""

    css: str
    icon: str
    title: str
    detail: str


def _would_be(job: ImportJob, tally: str) -> Headline:
    rejected = f"{job.rows_rejected:,} rejected" if job.rows_rejected else ""
    if job.came_to_nothing:
        title = "Nothing would be imported"
        return Headline("failed", "eye", title, f"{plural(job.rows_rejected, _ROWS)} rejected in a dry run.")
    title = f"It would be: {tally}" if tally else f"{plural(job.rows_imported, _ROWS)} would be imported"
    return Headline("plain", "eye", ", ".join(filter(None, (title, rejected))), "A dry run: nothing was changed.")


def headline_of(job: ImportJob, took: float | None) -> Headline:
    """The outcome of an import as a headline and a line."""
    source = f"from {job.filename}" + (f", in {duration(took)}" if took is not None else "")
    tally, others = _tally(job), besides(job)
    match job.state:
        case "completed" if job.options.get("dry_run"):
            return _would_be(job, tally if others else "")
        case "completed" if job.came_to_nothing:
            rejected = plural(job.rows_rejected, _ROWS)
            verb = "was" if job.rows_rejected == 1 else "were"
            return Headline("failed", "alert-circle", "Nothing imported", f"{rejected} {verb} rejected, {source}")
        case "completed" if job.rows_rejected:
            verb = "was" if job.rows_rejected == 1 else "were"
            title = (
                f"{tally}, {job.rows_rejected:,} rejected" if others else f"{tally}, {job.rows_rejected:,} {verb} not"
            )
            return Headline("warned", "alert-triangle", title, source)
        case "completed":
            return Headline("good", "circle-check", tally, source)
        case "undone":
            event = job.undo_event
            by = f"by {event.user_name}, {event.created_at:%-d %B %Y, %H:%M} UTC" if event is not None else ""
            left = event.details["left"] if event is not None else 0
            kept = f"; {plural(left, 'record stays,records stay')}, changed since" if left else ""
            return Headline("plain", "arrow-back-up", "Undone", by + kept)
        case "cancelled":
            return Headline("plain", "ban", "Cancelled", "None of its rows were imported.")
        case _:
            return Headline("failed", "alert-circle", "The import failed, nothing was imported", job.error)
