"""The plan of an import: what is read from the file and where it goes, decided from the file's beginning.

Nothing here converts cells, so web processes need not load the code that does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, BinaryIO, Protocol, cast

from django.core.files.storage import default_storage

from dataengine.columns.identifiers import validate_identifier
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.date_formats import DateFormat
from dataengine.imports.converting.found import ColumnFinding
from dataengine.imports.converting.number_styles import NumberStyle
from dataengine.imports.converting.patterns import Guard
from dataengine.imports.dialects.dialect import Dialect
from dataengine.imports.dialects.opening import Opening
from dataengine.imports.reading.source import Source
from dataengine.models import ImportJob
from dataengine.models.shapes import Caution, DialectFacts, Findings, ReadAgain

from .footers import Footer
from .head_notes import counted, notes_on_head
from .mapping import ColumnMapping, are_numbered, check_order, lacking, map_new, map_onto, passed_over
from .modes import check_key
from .options import ImportOptions
from .proposals import Proposal, proposals_of
from .recipes import FoundRecipe
from .references import ID, ByValue, FoundReference

_EXACT = re.compile(rb'(?:\xef\xbb\xbf)?"id"[,;\t|][^"]')
"""How an exact export begins: with quotes around id only, which no other program has a reason to write."""
_HEADER_BYTES = 64
_GUARDS_OFF = (
    "the file is an export: the ' before cells that a spreadsheet would run was removed;"
    " set “guarded” to false to keep it"
)
_ID_PASSED_OVER = (
    "“id” was ignored: new records get ids of their own;"
    ' “key”: "id" with “on_conflict”: "update" updates the records of these ids'
)


RECORD_KEY = ColumnSpec(name="id", type="bigint", unique=True, required=True)
"""The system's own key as a column that the file fills: its rows update the records of those ids."""


class Oddities(Protocol):
    """What conversion has noticed (``converting/oddities.py``, which web processes do not load)."""

    null_words: dict[str, Counter[str]]

    @property
    def notes(self) -> list[str]: ...


class SupportsBytesRead(Protocol):
    """A block of rows, as far as plans know blocks."""

    bytes_read: int


