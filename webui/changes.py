"""Tells users what was changed, with a way to undo it, and what a worker is changing.

The message has the URL for undoing, so that undoing works after a redirect, in a part of the page, and without a
script.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.utils import timezone

from dataengine import access
from dataengine.models import AuditEvent, ChangeJob, Column, ImportJob, Table, TrashItem
from dataengine.models.shapes import ChangeParameters, ColumnChangeFacts, OnFailure
from dataengine.services import changes as services
from dataengine.services.audit import Trail
from webui.words import about, plural

if TYPE_CHECKING:
    from webui.htmx import ConsoleRequest

_UNDONE = {"inserted": "there again", "deleted": "gone again", "updated": "as before"}
_IMPORTS = {"undone": "The import is undone", "redone": "The import is done again"}
_UNDOING = {
    "inserted": "Bringing back {}",
    "deleted": "Taking {} out again",
    "updated": "Putting back the values of {}",
}


_BECAME: dict[OnFailure, str] = {
    "stop": "left out", "null": "cleared", "default": "set to the default", "keep": "moved to a column beside it",
}  # fmt: skip


class WayBack(NamedTuple):
    """A button that undoes a change: its text, and the URL to which it posts."""

    word: str
    url: str


class UnderWay(NamedTuple):
    """A change that a worker makes: what it does, why it waits, or for how many seconds it has been running."""

    job: ChangeJob
    doing: str
    waits_for: str
    seconds: float | None

    @property
    def percent(self) -> int | None:
        """How much of it is done; None where that is not known."""
        return None if self.job.progress is None else int(100 * self.job.progress)

    @property
    def is_of_column(self) -> bool:
        """Whether a column is changed: everybody goes on with the records meanwhile."""
        return self.job.action == ChangeJob.Action.RETYPE


def tell(request: HttpRequest, text: str, table: Table, trail: Trail, *, word: str = "Undo") -> None:
    """Show ``text`` to the user, and offer to undo the event that a service added to ``trail``."""
    url = resolve_url("console:undo", table.name, trail[-1].pk) if trail else ""
    messages.success(request, text, extra_tags=f"{word} {url}" if url else "")


def tell_deleted(request: HttpRequest, text: str, item: TrashItem) -> None:
    """Say that something is in the trash, and offer to restore it."""
    messages.success(request, text, extra_tags=f"Undo {resolve_url('console:trash-restore', item.pk)}")


def tell_done(request: HttpRequest, event: AuditEvent, table: Table, columns: Iterable[Column]) -> None:
    """Tell what a change of many records, or undoing a change, did, and offer to undo it."""
    if "change" in event.details:
        tell_changed_column(request, event, table)
        return
    count, verb = event.details["count"], event.action.rpartition(".")[2]
    records = "1 record is" if count == 1 else f"{count:,} records are"
    if event.action.startswith("import."):
        messages.success(request, f"{_IMPORTS[verb]}: {plural(count, 'record,records')}.")
        return
    if event.undoes_id is not None:
        is_redo = event.details["redo"]
        text = f"{'Redone' if is_redo else 'Undone'}: {records} {_UNDONE[verb]}."
        tell(request, text, table, [event], word="Undo" if is_redo else "Redo")
        return
    if verb == "copied":
        tell(request, f"{records} copied.", table, [])
        return
    titles = _titles(columns, event.details["columns"])
    tell(request, f"{records} {'deleted' if verb == 'deleted' else f'changed: {titles}'}.", table, [event])


def tell_changed_column(request: HttpRequest, event: AuditEvent, table: Table) -> None:
    """Tell that a column is changed, with what became of its values, and offer to undo it."""
    facts: ColumnChangeFacts = event.details["change"]
    became = []
    if count := facts.get("converted", 0):
        became.append(f"{plural(count, 'value,values')} converted")
    if count := facts.get("failing", 0):
        became.append(f"{count:,} that did not fit {'was' if count == 1 else 'were'} {_BECAME[facts['on_failure']]}")
    text = f"The column “{event.details['column']}” is changed"
    tell(request, f"{text}: {', '.join(became)}." if became else f"{text}.", table, [event])


def tell_endings(request: ConsoleRequest, table: Table, over: Sequence[ChangeJob]) -> None:
    """Tell once how the user's changes ended that a worker made."""
    columns: list[Column] | None = None
    for job in services.endings(over):
        columns = list(table.columns.all()) if columns is None else columns
        if job.event is not None:
            tell_done(request, job.event, table, columns)
        elif job.state == ChangeJob.State.CANCELLED:
            messages.info(request, f"Cancelled. {_left(job)}")
        else:
            messages.error(request, f"{_doing(job, columns)} did not work: {job.error} {_left(job)}")


