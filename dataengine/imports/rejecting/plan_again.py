"""The plan by which rejected rows are read once more: that of their import, for the table as it is now.

What the import was told or found holds: which column each cell goes into, how dates and numbers are written, which
words are NULL, what becomes of rows whose key is known. What concerned the file as a whole does not: these rows are few
of its rows, so nothing is found out from them, and nothing is removed because it is not among them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, cast

from dataengine.exceptions import Conflict, InvalidInput
from dataengine.imports.converting.date_formats import BY_NAME, compile_format
from dataengine.imports.converting.number_styles import NumberStyle
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan, plan_onto
from dataengine.models import Column, ImportJob
from dataengine.models.shapes import Findings

from .mended_cells import RowReader

_SAME = ("trim", "allow_infinity")
_BY_COLUMN = ("date_formats", "decimal", "thousands", "on_bad_cell", "references")
_OURS = DialectOptions(delimiter=",", quote='"', escape="", encoding="utf-8", has_header=True, skip_rows=0)


def plan_again(job: ImportJob, reader: RowReader, columns: Sequence[Column]) -> tuple[Plan, ImportOptions]:
    """The plan, still without its feed. Raises Conflict where the table has no place for the rows any more."""
    names = [slot.name for slot in reader.slots]
    if not names:
        raise Conflict("The table has none of the columns any more that this import filled.", code="no_columns_left")
    options = _options(job, reader)
    listed = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    opening = examine(io.BytesIO(f"{listed}\n{listed}\n".encode()), "rows.csv", _OURS)
    try:
        plan = plan_onto(opening, options, [column.to_spec() for column in columns])
    except InvalidInput as error:
        raise Conflict(f"These rows have no place in the table any more: {error.message}", code="no_place") from error
    findings: Findings = job.findings
    plan.markers = tuple(findings.get("null_values", ()))
    found = {
        reader.now[name]: [BY_NAME.get(text) or compile_format(text) for text in texts]
        for name, texts in findings.get("date_formats", {}).items()
        if name in reader.now
    }
    plan.formats = found | {name: forms for name, forms in plan.formats.items() if forms}
    plan.formats_open = False
    plan.styles |= {
        reader.now[name]: NumberStyle(*cast("tuple[Any, Any]", marks))
        for name, marks in reader.again.get("styles", {}).items()
        if name in reader.now
    }
    # The marks of an export are off already, and what remains is meant as it stands.
    is_literal = job.findings.get("guarded") or reader.again.get("guard") == "exact"
    plan.guard, plan.guard_open = ("exact" if is_literal else "none"), False
    return plan, options


def _options(job: ImportJob, reader: RowReader) -> ImportOptions:
    given: Mapping[str, Any] = job.options
    kept = {name: given[name] for name in _SAME if given.get(name) is not None}
    for name in _BY_COLUMN:
        value = given.get(name)
        if isinstance(value, Mapping):
            value = {reader.now[column]: said for column, said in value.items() if column in reader.now}
            if name == "on_bad_cell":
                value = {column: said for column, said in value.items() if said != "text"}
        if value and value != "text":  # of new tables only, whose column is text since
            kept[name] = value
    if reader.mode.key:
        kept["key"] = _key(reader)
    kept["on_conflict"] = reader.mode.on_conflict
    return ImportOptions.read({**kept, "mapping": {slot.name: slot.name for slot in reader.slots}})


def _key(reader: RowReader) -> list[str]:
    """The key's columns by the names that they have now."""
    if gone := [name for name in reader.mode.key if name not in reader.now]:
        raise Conflict(f"The table has no column “{gone[0]}” any more, by which this import went.", code="no_key")
    return [reader.now[name] for name in reader.mode.key]
