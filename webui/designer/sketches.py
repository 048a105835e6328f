"""A text that somebody has, as a table to start from: headers, rows, ``CREATE TABLE``, JSON Schema. Makes nothing.

Each kind is read by what reads it elsewhere: rows by the import's own dialects and types, SQL by ``create_table``,
JSON Schema and payloads by the API's readers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from dataengine.columns.create_table import is_sql, read_create_table
from dataengine.columns.identifiers import MAX_COLUMNS, derive_identifier, validate_identifier
from dataengine.columns.json_schema import columns_of
from dataengine.columns.payloads import parse_payload
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput, Unavailable, shown
from dataengine.imports.dialects.opening import examine
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import plan_new
from dataengine.services import import_looks
from webui.words import plural

LONGEST = 200_000
"""Characters; whole files are imported."""
_WAIT_SECONDS = 30.0
_SEPARATORS = re.compile(r"[\t,;|]")


@dataclass(frozen=True, slots=True)
class Sketch:
    """A table as far as a text describes it; ``notes`` say how the text was read, and what of it has no place here."""

    columns: Sequence[ColumnSpec]
    name: str = ""
    label: str = ""
    description: str = ""
    notes: list[str] = field(default_factory=list)


def read_sketch(text: str) -> Sketch:
    """The table that ``text`` describes. Raises InvalidInput."""
    text = text.strip("\ufeff\n\r ")
    if not text.strip():
        raise _refused("Paste something first.")
    if len(text) > LONGEST:
        raise _refused(f"This is longer than {LONGEST:,} characters. Import it as a file; that makes a table as well.")
    try:
        if is_sql(text):
            return _of_sql(text)
        document = _document(text)
        if isinstance(document, Mapping) and _describes(document):
            return _of_document(document)
        return _of_rows(text, "pasted.csv" if document is None else "pasted.json")
    except InvalidInput as error:
        raise _refused(_all_of(error)) from error


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_sketch", fields={"sketch": reason})


def _all_of(error: InvalidInput) -> str:
    """The message with each column's own: all that is wrong with a pasted text stands at its one field."""
    own = [f"{name}: {text}" for name, texts in error.fields.items() for text in texts if text not in error.message]
    return " ".join([error.message, *own[:10]])


def _of_sql(text: str) -> Sketch:
    read = read_create_table(text)
    name, label = _named(read.name)
    notes = [
        f"{plural(len(read.columns), 'column,columns')} of the CREATE TABLE “{shown(read.name, 63)}”.",
        *read.notes,
    ]
    return Sketch(read.columns, name, label, notes=notes)


def _named(said: str) -> tuple[str, str]:
    """A table's name, and its label where the name had to be another."""
    try:
        return validate_identifier(said, what="table"), ""
    except InvalidInput:
        return (derive_identifier(said, what="table"), said[:200]) if said else ("", "")


# JSON ------------------------------------------------------------------------------------------------------------


def _document(text: str) -> Any:
    """The JSON that the text is; None if it is none, and {} for one object after another."""
    if not text.startswith(("{", "[")):
        return None
    try:
        return json.loads(text)
    except RecursionError as error:
        raise _refused("This JSON is nested too deeply.") from error
    except ValueError as error:
        if text.startswith("{") and "\n{" in text:
            return {}
        if text.startswith("["):
            return []
        where = f" at line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        raise _refused(f"This JSON cannot be read{where}.") from error


def _describes(document: Mapping[str, Any]) -> bool:
    """Whether a JSON object describes a table, and is no record itself."""
    return bool({"$schema", "table_name"} & document.keys()) or isinstance(document.get("properties"), Mapping)


def _of_document(document: Mapping[str, Any]) -> Sketch:
    if "table_name" in document:
        table = parse_payload(document)
        said = f"{plural(len(table.columns), 'column,columns')} of the API’s description."
        return Sketch(table.columns, table.name, table.label, table.description, [said])
    columns = columns_of(document)
    title = str(document.get("title", ""))
    name, label = _named(title)
    said = f"{plural(len(columns), 'column,columns')} of the JSON Schema."
    return Sketch(columns, name, label, str(document.get("description", "")), [said])


# Rows ------------------------------------------------------------------------------------------------------------


def _of_rows(text: str, filename: str) -> Sketch:
    """Headers alone, on one line or one a line; or headers with rows, whose types are found as an import does it."""
    lines = [line for line in text.splitlines() if line.strip()]
    if filename == "pasted.csv":
        if len(lines) > 1 and not any(_SEPARATORS.search(line) for line in lines):
            return _of_names([line.strip() for line in lines[:MAX_COLUMNS]])
        if len(lines) == 1:
            return _of_header(lines[0])
    try:
        look = import_looks.look_at_text(text, filename, {"create_table": True}, seconds=_WAIT_SECONDS)
    except import_looks.Pending as error:
        raise Unavailable("The rows are still being looked at. Try again in a moment.", code="still_looking") from error
    if look.get("problem"):
        raise _refused(look["problem"])
    if not look.get("specs"):
        raise _refused("No columns can be made out in this text.")
    columns = [ColumnSpec(**spec) for spec in look["specs"]]
    found = f"types found in {plural(look.get('rows', 0), 'row,rows')}"
    return Sketch(columns, notes=[f"{plural(len(columns), 'column,columns')}; {found}.", *look.get("notes", ())])


def _of_header(line: str) -> Sketch:
    """A header without rows. An import wants a row as well, and a header is as good a row as any."""
    options = ImportOptions.read({"create_table": True, "has_header": True})
    opening = examine(BytesIO(f"{line}\n{line}\n".encode()), "pasted.csv", options.dialect)
    columns = plan_new(opening, options).specs
    return Sketch(columns, notes=[f"{plural(len(columns), 'column,columns')}; all of them are text for now."])


def _of_names(said: Sequence[str]) -> Sketch:
    columns: list[ColumnSpec] = []
    for header in said:
        name = derive_identifier(header, taken=[column.name for column in columns])
        columns.append(ColumnSpec(name=name, type="text", label=header[:200] if header != name else ""))
    words = f"{plural(len(columns), 'column,columns')}, one a line; all of them are text for now."
    return Sketch(columns, notes=[words])
