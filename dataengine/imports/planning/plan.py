"""What is to be read of a file and what of it goes where: decided from its beginning, when an import is asked for.

Nothing here converts anything, so that web processes can do it without what converts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from django.core.files.storage import default_storage

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.date_formats import DateFormat
from dataengine.imports.dialects.detection import detect
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.header import damaged_header, has_rows, read_header
from dataengine.imports.reading.source import Source, open_source
from dataengine.models import Column, ImportJob
from dataengine.models.shapes import Findings

from .mapping import ColumnMapping, are_numbered, check_order, map_new, map_onto
from .options import ImportOptions


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
    notes: list[str] = field(default_factory=list)
    sample: list[dict[str, str | None]] = field(default_factory=list)
    """Of a dry run: the first records as they would be."""
    passes: int = 1
    """How often the file is read; progress divides by it."""

    @property
    def places(self) -> list[int]:
        """The file's columns that are read, in the order of ``specs``."""
        order = {name: place for place, name in enumerate(self.mapping.columns) if name is not None}
        return [order[spec.name] for spec in self.specs]

    def findings(self) -> Findings:
        """For the job: what was found in the file and what was made of it."""
        found: Findings = {
            "dialect": self.dialect.as_dict(),
            "headers": list(self.mapping.headers),
            "mapping": self.mapping.as_dict(),
            "null_values": list(self.markers or ()),
            "date_formats": {name: [form.name for form in forms] for name, forms in self.formats.items() if forms},
            "types": {spec.name: spec.type for spec in self.specs},
            "notes": self.notes,
        }
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


def examine(file: BinaryIO, filename: str, options: ImportOptions) -> tuple[Source, Dialect, list[str]]:
    """Recognise the file: kind, dialect, header. Raises InvalidInput for what cannot be imported at all."""
    given = options.dialect
    source = open_source(file, filename, encoding=given.encoding, delimiter=given.delimiter)
    dialect = detect(source, options.dialect)
    headers = read_header(source, dialect)
    heading = _damaged_header(source, dialect, len(headers), options) or []
    if len(heading) == len(headers) == len({name for name in heading if name}):
        headers = heading  # damaged, and yet it names the columns
    if not has_rows(source, dialect):
        raise InvalidInput("The file has a header but no rows.", code="no_rows", fields={"file": "It holds no rows."})
    source.bytes_read = 0
    return source, dialect, headers


def _damaged_header(source: Source, dialect: Dialect, width: int, options: ImportOptions) -> list[str] | None:
    if dialect.has_header or options.dialect.has_header is not None or source.lines_are_records:
        return None
    return damaged_header(source, dialect, width=width, preamble=options.dialect.skip_rows is None)


def plan_onto(
    source: Source, dialect: Dialect, headers: Sequence[str], options: ImportOptions, columns: Sequence[Column]
) -> Plan:
    """The plan for a table that exists."""
    named = dialect.has_header or not are_numbered(headers)
    if not named and (heading := _damaged_header(source, dialect, len(headers), options)):
        check_order(heading, len(headers), [column.name for column in columns])
    specs = {column.name: column.to_spec() for column in columns}
    mapping = map_onto(headers, options.mapping, list(specs.values()), has_header=named)
    used = [specs[column.name] for column in columns if column.name in mapping.columns]
    passed = [header for header, name in mapping.as_dict().items() if name is None]
    plan = Plan(source, dialect, mapping, used, markers=options.null_values)
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


def plan_new(source: Source, dialect: Dialect, headers: Sequence[str], options: ImportOptions) -> Plan:
    """The plan for a table that is to be made from the file; the types are still text."""
    mapping = map_new(headers, options.mapping, has_header=dialect.has_header or not are_numbered(headers))
    specs = [ColumnSpec(name=name, type="text", label=_label(header, name)) for header, name in
             zip(mapping.headers, mapping.columns, strict=True) if name is not None]  # fmt: skip
    return Plan(source, dialect, mapping, specs, markers=options.null_values, passes=2)


def _label(header: str, name: str) -> str:
    return "" if header == name else header[:200]
