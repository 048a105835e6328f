"""The preview of an uploaded file before the import: its format, its columns, its first rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO, cast

from dataengine.columns.types import REGISTRY
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.likely_types import likely_type
from dataengine.imports.converting.patterns import NULL_MARKERS, unguarded
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.planning.corrected_files import as_before
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan, plan_new, plan_onto
from dataengine.models import Column
from webui.imports.drafts import Draft

_EXAMPLES = 3
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of the file: its header, some values, its target and its likely type."""

    number: int
    header: str
    examples: list[str]
    target: str
    kind: str


@dataclass(frozen=True, slots=True)
class Preview:
    """``found`` describes the file's format as (what, how). ``problem`` tells why it cannot be imported as it is."""

    found: list[tuple[str, str]] = field(default_factory=list)
    columns: list[FileColumn] = field(default_factory=list)
    problem: str = ""
    sheets: list[str] = field(default_factory=list)


def preview(draft: Draft, columns: Sequence[Column] | None, options: dict[str, Any]) -> Preview:
    """Examine ``draft`` for an import into a table with ``columns``, or into a new one (None)."""
    try:
        read = ImportOptions.read(options)
        opening = examine(cast("BinaryIO", draft), draft.filename, read.dialect)
        if columns:
            read = as_before(columns[0].table, draft.filename, opening, read)
    except InvalidInput as error:
        return Preview(problem=error.message)
    headers = opening.headers
    if read.mapping is not None and not set(read.mapping) <= set(headers):
        # With another dialect it has other headers, so the choices for the old ones do not apply.
        read = replace(read, mapping=None)
    problem, plan = "", None
    try:
        plan = plan_new(opening, read) if columns is None else plan_onto(opening, read, columns)
    except InvalidInput as error:
        problem = error.message
    records = opening.first_records
    targets = plan.mapping.columns if plan else [None] * len(headers)
    kinds = _kinds(plan, records, read) if plan and columns is None else {c.name: c.kind.label for c in columns or ()}
    return Preview(
        found=_found(opening),
        columns=[
            FileColumn(number, header, _examples(records, number), target or "", kinds.get(target or "", ""))
            for number, (header, target) in enumerate(zip(headers, targets, strict=True))
        ],
        problem=problem,
        sheets=[sheet.name for sheet in opening.source.sheets],
    )


def _found(opening: Opening) -> list[tuple[str, str]]:
    """How the file is written, as (what, how)."""
    source, dialect = opening.source, opening.dialect
    found = [("Sheet", source.sheet.name)] if source.sheet else []
    if source.kind == "text":
        found += [
            ("Cells", f"separated by {_DELIMITERS.get(dialect.delimiter, dialect.delimiter)}"),
            ("Encoding", dialect.encoding.upper()),
        ]
    if source.first_line:
        found.append(("First line", "names of the columns" if dialect.has_header else "data"))
    ignored = dialect.skip_rows - source.head_lines + 1
    if ignored > 0:
        found.append(("Ignored", f"{ignored} lines at the top"))
    return [*found, *(("Warning", warning.message) for warning in source.warnings)]


def _kinds(plan: Plan, records: list[list[str]], options: ImportOptions) -> dict[str, str]:
    """The likely types by column, judged by the beginning of the file."""
    markers = NULL_MARKERS if options.null_values is None else options.null_values
    shown = unguarded if plan.guard == "corrected" else str
    return {
        spec.name: REGISTRY[likely_type((shown(record[place]) for record in records), markers)].label
        for spec, place in zip(plan.specs, plan.places, strict=True)
    }


def _examples(records: list[list[str]], number: int) -> list[str]:
    values = dict.fromkeys(record[number] for record in records[:50])
    return [value[:60] for value in values if value][:_EXAMPLES]
