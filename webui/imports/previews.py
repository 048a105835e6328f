"""What is in an uploaded file, before anything is imported: how it is written, its columns, its first rows.

What an import would decide of each column, and why, is asked of a process that has what converts
(``services/import_looks.py``); each decision comes with the controls that turn it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from django.core.files.storage import default_storage

from dataengine.columns.types import REGISTRY
from dataengine.exceptions import AccessDenied, InvalidInput
from dataengine.imports.converting.date_formats import BY_NAME
from dataengine.imports.dialects.opening import Opening, examine
from dataengine.imports.planning.corrected_files import as_before
from dataengine.imports.planning.head_notes import units_below
from dataengine.imports.planning.modes import Mode
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import plan_new, plan_onto
from dataengine.imports.planning.recipes import difference
from dataengine.imports.reading.kinds import WORKBOOKS
from dataengine.imports.reading.sheet_words import sheet_notes
from dataengine.models import Column
from dataengine.services import import_looks, import_references, recipes
from webui.imports.drafts import Draft, gone
from webui.imports.reference_controls import Choice, reference_choices
from webui.imports.sheet_choices import SheetChoice, sheets_of
from webui.imports.suggestions import suggestions
from webui.words import plural

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_EXAMPLES = 3
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "space"}
_BAD_CELLS = (("reject", "reject the row"), ("null", "leave the cell empty"), ("text", "make the column text"))
_MARKS = {",": "comma before decimals", ".": "point before decimals"}


@dataclass(frozen=True, slots=True)
class FileColumn:
    """A column of the file: its header, some of its values, where it goes, what it is and why."""

    number: int
    header: str
    examples: list[str]
    target: str
    kind: str
    message: str
    is_doubtful: bool
    controls: list[Choice]
    suggested: Column | None = None
    """Where it may belong, although nothing goes there by itself."""


@dataclass(frozen=True, slots=True)
class Offer:
    """Options that would read the file better; one box to tick. ``name`` and ``value`` are the form's."""

    name: str
    value: str
    label: str
    taken: bool


class Slot(NamedTuple):
    """A column of the table, to which headers of the file are dragged: those that go there now, in words."""

    name: str
    title: str
    headers: str
    is_empty: bool


