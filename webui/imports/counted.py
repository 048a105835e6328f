"""What an import of the file on the preview page would do, counted in the background while people look at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse

from dataengine.exceptions import AccessDenied, Conflict, DataEngineError, NotFound
from dataengine.models import Table
from dataengine.services import preview_rehearsals
from webui import htmx
from webui.htmx import ConsoleRequest
from webui.imports.upload_forms import UploadForm

if TYPE_CHECKING:
    from webui.imports.drafts import Draft

SEEN = "seen"
"""The field of the form with the table's mark at the time of the counts that the page shows."""
_WAITS = {
    "counting": "Counting through the whole file…",
    "another": "Another file is being counted through; this one is next.",
    "imports": "Imports come first; the file is counted through when none runs.",
}
_KINDS = {"new": "New", "changed": "Changed", "removed": "Removed"}
_ENDINGS = {"too_long": "This file takes too long to be counted through on this page. Press “Try it first”."}
_NOT_COUNTED = "This file could not be counted through. Press “Try it first” to see why."


@dataclass(frozen=True, slots=True)
class Cell:
    """A value of a record before and after."""

    column: str
    before: str | None
    after: str | None
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Example:
    """What would become of one record."""

    kind: str
    line: int | None
    id: int | None
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Counted:
    """What the page shows. ``waits`` says why there are no counts yet, ``problem`` why there will be none."""

    figures: list[tuple[str, int]] = field(default_factory=list)
    causes: list[dict[str, Any]] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    rows: int = 0
    mark: str = ""
    waits: str = ""
    problem: str = ""


def answer(request: ConsoleRequest, form: UploadForm, table: Table | None) -> HttpResponse:
    """The part of the preview page with the counts for what the form says now."""
    context = {"counted": _counted(request, form, table), "form": form, "table": table}
    return htmx.render(request, "imports/_counted.html", context)


def check_unchanged(form: UploadForm, table: Table | None) -> None:
    """Raise Conflict if the table has changed since the counts were told that the page shows."""
    seen = form.data.get(SEEN)
    if seen and table is not None and seen != preview_rehearsals.mark_of(table):
        raise Conflict(
            "The table has changed since the rows were counted. They are counted anew below; “Start import” then"
            " applies what it says there.",
            code="table_changed",
        )


def is_counted(draft: Draft) -> bool:
    """Whether the file is counted through without being asked for."""
    return preview_rehearsals.is_small_enough(draft.size)


def _counted(request: ConsoleRequest, form: UploadForm, table: Table | None) -> Counted:
    del form.fields["email"]  # half an address, which somebody is typing, does not change what happens to rows
    if not form.is_valid():
        return Counted(problem=" ".join(str(text) for texts in form.errors.values() for text in texts))
    draft: Draft = form.cleaned_data["file"]
    with draft:
        try:
            found = preview_rehearsals.ask(
                user=request.user,
                table=table,
                table_name=table.name if table else form.cleaned_data["table_name"],
                file=draft,  # type: ignore[arg-type]  # a Django File is a binary file in all that is used
                key=draft.key,
                filename=draft.filename,
                size=draft.size,
                options=form.options(),
            )
        except preview_rehearsals.Pending as pending:
            return Counted(waits=_WAITS[pending.reason])
        except (NotFound, AccessDenied):
            raise
        except DataEngineError as error:
            return Counted(problem=error.message)
    if "counts" not in found:
        problem = found.get("problem") or _ENDINGS.get(found.get("ending", ""), _NOT_COUNTED)
        return Counted(problem=problem, mark=found["mark"])
    return Counted(
        figures=list(_figures(found["counts"], is_new=table is None)),
        causes=_together(found["causes"]),
        examples=[_example(kind, one) for kind, some in found["changes"].items() for one in some],
        warnings=list(dict.fromkeys(found["warnings"])),
        rows=found["counts"]["rows_read"],
        mark=found["mark"],
    )


def _together(causes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Causes that say the same of several columns as one, with all of these and the sum of their errors."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cause in causes:
        same = found.setdefault((cause["code"], cause["message"]), {**cause, "columns": [], "count": 0, "examples": []})
        same["count"] += cause["count"]
        same["columns"] += [cause["column"]] if cause["column"] not in ("", "*") else []
        seen = {example["line"] for example in same["examples"]}
        more = [example for example in cause["examples"] if example["line"] not in seen]
        same["examples"] = (same["examples"] + more)[: max(len(cause["examples"]), len(same["examples"]))]
    return list(found.values())


def _figures(counts: Mapping[str, int], *, is_new: bool) -> Iterator[tuple[str, int]]:
    yield "New", counts["rows_imported"]
    if not is_new:
        yield "Changed", counts["rows_updated"]
        yield "Unchanged", counts["rows_unchanged"]
        yield "Removed", counts["rows_removed"]
    if counts["rows_skipped"]:
        yield "Skipped", counts["rows_skipped"]
    yield "Rejected", counts["rows_rejected"]


def _example(kind: str, found: Mapping[str, Any]) -> Example:
    before, after = found["before"] or {}, found["after"] or {}
    cells = [
        Cell(name, before.get(name), after.get(name), kind == "changed" and before.get(name) != after.get(name))
        for name in dict.fromkeys([*before, *after])
    ]
    if kind == "changed":
        cells = [cell for cell in cells if cell.is_changed]
    return Example(_KINDS[kind], found["line"], found["id"], cells)