def _left(job: ChangeJob) -> str:
    """What a change left that came to nothing. The table of a copy was there before its records."""
    if job.action == ChangeJob.Action.COPY:
        return "Nothing was copied into this table, which can be deleted."
    return "Nothing was changed."


def panel_context(request: ConsoleRequest, table: Table) -> dict[str, Any]:
    """The context of ``records/_changes.html``. Also tells what has ended."""
    jobs, over = services.of_interest(request.user, table)
    tell_endings(request, table, over)
    columns = list(table.columns.all()) if jobs else []
    return {
        "table": table,
        "under_way": [_under_way(job, columns) for job in jobs],
        "may_edit": "edit" in access.rights_of(request.user, table),
    }


def way_back(message: Message) -> WayBack | None:
    """The button that ``tell`` attached to a message."""
    word, _, url = (message.extra_tags or "").partition(" ")
    return WayBack(word, url) if url else None


def _under_way(job: ChangeJob, columns: Iterable[Column]) -> UnderWay:
    if job.state == ChangeJob.State.RUNNING and job.started_at is not None:
        seconds = (timezone.now() - job.started_at).total_seconds()
        return UnderWay(job, _doing(job, columns), "", max(0.0, seconds))
    if job.error:
        return UnderWay(job, _doing(job, columns), f"{job.error} It will start again soon.", None)
    return UnderWay(job, _doing(job, columns), _waits_for(job), None)


def _waits_for(job: ChangeJob) -> str:
    if ImportJob.objects.filter(table_id=job.table_id, state=ImportJob.State.RUNNING).exists():
        return "It starts when the import into this table has ended."
    return "It starts in a moment."


def _doing(job: ChangeJob, columns: Iterable[Column]) -> str:
    """What a change does, as the start of a sentence."""
    records = plural(job.count, "record,records") if job.count_exact else f"{about(job.count)} records"
    parameters: ChangeParameters = job.parameters
    if "image" in parameters:
        return f"Setting {_titles(columns, parameters['image'])} in {records}"
    if "event" in parameters:
        return _UNDOING[parameters["verb"]].format(records)
    if "imported" in parameters:
        return ("Undoing" if parameters["verb"] == "undone" else "Doing again") + f" an import of {records}"
    if "source" in parameters:
        return f"Copying {records}"
    if "plan" in parameters:
        return f"Changing the type of “{_title(columns, parameters['plan']['column'])}” in {records}"
    if "retries" in parameters:
        return f"Trying {plural(job.count, 'rejected row,rejected rows')} of an import again"
    if "undoes" in parameters:
        return f"Taking back the change of “{_title(columns, parameters['column'])}” in {records}"
    return f"Deleting {records}"


def _title(columns: Iterable[Column], key: int) -> str:
    return next((column.title for column in columns if column.pk == key), "")


def _titles(columns: Iterable[Column], attributes: Iterable[str]) -> str:
    known = {column.attribute: column.title for column in columns}
    return ", ".join(f"“{known[attribute]}”" for attribute in attributes if attribute in known)