_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Preview:
    """``found`` describes the file's format as (what, how). ``problem`` tells why it cannot be imported as it is."""

    found: list[tuple[str, str]] = field(default_factory=list)
    columns: list[FileColumn] = field(default_factory=list)
    offers: list[Offer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    looked_at: str = ""
    is_pending: bool = False
    """Whether the columns are still being looked into."""
    problem: str = ""
    sheets: list[SheetChoice] = field(default_factory=list)
    sheet: str = ""
    """The one that is shown."""
    slots: list[Slot] = field(default_factory=list)
    left_out: str = _NOTHING
    """The headers that go nowhere."""


_NO_MATTER_WHAT = Mode(on_conflict="update")
"""A mode in which a file may lack columns."""


def preview(user: User, draft: Draft, columns: Sequence[Column] | None, options: dict[str, Any]) -> Preview:
    """Look into ``draft``, to be imported into a table with ``columns``, or into a new one (None)."""
    specs = None if columns is None else [column.to_spec() for column in columns]
    table = columns[0].table if columns else None
    try:
        complete, recipe = recipes.expanded(user, table, "", options)
        read = ImportOptions.read(complete)
        opening = examine(cast("BinaryIO", draft), draft.filename, read.dialect)
        taken = opening.source.sheet
        sheets = sheets_of(draft, read.dialect) if taken is not None and len(opening.source.sheets) > 1 else []
        if sheets:
            opening = examine(cast("BinaryIO", draft), draft.filename, read.dialect)
        if columns:
            read = as_before(columns[0].table, draft.filename, opening, read)
    except InvalidInput as error:
        return Preview(problem=error.message)
    headers = opening.headers
    if read.mapping is not None and not set(read.mapping) <= set(headers):
        # With another dialect it has other headers, so the choices for the old ones do not apply.
        read = replace(read, mapping=None, given={**read.given, "mapping": None})
    differs = None
    if recipe is not None and table is not None:
        read, differs = recipes.fitted(recipe, table, opening, read)
    problem, plan = "", None
    others = import_references.targets_of(columns or [])
    try:
        plan = plan_new(opening, read) if specs is None else plan_onto(opening, read, specs)
        read = import_references.completed(user, others, plan, opening, read)
        plan.references = import_references.rules(others, read, columns[0].table if columns else None)
    except (InvalidInput, AccessDenied) as error:
        problem = error.message
        if specs is not None:
            with suppress(InvalidInput):  # which columns meet is to be seen even if that is not enough
                plan = plan_onto(opening, replace(read, mode=_NO_MATTER_WHAT), specs)
    look: dict[str, Any] = {}
    is_pending = False
    if plan is not None and not problem:
        try:
            look = import_looks.look(draft.key, draft.filename, read.given, specs, plan.references)
        except import_looks.Pending:
            is_pending = True
        if not look and not default_storage.exists(draft.key):
            raise gone()  # its import began meanwhile
    records = opening.first_records
    targets = [target or "" for target in plan.mapping.columns] if plan else [""] * len(headers)
    labels = {} if columns is None else {column.name: column.kind.label for column in columns}
    decided = {found["column"]: found for found in look.get("columns", ())}
    controls = {
        target: reference_choices(user, others[target], number, read.references.get(target))
        for number, target in enumerate(targets)
        if target in others
    }
    suggested = suggestions(headers, targets, columns or [])
    gaps = _gaps(opening, targets, look, is_new=specs is None)
    return Preview(
        found=[*_found(opening), *([("Recipe", difference(differs) or recipe.name)] if differs and recipe else [])],
        columns=[
            _column(
                number,
                header,
                _examples(records, number),
                target,
                decided.get(target, {}),
                labels,
                read,
                controls.get(target, []),
                suggested.get(number),
                is_gap=header in opening.gaps,
            )
            for number, (header, target) in enumerate(zip(headers, targets, strict=True))
            if number not in gaps
        ],
        offers=[
            *([] if recipe or not table else map(_recipe_offer, recipes.proposals(table, opening))),
            *_unit_offers(opening, read),
            *_offers(look.get("proposals", ()), read),
            *_unique_offers(look.get("proposals", ()), read, targets),
        ],
        notes=_notes(look, sheet_notes(opening.source.sheets) if sheets else []),
        looked_at=_looked_at(look),
        is_pending=is_pending,
        problem=problem or look.get("problem", ""),
        sheets=sheets,
        sheet=taken.name if taken else "",
        slots=[
            Slot(one.name, one.title, _going(one.name, headers, targets), one.name not in targets)
            for one in columns or []
        ],
        left_out=_names(header for number, header in enumerate(headers) if not targets[number] and number not in gaps),
    )


def _gaps(opening: Opening, targets: Sequence[str], look: Mapping[str, Any], *, is_new: bool) -> set[int]:
    """Which columns of the file the import passes over, for they have neither a name nor a value.

    Of a new table that is found in the whole sheet (``planning/gaps.py``); not by what was found of columns, since
    nothing is looked for in those of which somebody has said the type. Of another table it is those that go nowhere and
    have nothing in the first few hundred rows: nobody misses them among the columns to choose from.
    """
    if is_new and look.get("is_whole"):
        kept = {spec["name"] for spec in look["specs"]}
        return {number for number, header in enumerate(opening.headers) if targets[number] == header not in kept}
    if is_new or opening.source.kind not in WORKBOOKS:
        return set()
    return {number for number in opening.empty_places if not targets[number]}


def _going(column: str, headers: Sequence[str], targets: Sequence[str]) -> str:
    """The headers that go to a column, in words."""
    return _names(header for header, target in zip(headers, targets, strict=True) if target == column)


def _names(headers: Iterable[str]) -> str:
    return ", ".join(headers) or _NOTHING


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


def _column(
    number: int,
    header: str,
    examples: list[str],
    target: str,
    found: Mapping[str, Any],
    labels: Mapping[str, str],
    options: ImportOptions,
    references: Sequence[Choice],
    suggested: Column | None,
    *,
    is_gap: bool,
) -> FileColumn:
    is_new = options.create_table
    kind = REGISTRY[found["type"]].label if "type" in found else ""
    return FileColumn(
        number,
        header,
        examples,
        target,
        kind=labels.get(target, kind),
        message=found.get(
            "message", "no name in the file, no values in its first rows" if is_gap and not target else ""
        ),
        is_doubtful=bool(found.get("failing")),
        controls=[*references, *_controls(number, target, found, kind, options, is_new=is_new)] if target else [],
        suggested=suggested,
    )


def _controls(
    number: int, target: str, found: Mapping[str, Any], kind: str, options: ImportOptions, *, is_new: bool
) -> list[Choice]:
    controls = []
    if is_new:
        said = options.types.get(target)
        as_found = f"{kind}, as found" if kind and not said else "as the file shows"
        chosen = said.kind.sql_names[0] if said else ""
        controls.append(Choice(f"type-{number}", "Type", [("", as_found), *_type_choices()], chosen))
    bad = options.bad_cells_of(target)
    if found.get("failing") or bad != "reject":
        offered = _BAD_CELLS if is_new else _BAD_CELLS[:2]
        controls.append(Choice(f"bad-{number}", "Where a cell does not fit", offered, bad))
    if len(forms := found.get("date_formats", ())) > 1 or target in options.column_formats:
        chosen = next((form.name for form in options.column_formats.get(target, ())), "")
        choices = _turned([(form, _example(form)) for form in forms], (chosen, _example(chosen)))
        controls.append(Choice(f"dates-{number}", "31 January is written", choices, chosen))
    if len(marks := found.get("decimals", ())) > 1 or target in options.styles:
        chosen = options.styles[target].decimal if target in options.styles else ""
        choices = _turned([(mark, _MARKS[mark]) for mark in marks], (chosen, _MARKS.get(chosen, "")))
        controls.append(Choice(f"decimal-{number}", "Numbers have a", choices, chosen))
    return controls


def _turned(found: list[tuple[str, str]], chosen: tuple[str, str]) -> list[tuple[str, str]]:
    """What was found, which need not be said, and what it can be changed into or was changed into already."""
    if chosen[0]:
        return [("", "as the file shows"), chosen]
    return [("", f"{found[0][1]}, as found"), *found[1:]]


def _example(form: str) -> str:
    return BY_NAME[form].example if form in BY_NAME else form


@cache
def _type_choices() -> list[tuple[str, str]]:
    """The types that need nothing more to be said."""
    return [(kind.sql_names[0], kind.label) for kind in REGISTRY.values() if not kind.details or kind.name == "numeric"]


def _recipe_offer(proposal: Mapping[str, Any]) -> Offer:
    return Offer("take_recipe", proposal["options"]["recipe"], f"{proposal['message']} Take it.", False)


def _unit_offers(opening: Opening, options: ImportOptions) -> list[Offer]:
    if options.dialect.has_units is False:
        return [Offer("has_units", "no", "the line below the header is a row", True)]
    if not opening.dialect.has_units:
        return []
    label = f"The line below the header has units ({units_below(opening)}): take it as a row"
    return [Offer("has_units", "no", label, False)]


def _offers(proposals: Sequence[Mapping[str, Any]], options: ImportOptions) -> list[Offer]:
    offers = []
    if options.null_values:
        taken = json.dumps(list(options.null_values))
        offers.append(Offer("null_words", taken, f"{', '.join(filter(None, options.null_values))}: null", True))
    if options.skip_last:
        said = "row" if options.skip_last == 1 else f"{options.skip_last:,} rows"
        offers.append(Offer("skip_last", str(options.skip_last), f"the last {said} left out", True))
    for proposal in proposals:
        given = proposal["options"]
        if "null_values" in given:
            words = ", ".join(proposal["counts"])
            count = plural(sum(proposal["counts"].values()), "cell,cells")
            label = f"{proposal['column']}: treat {words} as null ({count})"
            offers.append(Offer("null_words", json.dumps(given["null_values"]), label, False))
        elif "skip_last" in given:
            label = proposal["message"].split(";")[0]
            offers.append(Offer("skip_last", str(given["skip_last"]), f"{label}: leave out", False))
    return offers


def _unique_offers(
    proposals: Sequence[Mapping[str, Any]], options: ImportOptions, targets: Sequence[str]
) -> Iterator[Offer]:
    """Columns that tell records apart, by their places in the file, since people may rename them."""
    for name in options.unique:
        if name in targets:
            yield Offer(f"unique-{targets.index(name)}", "yes", f"{name}: unique, so no value may be there twice", True)
    for proposal in proposals:
        if proposal["code"] == "unique_key" and proposal["column"] in targets:
            name = proposal["column"]
            why = proposal["message"].removeprefix(f"{name}: ").partition(";")[0]
            yield Offer(f"unique-{targets.index(name)}", "yes", f"Make {name} unique: {why}", False)


def _notes(look: Mapping[str, Any], on_sheets: Sequence[str]) -> list[str]:
    """What is said of the file as a whole; its columns, and the sheets of a workbook, stand where they are chosen."""
    said = {*on_sheets, *(proposal["message"] for proposal in look.get("proposals", ()))}
    names = tuple(f"{found['column']}:" for found in look.get("columns", ())) + tuple(
        f"{found['column']} is " for found in look.get("columns", ())
    )
    return [note for note in look.get("notes", ()) if note not in said and not note.startswith(names)]


def _looked_at(look: Mapping[str, Any]) -> str:
    if "rows" not in look:
        return ""
    rows = plural(look["rows"], "row,rows")
    damaged = f", {plural(look['damaged'], 'line is,lines are')} damaged" if look["damaged"] else ""
    if look["is_whole"]:
        return f"{'its only' if look['rows'] == 1 else 'all'} {rows.removeprefix('1 ')}{damaged}"
    return f"the first {rows}{damaged}"


def _examples(records: list[list[str]], number: int) -> list[str]:
    values = dict.fromkeys(record[number] for record in records[:50])
    return [value[:60] for value in values if value][:_EXAMPLES]