@dataclass(slots=True)
class Plan:
    """What is to be read and where it goes; made before the first row is loaded."""

    source: Source
    dialect: Dialect
    mapping: ColumnMapping
    specs: list[ColumnSpec]
    markers: tuple[str, ...] | None = None
    formats: dict[str, list[DateFormat]] = field(default_factory=dict)
    styles: dict[str, NumberStyle] = field(default_factory=dict)
    """How numbers are written, if they may have more than digits, sign and point."""
    formats_open: bool = False
    trim: bool | None = None
    is_padded: bool = False
    """Whether all cells have spaces around them that fill the columns of a drawn table, and belong to no value."""
    guard: Guard = "none"
    guard_open: bool = False
    """Whether only the header suggests the guard, so that cells may still prove it wrong."""
    guards_found: bool = False
    bad_is_null: frozenset[str] = frozenset()
    """Columns whose cells are NULL where they are no values of it."""
    allow_infinity: bool = False
    skip_last: int = 0
    """So many rows at the end are none."""
    notes: list[str] = field(default_factory=list)
    cautions: list[Caution] = field(default_factory=list)
    """What people should look at, besides what the source says."""
    columns: list[ColumnFinding] = field(default_factory=list)
    """What was found of columns: of a new table of all, otherwise of those whose cells can be read differently."""
    told_of_rows: Sequence[str] = ()
    """What people are told of lines that are no rows, and of rows within cells, after a pass."""
    footer: Footer | None = None
    ends_in_sums: bool | None = None
    """Whether the last row of a long file holds the sums of those above; None as long as it was not asked."""
    lines_of_head: Sequence[Sequence[str]] = ()
    """Groups, if there are, and names as the file has them, to know them again."""
    empty_tail: int = 0
    """So many columns at the end are ignored, as long as their cells are empty."""
    references: dict[str, ByValue] = field(default_factory=dict)
    """Reference columns whose cells are no ids but values of the records that they mean."""
    recipe: FoundRecipe | None = None
    """The recipe that the options are from, and what differs from it."""
    proposed: list[Proposal] = field(default_factory=list)
    """What else would read the file better, known from elsewhere."""
    found_references: dict[str, FoundReference] = field(default_factory=dict)
    """What became of their cells, once they were looked up."""
    lacking: list[str] = field(default_factory=list)
    """Columns that a new record needs and the file has nothing for: its rows can only update records."""
    enough: Callable[[SupportsBytesRead], bool] | None = None
    """Says after each block whether to stop reading, for a mere look into the file."""
    sample: list[dict[str, str | None]] = field(default_factory=list)
    """In a dry run: the first records as they would be."""
    feed: Callable[[Collection[str]], Generator[Any]] | None = None
    """Gives the blocks of rows in place of the source, given the texts that are NULL: rows that were rejected."""

    @property
    def places(self) -> list[int]:
        """The file's columns that are read, in the order of ``specs``."""
        order = {name: place for place, name in enumerate(self.mapping.columns) if name is not None}
        return [order[spec.name] for spec in self.specs]

    def said_types(self) -> dict[str, ColumnSpec]:
        """The types that the file itself says, by the names of the new table's columns."""
        names = self.mapping.as_dict()
        return {
            name: parse_sql_type(name, said)
            for header, said in self.source.types.items()
            if (name := names.get(header)) is not None
        }

    def note_what_was_passed_over(self) -> None:
        """Note, once the file has been read, which parts of it were taken for neither text nor rows."""
        marks, separators = self.source.marks_found, self.source.lines_of_separators
        if marks:
            self.notes.append(f"Byte order marks at the start of {counted(marks, 'line')} were ignored.")
        if separators:
            self.notes.append(f"{counted(separators, 'line')} of separators or spaces only: not rows.")
        self.notes += self.told_of_rows

    def take_in(self, oddities: Oddities) -> None:
        """What was noticed while the file was converted, where inference has not said it."""
        self.notes += [note for note in oddities.notes if note not in self.notes]
        known = {column["column"]: column for column in self.columns}
        types = {spec.name: spec.type for spec in self.specs}
        for name, words in oddities.null_words.items():
            found = known.get(name)
            if found is None:
                found = {"column": name, "type": types[name]}
                self.columns.append(found)
            if not found.get("null_words"):
                found["null_words"] = dict(words.most_common(10))

    @property
    def means_own_rows(self) -> bool:
        """Whether rows may mean one another by a value."""
        return any(
            rule.is_own and {name, rule.match.name} <= set(self.mapping.columns)
            for name, rule in self.references.items()
        )

    @property
    def only_updates(self) -> bool:
        """Whether rows are found by the system's key: then none of them becomes a record."""
        return RECORD_KEY in self.specs

    def keep_guards(self) -> None:
        """Keep the file's apostrophes: they belong to the cells."""
        self.guard, self.guard_open = "none", False

    def findings(self) -> Findings:
        """For the job: what was found in the file, and how it is read."""
        found: Findings = {
            "dialect": cast("DialectFacts", asdict(self.dialect)),
            "headers": list(self.mapping.headers),
            "mapping": self.mapping.as_dict(),
            "null_values": list(self.markers or ()),
            "date_formats": {name: [form.name for form in forms] for name, forms in self.formats.items() if forms},
            "types": {spec.name: spec.type for spec in self.specs},
            "notes": [*self.notes, *self._reference_notes(), *self.source.notes],
        }
        if self.guard == "export" and self.guards_found:
            found["guarded"] = True
            found["notes"] = [*found["notes"], _GUARDS_OFF]
        source = self.source
        if source.sheets:
            found["sheets"] = [
                {"name": sheet.name, "rows": sheet.rows, "hidden": sheet.is_hidden, "taken": sheet.is_taken}
                for sheet in source.sheets
            ]
        if warnings := [*self.cautions, *(Caution(code=w.code, message=w.message) for w in source.warnings)]:
            found["warnings"] = warnings
        if self.columns:
            found["columns"] = self.columns
        if self.footer:
            found["footer"] = self.footer
        if self.recipe:
            found["recipe"] = self.recipe
        proposals = [
            *self.proposed, *proposals_of(self.columns, self.markers, self.footer, skipped=self.skip_last)
        ]  # fmt: skip
        if proposals:
            found["proposals"] = proposals
            found["notes"] = [*found["notes"], *(proposal["message"] for proposal in proposals)]
        if looked_up := {**self._references(), **self.found_references}:
            found["references"] = looked_up
        if self.sample:
            found["sample"] = self.sample
        return found

    def _reference_notes(self) -> list[str]:
        return [
            f"{name}: looked up by “{rule.match.name}” of “{rule.table}”."
            for name, rule in self.references.items()
            if name in self.mapping.columns
        ]

    def _references(self) -> dict[str, FoundReference]:
        """For every reference column that the file fills: what its cells are."""
        by_id: FoundReference = {"match": ID, "missing": "reject"}
        return {
            spec.name: {"match": rule.match.name, "missing": rule.missing}
            if (rule := self.references.get(spec.name))
            else by_id
            for spec in self.specs
            if spec.kind.is_reference
        }

    def read_again(self, columns: Mapping[str, int]) -> ReadAgain:
        """For the job: what rejected rows are read by later. ``columns`` are the keys of the table's columns."""
        return {
            "columns": {
                header: columns[name] for header, name in self.mapping.as_dict().items() if name and name in columns
            },
            "styles": {name: [style.decimal, style.thousands] for name, style in self.styles.items()},
            "guard": self.guard,
            "nulls": list(self.source.nulls),
        }


