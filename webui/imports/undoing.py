"""What an import's page says of undoing it and of doing it again: the button, what it will do, what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataengine import access
from dataengine.exceptions import Conflict
from dataengine.models import ChangeJob, ImportJob
from dataengine.services import import_undo
from webui.words import plural

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


@dataclass(frozen=True, slots=True)
class Undoing:
    """The undoing of an import, or doing it again.

    ``will`` says what the button does; '' without a button. ``doing`` says what a worker does at the moment.
    ``problem`` is why it did not work; with ``has_rest`` all but the records named by ``ids`` can go back.
    """

    is_redo: bool = False
    will: str = ""
    doing: str = ""
    problem: str = ""
    has_rest: bool = False
    ids: Sequence[int] = ()


def undoing_of(user: User | AnonymousUser, job: ImportJob, refused: Conflict | None = None) -> Undoing | None:
    """What the page shows; None if there is nothing to undo, or not for this user. ``refused`` answers a request."""
    is_redo = job.state == ImportJob.State.UNDONE
    if job.table is None or not (import_undo.can_be_redone(job) if is_redo else import_undo.can_be_undone(job)):
        return None
    if not (is_redo or job.makes_its_table or _has_changed(job)):
        return None
    if ("own" if job.makes_its_table else "edit") not in access.rights_of(user, job.table):
        return None
    last = import_undo.last_change(job)
    if last is not None and not last.is_over:
        return Undoing(is_redo, doing="Doing it again…" if is_redo else "Taking it back…")
    will = _redone(job) if is_redo else _undone(job)
    if refused is not None:
        has_rest = _has_rest(refused.error_code, is_redo=is_redo)
        return Undoing(is_redo, will, "", refused.message, has_rest, (refused.details or {}).get("ids", ()))
    if last is not None and last.state == ChangeJob.State.FAILED and _is_about(last, is_redo=is_redo):
        return Undoing(is_redo, will, "", last.error, _has_rest(last.error_code, is_redo=is_redo))
    return Undoing(is_redo, will)


def _has_rest(code: str, *, is_redo: bool) -> bool:
    """Whether the others can go back, where this was why not all can."""
    return code == "changed_since" or (code == "referenced" and not is_redo)


def _is_about(change: ChangeJob, *, is_redo: bool) -> bool:
    return bool(change.parameters["verb"] == ("redone" if is_redo else "undone"))


def _has_changed(job: ImportJob) -> bool:
    return bool(job.rows_imported or job.rows_updated or job.rows_removed)


def _undone(job: ImportJob) -> str:
    if job.makes_its_table:
        return f"Moves the table with {plural(job.rows_imported, 'record,records')} to the trash."
    parts = [
        plural(job.rows_imported, "new record,new records") if job.rows_imported else "",
        f"the old values of {job.rows_updated:,}" if job.rows_updated else "",
        plural(job.rows_removed, "removed record,removed records") + " come back" if job.rows_removed else "",
    ]
    changed = [part for part in parts if part]
    listed = changed[0] if len(changed) == 1 else f"{', '.join(changed[:-1])} and {changed[-1]}"
    return f"Takes back {listed}."


def _redone(job: ImportJob) -> str:
    count = job.undo_event.details["count"] if job.undo_event is not None else 0
    if job.makes_its_table:
        return f"Brings the table with {plural(count, 'record,records')} back from the trash."
    return f"Makes its {plural(count, 'change,changes')} of records again, with the same ids."
