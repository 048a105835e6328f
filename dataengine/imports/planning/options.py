"""The ``options`` of an import as users send them, validated. Pure.

The job stores the JSON that was ``given``. ``ImportOptions.read`` reads it once when the import is started, where
errors go to the user, and once when it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

from dataengine.columns.identifiers import composed
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.date_formats import BY_NAME, DateFormat, compile_format
from dataengine.imports.converting.number_styles import SEPARATORS, NumberStyle
from dataengine.imports.converting.recognising import TOLERANCE
from dataengine.imports.dialects.dialect import DialectOptions

from . import modes
from .modes import Mode, read_mode
from .references import ReferenceOption, read_references

DIALECT_KEYS = frozenset({"delimiter", "quote", "escape", "encoding", "has_header", "has_units", "skip_rows", "sheet"})
KEYS = DIALECT_KEYS | modes.KEYS | {
    "mapping", "create_table", "null_values", "date_formats", "on_error", "dry_run",
    "trim", "guarded",
    "types", "tolerance", "on_bad_cell", "decimal", "thousands", "allow_infinity", "skip_last", "unique",
    "references", "recipe",
}  # fmt: skip
_BY_COLUMN = ("types", "date_formats", "on_bad_cell", "decimal", "thousands", "references")
"""Options that may be objects whose keys are columns."""
_MAX_LIST = 50
MOST_LAST = 1_000
"""So many rows at the end may be left out."""

type OnError = Literal["skip_rows", "abort"]
type OnBadCell = Literal["reject", "null", "text"]


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Options with their defaults. ``null_values`` None means: the rule for null markers decides."""

    given: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, str | None] | None = None
    create_table: bool = False
    dialect: DialectOptions = field(default_factory=DialectOptions)
    null_values: tuple[str, ...] | None = None
    date_formats: tuple[DateFormat, ...] = ()
    column_formats: Mapping[str, tuple[DateFormat, ...]] = field(default_factory=dict)
    """Date formats given by column of the table."""
    mode: Mode = field(default_factory=Mode)
    on_error: OnError = "skip_rows"
    dry_run: bool = False
    trim: bool | None = None
    """Whether spaces around cells are dropped; None: everywhere but in plain text."""
    guarded: bool | None = None
    """Whether cells have the guard of exports; None: detect it."""
    types: Mapping[str, ColumnSpec] = field(default_factory=dict)
    """Columns of a new table whose type the user gave."""
    tolerance: float = TOLERANCE
    """The share of a new column's filled cells that may not fit the type of the others."""
    on_bad_cell: OnBadCell = "reject"
    bad_cells: Mapping[str, OnBadCell] = field(default_factory=dict)
    """The same where it was given by column."""
    style: NumberStyle | None = None
    """How numbers are written; None: detect it for each column."""
    styles: Mapping[str, NumberStyle] = field(default_factory=dict)
    """The same for the columns for which it was given."""
    allow_infinity: bool = False
    """Whether ``inf`` is a value in floating-point columns."""
    skip_last: int = 0
    """How many rows at the end are left out, such as totals and footnotes."""
    unique: tuple[str, ...] = ()
    """Columns of a new table in which no value may be there twice."""
    references: Mapping[str, ReferenceOption] = field(default_factory=dict)
    """How the cells of reference columns are looked up, where it was given."""

    @classmethod
    def read(cls, given: object) -> ImportOptions:
        """Check options as given. Raises InvalidInput that names every option at fault."""
        if given is None:
            given = {}
        if not isinstance(given, Mapping):
            raise InvalidInput("options must be a JSON object.", code="invalid_option", fields={"options": "no object"})
        if not _is_storable(given):
            reason = "Texts must not contain NUL or a lone surrogate."
            raise InvalidInput(f"Options: {reason}", code="invalid_option", fields={"options": reason})
        given = _with_composed_names(given)
        errors: dict[str, str] = {
            str(name)[:60]: "There is no such option. The options are: " + ", ".join(sorted(KEYS)) + "."
            for name in given
            if name not in KEYS
        }
        values = {name: value for name, value in given.items() if value is not None}
        try:
            dialect = DialectOptions.from_options(values)
        except InvalidInput as error:
            dialect = DialectOptions()
            errors |= {name: messages[0] for name, messages in error.fields.items()}
        bad_cells = values.get("on_bad_cell")
        formats = values.get("date_formats", [])
        by_column = formats if isinstance(formats, Mapping) else {}
        nulls = values.get("null_values")
        options = cls(
            given=dict(given),
            mapping=_mapping(values.get("mapping"), errors),
            create_table=_flag(values, "create_table", errors),
            dialect=dialect,
            null_values=None if nulls is None else tuple(_texts(nulls, "null_values", errors, one=False)),
            date_formats=() if by_column else _formats(formats or [], compile_format, errors),
            column_formats=_formats_by_column(by_column, errors),
            mode=read_mode(values, errors, new_table=values.get("create_table") is True),
            on_error=cast("OnError", _one_of(values, "on_error", ("skip_rows", "abort"), errors)),
            dry_run=_flag(values, "dry_run", errors),
            trim=_flag(values, "trim", errors) if "trim" in values else None,
            guarded=None if values.get("guarded", "auto") == "auto" else _flag(values, "guarded", errors),
            types=_types(values.get("types", {}), errors),
            tolerance=_share(values.get("tolerance", TOLERANCE), errors),
            on_bad_cell="reject" if isinstance(bad_cells, Mapping) else _bad_cell(values, errors),
            bad_cells=_by_column(bad_cells, lambda cell: _bad_cell({"on_bad_cell": cell}, errors)),
            style=_style(values, errors),
            styles=_styles(values, errors),
            allow_infinity=_flag(values, "allow_infinity", errors),
            skip_last=_count(values, "skip_last", errors),
            unique=tuple(_texts(values.get("unique", []), "unique", errors)),
            references=read_references(values.get("references", {}), errors),
        )
        if not options.create_table and not errors:
            if options.types:
                errors["types"] = "The table already has its types; give types for a new table only."
            elif options.unique:
                errors["unique"] = "The table already says which of its columns are unique; this is for a new table."
            elif "text" in (options.on_bad_cell, *options.bad_cells.values()):
                errors["on_bad_cell"] = "The table already has its types; give reject or null."
        if errors:
            name, reason = next(iter(errors.items()))
            raise InvalidInput(f"Option {name}: {reason}", code="invalid_option", fields=errors)
        return options

    def bad_cells_of(self, column: str) -> OnBadCell:
        """What becomes of a cell that is no value of its column's type."""
        return self.bad_cells.get(column, self.on_bad_cell)

    def formats_of(self, column: str) -> tuple[DateFormat, ...]:
        """The formats that a person gave for a column; none where they are to be found."""
        return self.column_formats.get(column, self.date_formats)

    def style_of(self, column: str) -> NumberStyle | None:
        """How a person said that a column's numbers are written."""
        return self.styles.get(column, self.style)

    @property
    def by_column(self) -> dict[str, set[str]]:
        """By option: the columns that it names."""
        named: dict[str, Mapping[str, Any]] = {
            "types": self.types, "date_formats": self.column_formats, "on_bad_cell": self.bad_cells,
            "references": self.references,
        }  # fmt: skip
        marks = {name: self.given[name] for name in ("decimal", "thousands") if isinstance(self.given.get(name), dict)}
        named |= marks | {"unique": dict.fromkeys(self.unique)}
        return {option: set(columns) for option, columns in named.items() if columns}

    def completed(self, found: Mapping[str, Any]) -> ImportOptions:
        """The options completed by ``mapping``, ``date_formats`` by column, ``null_values`` and ``references`` as
        ``found`` before.

        What was given, or not found, stays as it is.
        """
        given = {name: value for name, value in self.given.items() if value is not None}
        added = {name: value for name, value in found.items() if value and name not in given}
        options = replace(self, given=added | given)
        if "mapping" in added:
            options = replace(options, mapping=dict(added["mapping"]))
        if "date_formats" in added:
            options = replace(options, column_formats=_formats_by_column(added["date_formats"], {}))
        if "null_values" in added:
            options = replace(options, null_values=tuple(added["null_values"]))
        if "references" in added:
            options = replace(options, references=read_references(added["references"], {}))
        return options


