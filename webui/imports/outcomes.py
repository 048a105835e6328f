"""The outcome of an import in a word or two, for lists, and as the headline of its own page."""

from __future__ import annotations

from typing import NamedTuple

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


class Headline(NamedTuple):
    """The outcome of an import in words."""

    css: str
    icon: str
    title: str
    detail: str


def headline_of(job: ImportJob, took: float | None) -> Headline:
    """The outcome of an import as a headline and a line."""
    source = f"from {job.filename}" + (f", in {duration(took)}" if took is not None else "")
    came_in = job.rows_imported + job.rows_updated
    match job.state:
        case "completed" if job.options.get("dry_run"):
            return Headline(
                "plain", "eye", f"{plural(came_in, _ROWS)} would be imported", "A dry run: nothing was changed."
            )
        case "completed" if job.came_to_nothing:
            rejected = plural(job.rows_rejected, _ROWS)
            verb = "was" if job.rows_rejected == 1 else "were"
            return Headline("failed", "alert-circle", "Nothing imported", f"{rejected} {verb} rejected, {source}")
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
