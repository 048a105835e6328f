"""What is to be read of a file and what of it goes where: decided from its beginning, when an import is asked for.

Nothing here converts anything, so that web processes can do it without what converts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from django.core.files.storage import default_storage

from dataengine.columns.identifiers import validate_identifier
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.date_formats import DateFormat
from dataengine.imports.converting.patterns import Guard
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.opening import Opening
from dataengine.imports.reading.source import Source
from dataengine.models import Column, ImportJob
from dataengine.models.shapes import Findings

from .mapping import ColumnMapping, are_numbered, check_order, map_new, map_onto
from .options import ImportOptions

_EXACT = re.compile(rb'(?:\xef\xbb\xbf)?"id"[,;\t|][^"]')
"""How an exact export begins: quotes around id alone, which no other program has a reason to write."""
_HEADER_BYTES = 64
_GUARDS_OFF = (
    "the file is an export: the ' before what a spreadsheet would run was taken off again;"
    " “guarded”: false leaves it where it is"
)


@dataclass(slots=True)
class Plan:
    """What is to be read and what of it goes where; made before the first row is loaded."""

    source: Source
    dialect: Dialect
    mapping: ColumnMapping
    specs: list[ColumnSpec]
    markers: tuple[str, ...] | None = None
    formats: dict[str, list[DateFormat]] = field(default_factory=dict)
    formats_open: bool = False
    trim: bool | None = None
    guard: Guard = "none"
    guard_open: bool = False
    """Whether that is but what the header suggests: the file may still show that it is none."""
    guards_found: bool = False
    notes: list[str] = field(default_factory=list)
    sample: list[dict[str, str | None]] = field(default_factory=list)
    """Of a dry run: the first records as they would be."""

    @property
    def places(self) -> list[int]:
        """The file's columns that are read, in the order of ``specs``."""
        order = {name: place for place, name in enumerate(self.mapping.columns) if name is not None}
        return [order[spec.name] for spec in self.specs]

    def keep_guards(self) -> None:
        """The file's apostrophes are its own."""
        self.guard, self.guard_open = "none", False

    def findings(self) -> Findings:
        """For the job: what was found in the file and what was made of it."""
        found: Findings = {
            "dialect": self.dialect.as_dict(),
            "headers": list(self.mapping.headers),
            "mapping": self.mapping.as_dict(),
            "null_values": list(self.markers or ()),
            "date_formats": {name: [form.name for form in forms] for name, forms in self.formats.items() if forms},
            "types": {spec.name: spec.type for spec in self.specs},
            "notes": [*self.notes, *self.source.notes],
        }
        if self.guard == "export" and self.guards_found:
            found["guarded"] = True
            found["notes"] = [*found["notes"], _GUARDS_OFF]
        if self.sample:
            found["sample"] = self.sample
        return found


def open_stored(job: ImportJob) -> BinaryIO:
    """The job's source file."""
    try:
        file = default_storage.open(job.source, "rb")
    except FileNotFoundError as error:
        raise InvalidInput("The uploaded file is not there any more.", code="source_missing") from error
    return file  # type: ignore[return-value]  # a Django File is a binary file in all that is used


def plan_onto(opening: Opening, options: ImportOptions, columns: Sequence[Column]) -> Plan:
    """The plan for a table that exists."""
    headers, named = opening.headers, _is_named(opening)
    if not named and opening.damaged_header:
        check_order(opening.damaged_header, len(headers), [column.name for column in columns])
    specs = {column.name: column.to_spec() for column in columns}
    mapping = map_onto(headers, options.mapping, list(specs.values()), has_header=named)
    used = [specs[column.name] for column in columns if column.name in mapping.columns]
    passed = [header for header, name in mapping.as_dict().items() if name is None]
    plan = Plan(opening.source, opening.dialect, mapping, used, markers=options.null_values, trim=options.trim)
    plan.guard, plan.guard_open = _guard(opening, mapping, options)
    if passed and not mapping.guarded:
        plan.notes.append("Passed over, for no column bears the name: " + ", ".join(passed[:20]))
    if options.date_formats:
        plan.formats = {spec.name: list(options.date_formats) for spec in used}
    else:
        if strangers := [name for name in options.column_formats if name not in specs]:
            reason = f"The table has no column “{strangers[0]}”."
            raise InvalidInput(reason, code="unknown_column", fields={"date_formats": reason})
        plan.formats = {name: list(forms) for name, forms in options.column_formats.items()}
        plan.formats_open = True
    return plan


def plan_new(opening: Opening, options: ImportOptions) -> Plan:
    """The plan for a table that is to be made from the file; the types are still text."""
    mapping = map_new(opening.headers, options.mapping, has_header=_is_named(opening))
    specs = [ColumnSpec(name=name, type="text", label=_label(header, name)) for header, name in
             zip(mapping.headers, mapping.columns, strict=True) if name is not None]  # fmt: skip
    plan = Plan(opening.source, opening.dialect, mapping, specs, markers=options.null_values, trim=options.trim)
    plan.guard, plan.guard_open = _guard(opening, mapping, options)
    return plan


def _guard(opening: Opening, mapping: ColumnMapping, options: ImportOptions) -> tuple[Guard, bool]:
    """How the file's cells seem to be guarded, and whether only all of them together can tell."""
    exported = _is_export(opening)
    if exported and _EXACT.match(opening.source.sample(_HEADER_BYTES)):
        return "exact", False
    if options.guarded is False:
        return "none", False
    if mapping.guarded:
        return "mended", False
    if options.guarded:
        return "export", False
    return ("export", True) if exported else ("none", False)


def _is_export(opening: Opening) -> bool:
    """Whether the file has the header of an export: ``id`` and names that columns can have."""
    headers = opening.headers
    if opening.source.kind != "text" or not opening.dialect.has_header or headers[0] != "id" or len(headers) < 2:
        return False
    try:
        return all(validate_identifier(name) == name for name in headers[1:])
    except InvalidInput:
        return False


def _is_named(opening: Opening) -> bool:
    return opening.dialect.has_header or not are_numbered(opening.headers)


def _label(header: str, name: str) -> str:
    return "" if header == name else header[:200]