def _with_composed_names(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the names of columns as those are kept, in normal form C; whatever else is in their places."""
    made = dict(given)
    for option in _BY_COLUMN:
        if isinstance(value := made.get(option), Mapping):
            made[option] = {_composed(name): said for name, said in value.items()}
    for option in ("unique", "key"):
        if isinstance(value := made.get(option), list | tuple):
            made[option] = [_composed(name) for name in value]
        elif isinstance(value, str):
            made[option] = composed(value)
    if isinstance(mapping := made.get("mapping"), Mapping):
        made["mapping"] = {header: _composed(column) for header, column in mapping.items()}
    if isinstance(references := made.get("references"), Mapping):
        made["references"] = {
            name: {**said, "match": _composed(said["match"])} if isinstance(said, Mapping) and "match" in said else said
            for name, said in references.items()
        }
    if isinstance(missing := made.get("on_missing"), Mapping) and isinstance(missing.get("set"), Mapping):
        made["on_missing"] = {**missing, "set": {_composed(name): value for name, value in missing["set"].items()}}
    return made


def _composed(name: Any) -> Any:
    return composed(name) if isinstance(name, str) else name


def _types(value: object, errors: dict[str, str]) -> dict[str, ColumnSpec]:
    if not isinstance(value, Mapping):
        errors["types"] = "Give an object: {“column”: “TYPE …”}."
        return {}
    types: dict[str, ColumnSpec] = {}
    for name, text in value.items():
        try:
            types[name] = parse_sql_type(name, text)
        except InvalidInput as error:
            errors["types"] = error.message
    return types


def _share(value: object, errors: dict[str, str]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 0.5:
        errors["tolerance"] = "Give a number from 0 to 0.5."
        return 0.0
    return float(value)


def _bad_cell(values: Mapping[str, Any], errors: dict[str, str]) -> OnBadCell:
    return cast("OnBadCell", _one_of(values, "on_bad_cell", ("reject", "null", "text"), errors))


def _by_column[T](value: object, read: Callable[[Any], T]) -> dict[str, T]:
    return {str(name): read(item) for name, item in value.items()} if isinstance(value, Mapping) else {}


def _style(values: Mapping[str, Any], errors: dict[str, str]) -> NumberStyle | None:
    """How numbers of all columns are written, as far as it is said of all."""
    said = {name: mark for name in ("decimal", "thousands") if not isinstance(mark := values.get(name), Mapping)}
    return _style_of(said.get("decimal"), said.get("thousands"), errors)


def _styles(values: Mapping[str, Any], errors: dict[str, str]) -> dict[str, NumberStyle]:
    """The same by column, where one of the marks is said so; what is said of all holds for the other."""
    marks = [values.get(name) for name in ("decimal", "thousands")]
    names = {str(name): None for mark in marks if isinstance(mark, Mapping) for name in mark}
    styles: dict[str, NumberStyle] = {}
    for name in names:
        decimal, thousands = (mark.get(name) if isinstance(mark, Mapping) else mark for mark in marks)
        if (style := _style_of(decimal, thousands, errors)) is not None:
            styles[name] = style
    return styles


def _style_of(decimal: object, thousands: object, errors: dict[str, str]) -> NumberStyle | None:
    if decimal not in (None, ".", ","):
        errors["decimal"] = "Give “.” or “,”."
    if thousands is not None and thousands not in SEPARATORS:
        errors["thousands"] = "Give “.”, “,”, “'” or a space."
    if thousands is not None and thousands == decimal:
        errors["thousands"] = "This is already the decimal mark."
    if (decimal is None and thousands is None) or "decimal" in errors or "thousands" in errors:
        return None
    marks = (decimal or ("," if thousands == "." else "."), thousands)
    return NumberStyle(*cast("tuple[Any, Any]", marks))


def _formats_by_column(value: Mapping[str, Any], errors: dict[str, str]) -> dict[str, tuple[DateFormat, ...]]:
    """Formats by column, well-known ones by name."""
    return {
        str(name): _formats(texts, lambda text: BY_NAME.get(text) or compile_format(text), errors)
        for name, texts in value.items()
    }


def _formats(value: object, read: Callable[[str], DateFormat], errors: dict[str, str]) -> tuple[DateFormat, ...]:
    formats: list[DateFormat] = []
    for text in _texts(value, "date_formats", errors):
        try:
            formats.append(read(text))
        except InvalidInput as error:
            errors["date_formats"] = error.message
    return tuple(formats)


def _texts(value: object, name: str, errors: dict[str, str], *, one: bool = True) -> list[str]:
    """A list of texts, or ``one`` alone. Of what is a word for a missing value, “n/a, -” would be taken for one."""
    if one and isinstance(value, str):
        value = [value]
    if not isinstance(value, list | tuple) or len(value) > _MAX_LIST:
        errors[name] = f"Give a list of at most {_MAX_LIST} texts."
        return []
    if not all(isinstance(text, str) and len(text) <= 200 for text in value):
        errors[name] = "Give a list of texts of at most 200 characters."
        return []
    return list(value)


def _is_storable(value: object) -> bool:
    """Whether PostgreSQL can store every text in it: no NUL, no lone surrogate."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    if isinstance(value, Mapping):
        return all(_is_storable(key) and _is_storable(item) for key, item in value.items())
    return not isinstance(value, list | tuple) or all(map(_is_storable, value))


def _mapping(value: object, errors: dict[str, str]) -> dict[str, str | None] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(
        isinstance(header, str) and (column is None or isinstance(column, str)) for header, column in value.items()
    ):
        errors["mapping"] = "Give an object: {“CSV header”: “column” or null}."
        return None
    return dict(value)


def _count(values: Mapping[str, Any], name: str, errors: dict[str, str]) -> int:
    value = values.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_LAST:
        errors[name] = f"Give a whole number from 0 to {MOST_LAST}."
        return 0
    return value


def _flag(values: Mapping[str, Any], name: str, errors: dict[str, str]) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        errors[name] = "Give true or false."
        return False
    return value


def _one_of(values: Mapping[str, Any], name: str, known: tuple[str, ...], errors: dict[str, str]) -> str:
    value = values.get(name, known[0])
    if value not in known:
        errors[name] = f"Give one of {', '.join(known)}."
        return known[0]
    return str(value)
