"""Several sheets of a workbook into several tables at once: an import for each, all begun or none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from django.core.files import File

from dataengine.exceptions import Conflict, DataEngineError, InvalidInput
from dataengine.models import ImportJob
from dataengine.services import imports

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST = 50
_OF_ALL = ("on_error", "has_header", "null_values", "trim", "dry_run")
"""Options that make sense for sheets with different columns."""


class TakenSheet(NamedTuple):
    """A sheet, and the name of the table that it becomes, or to which its rows are added."""

    sheet: str
    table_name: str
    is_new: bool = True


def start_sheets(
    *,
    user: User,
    sheets: Sequence[TakenSheet],
    file: BinaryIO,
    filename: str,
    email: str = "",
    options: Mapping[str, Any] | None = None,
) -> list[ImportJob]:
    """Start an import of each sheet, with what ``options`` say that holds for all of them. Each has a copy of the file.

    Everything is looked at before the first one is started; if one cannot be started after all, those before it are
    cancelled. Raises what ``imports.start`` raises, with the name of the sheet.
    """
    if len(sheets) > MOST:
        raise InvalidInput(f"At most {MOST} sheets can be imported at once.", code="too_many_sheets")
    common = {name: value for name, value in (options or {}).items() if name in _OF_ALL}
    if isinstance(decimal := (options or {}).get("decimal"), str):
        common["decimal"] = decimal
    given = [{**common, "sheet": one.sheet, **({"create_table": True} if one.is_new else {})} for one in sheets]
    names = [one.table_name.casefold() for one in sheets if one.is_new]
    for one, its in zip(sheets, given, strict=True):
        with _of_sheet(one):
            if one.is_new and names.count(one.table_name.casefold()) > 1:
                raise Conflict(f"Two sheets cannot both become the table “{one.table_name}”.", code="name_taken")
            wanted = imports.wish(user, None, one.table_name, its)
            file.seek(0)
            imports.findings_of(user, file, filename, wanted)
    started: list[ImportJob] = []
    try:
        for one, its in zip(sheets, given, strict=True):
            file.seek(0)
            with _of_sheet(one):
                # Not the upload as it is: where files are moved, the first import would take it from the others.
                copied: Any = File(file, name=filename)
                job = imports.start(
                    user=user,
                    table=None,
                    table_name=one.table_name,
                    file=copied,
                    filename=filename,
                    email=email,
                    options=its,
                )
            started.append(job)
    except DataEngineError:
        for job in started:
            with suppress(Conflict):
                imports.cancel(user=user, job=job)
        raise
    return started


class _of_sheet:  # noqa: N801  used as a statement
    """Errors within say of which sheet they are."""

    def __init__(self, taken: TakenSheet) -> None:
        self._sheet = taken.sheet

    def __enter__(self) -> None:
        """Nothing is to be done before."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, InvalidInput | Conflict):
            error.message = f"Sheet “{self._sheet[:60]}”: {error.message}"
            error.fields = {}