def open_stored(job: ImportJob) -> BinaryIO:
    """The job's source file."""
    try:
        file = default_storage.open(job.source, "rb")
    except FileNotFoundError as error:
        raise InvalidInput("The uploaded file has been deleted. Upload it again.", code="source_missing") from error
    return file  # type: ignore[return-value]  # a Django File is a binary file in all that is used


def plan_onto(opening: Opening, options: ImportOptions, columns: Sequence[ColumnSpec]) -> Plan:
    """The plan for a table that exists, with these columns."""
    headers, named = opening.headers, _is_named(opening)
    if not named and opening.damaged_header:
        check_order(opening.damaged_header, len(headers), [column.name for column in columns])
    specs = {column.name: column for column in columns}
    tail = _empty_tail(opening, options)
    # Its being there is the key's affair, and checked with it.
    targets = [*([replace(RECORD_KEY, required=False)] if options.mode.by_id else []), *specs.values()]
    mapping = map_onto(
        headers[: len(headers) - tail], options.mapping, targets, has_header=named, may_lack=options.mode.updates
    )
    check_key(options.mode, columns, mapping.columns)
    mapping = mapping.with_tail(headers[len(headers) - tail :])
    used = [specs[column.name] for column in columns if column.name in mapping.columns]
    if options.mode.mirrors:
        # A row without a key could be any record's, and what the file lacks is told by keys.
        used = [replace(spec, required=True) if spec.name in options.mode.key else spec for spec in used]
    if RECORD_KEY.name in mapping.columns:
        used.insert(0, RECORD_KEY)
    unwanted = {header.strip() for header in options.mapping or {}}
    passed = [header for header, name in mapping.as_dict().items() if name is None and header not in unwanted]
    passed = passed[: len(passed) - tail]
    if opening.dialect.drawn and passed[:1] == ["column_1"]:
        del passed[0]  # what the bar at the beginning bounds
    plan = _begun(opening, mapping, used, options, tail)
    plan.lacking = lacking(list(specs.values()), mapping.columns)
    _check_by_column(options, list(specs), "The table has no column")
    plan.styles = {spec.name: style for spec in used if (style := options.style_of(spec.name))}
    if "id" in passed and named:
        passed.remove("id")
        plan.notes.append(_ID_PASSED_OVER)
    if passed and not mapping.guarded:
        plan.notes += passed_over(passed, opening.gaps)
    if options.date_formats:
        plan.formats = {spec.name: list(options.date_formats) for spec in used}
    else:
        plan.formats = {name: list(forms) for name, forms in options.column_formats.items()}
        plan.formats_open = True
    return plan


