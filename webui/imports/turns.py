"""What can be done over after an import that made its table: each decision that may have been another, as one click."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from dataengine.imports.converting.date_formats import BY_NAME
from dataengine.models import ImportJob
from dataengine.services.import_again import can_be_done_over

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

_MOST = 12
_MARKS = {",": "comma", ".": "point"}


class Turn(NamedTuple):
    """A button: what it says, and the options that it gives."""

    label: str
    options: str


def turns_of(user: User | AnonymousUser, job: ImportJob) -> list[Turn]:
    """The buttons of an import's page; none where it cannot be done over, or not by this user."""
    findings: Mapping[str, Any] = job.findings
    found = [turn for column in findings.get("columns", ()) for turn in _of_column(column)]
    for proposal in findings.get("proposals", ()):
        label = {
            "null_words": f"Treat {', '.join(proposal['counts'])} in {proposal['column']} as null",
            "footer": f"Leave out the last {_rows(proposal['counts'].get('rows', 1))}",
        }.get(proposal["code"])
        if label:
            found.append(_turn(label, proposal["options"]))
    return found[:_MOST] if found and can_be_done_over(user, job) else []


def _rows(count: int) -> str:
    return "row" if count == 1 else f"{count:,} rows"


def _of_column(column: Mapping[str, Any]) -> Iterator[Turn]:
    name = column["column"]
    if count := column.get("failing"):
        yield _turn(f"Make {name} text instead", {"types": {name: "TEXT"}})
        cells = "the cell" if count == 1 else f"the {count:,} cells"
        yield _turn(f"Make {cells} of {name} null", {"on_bad_cell": {name: "null"}})
    for form in column.get("date_formats", ())[1:]:
        shown = BY_NAME[form].example if form in BY_NAME else form
        yield _turn(f"Read {name} as {shown}", {"date_formats": {name: [form]}})
    for mark in column.get("decimals", ())[1:]:
        yield _turn(f"Read {name} with a decimal {_MARKS[mark]}", {"decimal": {name: mark}})


def _turn(label: str, options: Mapping[str, Any]) -> Turn:
    return Turn(label, json.dumps(options))