def plan_new(opening: Opening, options: ImportOptions) -> Plan:
    """The plan for a table that is to be made from the file; the types are still text."""
    headers, tail = opening.headers, _empty_tail(opening, options)
    mapping = map_new(headers[: len(headers) - tail], options.mapping, has_header=_is_named(opening))
    mapping = mapping.with_tail(headers[len(headers) - tail :])
    specs = [ColumnSpec(name=name, type="text", label=_label(header, name)) for header, name in
             zip(mapping.headers, mapping.columns, strict=True) if name is not None]  # fmt: skip
    _check_by_column(options, mapping.columns, "The new table has no column")
    specs = [replace(options.types[spec.name], label=spec.label) if spec.name in options.types else spec
             for spec in specs]  # fmt: skip
    plan = _begun(opening, mapping, specs, options, tail)
    if (own := mapping.as_dict().get("id")) is not None and own != "id":
        plan.notes.append(
            f"“id” is the system's own key: the file's column is called “{own}”, and records get ids of their own."
        )
    if opening.dialect.has_header and (doubled := _doubled(opening.headers, mapping.headers)):
        plan.notes.append(f"Some columns have the same header; the later ones are called {', '.join(doubled)}.")
    return plan


def _begun(
    opening: Opening, mapping: ColumnMapping, specs: list[ColumnSpec], options: ImportOptions, tail: int
) -> Plan:
    """What plans for new and for existing tables have in common."""
    plan = Plan(
        opening.source, opening.dialect, mapping, specs, options.null_values, trim=options.trim, empty_tail=tail
    )
    plan.is_padded = options.trim is not False and opening.dialect.is_padded
    plan.guard, plan.guard_open = _guard(opening, mapping, options)
    documents = {spec.name for spec in specs if spec.kind.kernel == "json"}
    opening.source.keep_json({header for header, name in mapping.as_dict().items() if name in documents})
    plan.bad_is_null = frozenset(spec.name for spec in specs if options.bad_cells_of(spec.name) == "null")
    plan.allow_infinity = options.allow_infinity
    plan.skip_last = options.skip_last
    plan.lines_of_head = opening.lines_of_head
    plan.notes += notes_on_head(opening, options, tail)
    return plan


def _check_by_column(options: ImportOptions, columns: Sequence[str | None], reason: str) -> None:
    for option, names in options.by_column.items():
        if strangers := sorted(names.difference(name for name in columns if name)):
            said = f"{reason} “{strangers[0]}”."
            raise InvalidInput(said, code="unknown_column", fields={option: said})


def _empty_tail(opening: Opening, options: ImportOptions) -> int:
    """How many columns at the end are ignored; none if the mapping names one of them."""
    tail = opening.headers[len(opening.headers) - opening.empty_tail :]
    return 0 if set(tail).intersection(options.mapping or {}) else len(tail)


def _doubled(headers: Sequence[str], names: Sequence[str]) -> list[str]:
    """The names given to tell equal headers apart."""
    bare = {header.strip() for header in headers}
    return [f"“{name}”" for name in names if name not in bare and re.sub(r"_\d+$", "", name) in bare][:20]


def _guard(opening: Opening, mapping: ColumnMapping, options: ImportOptions) -> tuple[Guard, bool]:
    """How the file's cells seem to be guarded, and whether cells may still prove that wrong."""
    exported = _is_export(opening)
    if exported and _EXACT.match(opening.source.sample(_HEADER_BYTES)):
        return "exact", False
    if options.guarded is False:
        return "none", False
    if mapping.guarded:
        return "corrected", False
    if options.guarded:
        return "export", False
    if opening.source.kind != "text":
        return "exact", False  # texts are called texts there, and need no guards
    return ("export", True) if exported else ("none", False)


def _is_export(opening: Opening) -> bool:
    """Whether the file has the header of an export: ``id`` and valid names of columns."""
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
