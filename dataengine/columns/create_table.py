"""Reads a table from the text of one ``CREATE TABLE``, of PostgreSQL or another database. Pure: it runs nothing.

sqlglot parses; what is taken from its tree are names, types that the registry has, and literals, and DDL is written
from those, as from any other description of a table. What a table of ours cannot have is named in a note, never
dropped silently. A text that holds anything besides the one statement is refused.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

from dataengine.columns.identifiers import derive_identifier, validate_identifier
from dataengine.columns.limits import possible_rules
from dataengine.columns.sql_checks import rules_of
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import BY_SQL_NAME, ColumnSpec
from dataengine.exceptions import InvalidInput, shown

if TYPE_CHECKING:
    from sqlglot import exp

_DIALECTS = ("postgres", "mysql", "sqlite", "tsql", "oracle")
"""In this order: the first that understands the text reads it."""
LONGEST = 60_000
"""Characters of a statement: as many columns as a table can have, with some words for each."""
_INTEGERS = frozenset({"smallint", "integer", "bigint", "reference"})
# What other databases call types that there are here, by sqlglot's name, with the parameters that are kept.
_ALSO: dict[str, tuple[str, bool]] = {
    "TINYINT": ("SMALLINT", False), "UTINYINT": ("SMALLINT", False), "YEAR": ("SMALLINT", False),
    "SMALLSERIAL": ("SMALLINT", False), "SMALLINT": ("SMALLINT", False), "USMALLINT": ("INTEGER", False),
    "MEDIUMINT": ("INTEGER", False), "UMEDIUMINT": ("INTEGER", False), "SERIAL": ("INTEGER", False),
    "INT": ("INTEGER", False), "UINT": ("BIGINT", False), "BIGSERIAL": ("BIGINT", False), "BIGINT": ("BIGINT", False),
    "UBIGINT": ("NUMERIC(20,0)", False), "UDECIMAL": ("NUMERIC", True), "MONEY": ("NUMERIC", False),
    "SMALLMONEY": ("NUMERIC", False), "BIGDECIMAL": ("NUMERIC", True), "FLOAT": ("REAL", False),
    "DOUBLE": ("DOUBLE PRECISION", False), "BIT": ("BOOLEAN", False), "CHAR": ("VARCHAR", True),
    "NCHAR": ("VARCHAR", True), "BPCHAR": ("VARCHAR", True), "NAME": ("VARCHAR(63)", False), "ENUM": ("CHOICE", True),
    "SET": ("CHOICES", True), "VARCHAR": ("TEXT", False), "NVARCHAR": ("TEXT", False), "TIME": ("TIME", False),
    "TIMESTAMP": ("TIMESTAMP", False), "DATETIME": ("TIMESTAMP", False), "DATETIME2": ("TIMESTAMP", False),
    "TIMESTAMPTZ": ("TIMESTAMPTZ", False), "TIMESTAMPLTZ": ("TIMESTAMPTZ", False), "INTERVAL": ("DURATION", False),
}  # fmt: skip
_OWN_WORDS = {"citext": "TEXT"}
"""Types of extensions, by their names."""


@dataclass(slots=True)
class ReadTable:
    """A table as described; ``notes`` say what of it a table of ours cannot have."""

    name: str
    columns: list[ColumnSpec]
    notes: list[str] = field(default_factory=list)


def is_sql(text: str) -> bool:
    """Whether a text is meant as SQL: it begins with a word that begins statements, or with a comment."""
    first = text.lstrip("\ufeff \t\r\n(;")
    if first.startswith(("--", "/*")):
        return True
    words = first[:200].split()
    known = {"alter", "begin", "comment", "create", "delete", "drop", "grant", "insert", "select", "set", "update"}
    return len(words) > 1 and words[0].casefold() in known and not words[0].endswith((",", ";", "|"))


def read_create_table(text: str) -> ReadTable:
    """The table that a ``CREATE TABLE`` describes. Raises InvalidInput that names what else the text holds."""
    if len(text) > LONGEST:
        raise _refused(f"This SQL is longer than {LONGEST:,} characters.")
    try:
        return _read(*_only_statement(text))
    except RecursionError as error:
        raise _refused("This SQL is nested too deeply.") from error


def _read(create: exp.Create, beside: Sequence[exp.Expr]) -> ReadTable:
    from sqlglot import exp

    schema = create.this
    if not isinstance(schema, exp.Schema):
        raise _refused("This CREATE TABLE lists no columns: it takes them from a query or from another table.")
    reader = _Reader(schema.this.name)
    for part in schema.expressions:
        reader.take(part)
    if not reader.columns:
        raise _refused("This CREATE TABLE lists no columns.")
    for more in create.args["properties"].expressions if create.args.get("properties") else ():
        if isinstance(more, exp.InheritsProperty | exp.PartitionedByProperty):
            reader.notes.append(f"{_sql(more)} is left out: a table here cannot have it.")
    reader.notes += [f"{called} is left out." for called in dict.fromkeys(map(_called, beside))]
    return ReadTable(reader.table, list(reader.columns.values()), reader.notes)


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_sql", fields={"sql": reason})


# The one statement -----------------------------------------------------------------------------------------------


def _only_statement(text: str) -> tuple[exp.Create, list[exp.Expr]]:
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what it does not understand; so do we
    problem: InvalidInput | None = None
    for dialect in _DIALECTS:
        try:
            statements = _parsed(text, dialect)
        except InvalidInput as error:
            problem = problem or error
            continue
        if any(_makes_table(statement) for statement in statements):
            return _single(statements)
        problem = problem or _without_table(statements)
    assert problem is not None  # no dialect understood the text
    raise problem


def _parsed(text: str, dialect: str) -> list[exp.Expr]:
    import sqlglot
    from sqlglot import exp
    from sqlglot.errors import ParseError, SqlglotError

    try:
        found = sqlglot.parse(text, read=dialect)
    except ParseError as error:
        where = error.errors[0] if error.errors else {}
        place = f" at line {where['line']}, column {where['col']}" if where.get("line") else ""
        near = f", near “{shown(str(where['highlight']), 40)}”" if where.get("highlight") else ""
        raise _refused(f"This SQL cannot be read{place}{near}.") from error
    except (SqlglotError, RecursionError, ValueError) as error:
        raise _refused("This SQL cannot be read.") from error
    return [statement for statement in found if statement is not None and not isinstance(statement, exp.Semicolon)]


def _single(statements: Sequence[exp.Expr]) -> tuple[exp.Create, list[exp.Expr]]:
    """The statement, and its indexes and comments, with which our own text of a table goes on, too."""
    table = next(statement for statement in statements if _makes_table(statement))
    others = [statement for statement in statements if statement is not table]
    if not all(_belongs_to(_name_of(table), statement) for statement in others):
        said = f"The text must hold one CREATE TABLE and nothing else; besides “{_name_of(table)}” it holds"
        raise _refused(f"{said} {_listed(others)}.")
    return cast("exp.Create", table), others


def _belongs_to(name: str, statement: exp.Expr) -> bool:
    from sqlglot import exp

    is_index = isinstance(statement, exp.Create) and statement.kind == "INDEX"
    if not (is_index or isinstance(statement, exp.Comment)):
        return False
    return any(found.name.casefold() == name.casefold() for found in statement.find_all(exp.Identifier))


def _without_table(statements: Sequence[exp.Expr]) -> InvalidInput:
    if not statements:
        return _refused("There is no statement in this text.")
    return _refused(f"There is no CREATE TABLE in this text; it holds {_listed(statements)}.")


def _listed(statements: Iterable[exp.Expr]) -> str:
    called = list(dict.fromkeys(_called(statement) for statement in statements))
    return ", ".join(called[:10]) + (" and more" if len(called) > 10 else "")


def _makes_table(statement: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(statement, exp.Create) and statement.kind == "TABLE"


def _name_of(create: exp.Expr) -> str:
    from sqlglot import exp

    found = create.find(exp.Table)
    return shown(found.name, 63) if found is not None else ""


def _called(statement: exp.Expr) -> str:
    """What a statement is, in SQL's words: ``CREATE TABLE “orders”``, ``DROP``."""
    from sqlglot import exp

    if _makes_table(statement):
        return f"CREATE TABLE “{_name_of(statement)}”"
    if isinstance(statement, exp.Create):
        return f"CREATE {statement.kind or ''}".strip()
    if isinstance(statement, exp.Command):
        return shown(str(statement.this).upper(), 40)
    return shown(statement.key.upper(), 40)


# Its columns -----------------------------------------------------------------------------------------------------


class _Reader:
    """Reads the parts between a statement's brackets. What a part says of an earlier column replaces that column."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.columns: dict[str, ColumnSpec] = {}
        """By name in the statement, in small letters."""
        self.notes: list[str] = []
        self._left_out: set[str] = set()

    def take(self, part: exp.Expr) -> None:
        from sqlglot import exp

        match part:
            case exp.ColumnDef():
                self._column(part)
            case exp.Constraint():
                for inner in part.expressions:
                    self.take(inner)
            case exp.PrimaryKey():
                self._keys(part.expressions, "PRIMARY KEY")
            case exp.UniqueColumnConstraint():
                self._keys(part.this.expressions if part.this else [], "UNIQUE")
            case exp.ForeignKey():
                self._foreign_key(part)
            case exp.CheckColumnConstraint():
                self._check(part)
            case exp.IndexColumnConstraint():
                self.notes.append(f"The index {_sql(part)} is left out; indexes are ticked at their columns.")
            case _:
                self.notes.append(f"{_sql(part)} is left out: a table here cannot have it.")

    # A column ------------------------------------------------------------------------------------------------------

    def _column(self, part: exp.ColumnDef) -> None:
        from sqlglot import exp

        said = part.name
        kinds = [constraint.kind for constraint in part.constraints]
        if said.casefold() in self.columns:
            raise _refused(f"This CREATE TABLE has two columns “{shown(said, 63)}”.")
        is_key = any(isinstance(kind, exp.PrimaryKeyColumnConstraint) for kind in kinds)
        name = self._free_name(said)
        spec = self._typed(name, part.args.get("kind"))
        if said.casefold() == "id" and spec.type in _INTEGERS:
            self._left_out.add(said.casefold())
            self.notes.append("“id” is left out: every table has an id, and Tablekeep gives it out.")
            return
        if name != said:
            spec = replace(spec, label=said)
            self.notes.append(f"“{shown(said, 63)}” cannot name a column here: it is “{name}”, and labelled as it was.")
        self.columns[said.casefold()] = spec
        if is_key:
            self._change(said, unique=True, required=True)
        for kind in kinds:
            self._column_constraint(said, kind)

    def _free_name(self, said: str) -> str:
        try:
            return validate_identifier(said)
        except InvalidInput:
            return derive_identifier(said, taken=[spec.name for spec in self.columns.values()])

    def _typed(self, name: str, kind: Any) -> ColumnSpec:
        text = _sql(kind) if kind is not None else ""
        for candidate in (text, *_other_names(kind)):
            try:
                return parse_sql_type(name, candidate)
            except InvalidInput:
                continue
        what = f"{text} is no type here" if text else "no type is given"
        self.notes.append(f"“{name}”: {what}, so it is TEXT for now. Choose the type that fits.")
        return ColumnSpec(name=name, type="text")

    def _column_constraint(self, said: str, kind: exp.Expr | None) -> None:
        from sqlglot import exp

        match kind:
            case exp.NotNullColumnConstraint():
                self._change(said, required=not kind.args.get("allow_null"))
            case exp.UniqueColumnConstraint():
                self._change(said, unique=True)
            case exp.DefaultColumnConstraint():
                self._default(said, kind.this)
            case exp.CheckColumnConstraint():
                self._check(kind)
            case exp.Reference():
                self._refer(said, kind)
            case exp.CommentColumnConstraint():
                self._change(said, description=kind.this.name)
            case exp.PrimaryKeyColumnConstraint() | exp.AutoIncrementColumnConstraint() | exp.CollateColumnConstraint():
                pass  # read before; numbers that count up are what ids are for; all texts have one order here
            case _:
                self.notes.append(f"“{self.columns[said.casefold()].name}”: {_sql(kind)} is left out.")

    def _default(self, said: str, value: exp.Expr) -> None:
        literal = _literal(value)
        if literal is _NO_LITERAL:
            name = self.columns[said.casefold()].name
            self.notes.append(f"“{name}”: the default {_sql(value)} is left out; a default here is one value.")
        else:
            self._change(said, default=literal)

    def _change(self, said: str, **changes: Any) -> None:
        spec = self.columns[said.casefold()]
        unique = changes.pop("unique", None)
        if unique is not None:
            spec = spec.made_unique(unique)
        self.columns[said.casefold()] = replace(spec, **changes)

    # Rules of the table --------------------------------------------------------------------------------------------

    def _single(self, names: Iterable[exp.Expr]) -> str | None:
        """The one column that is named, as the statement has it; None for several, or one that there is not."""
        listed = [name.name for name in names]
        return listed[0] if len(listed) == 1 and listed[0].casefold() in self.columns else None

    def _keys(self, names: Sequence[exp.Expr], what: str) -> None:
        said = self._single(names)
        if said is not None:
            self._change(said, unique=True, **({"required": True} if what == "PRIMARY KEY" else {}))
        elif not {name.name.casefold() for name in names} <= self._left_out:
            listed = ", ".join(name.name for name in names)
            self.notes.append(f"{what} ({listed}) is left out: here, one column alone is unique or not.")

    def _foreign_key(self, part: exp.ForeignKey) -> None:
        said, reference = self._single(part.expressions), part.args.get("reference")
        if said is None or reference is None:
            self.notes.append(f"{_sql(part)} is left out: here, one column refers to the id of another table.")
        else:
            self._refer(said, reference)

    def _refer(self, said: str, reference: exp.Expr) -> None:
        from sqlglot import exp

        spec, table = self.columns[said.casefold()], reference.find(exp.Table)
        keys = [one.name.casefold() for one in getattr(reference.this, "expressions", ())]
        if table is None or spec.type not in _INTEGERS or keys not in ([], ["id"]):
            self.notes.append(f"“{spec.name}”: {_sql(reference)} is left out: references here are to ids.")
            return
        try:
            read = parse_sql_type(spec.name, BY_SQL_NAME["REFERENCES"].sql_text_with(table.name))
        except InvalidInput as error:
            self.notes.append(f"“{spec.name}”: {error.message}")
            return
        self.columns[said.casefold()] = replace(spec, type=read.type, parameters=read.parameters)

    def _check(self, part: exp.Expr) -> None:
        rules = rules_of(part.this)
        said, wanted = next(iter(rules.items()), ("", {}))
        spec = self.columns.get(said.casefold())
        if len(rules) != 1 or spec is None:
            self.notes.append(f"{_sql(part)} is left out: it is no rule for the values of one column.")
            return
        choices = wanted.pop("choices", None)
        if choices is not None and not wanted and (spec.kind.is_text or spec.kind.is_list):
            spec = replace(spec, type="choices" if spec.kind.is_list else "choice", parameters={"choices": choices})
            choices = None
        possible = possible_rules(spec.kind, wanted)
        if choices is not None or possible is None:
            self.notes.append(f"{_sql(part)} is left out: {spec.kind.noun} columns cannot have this rule.")
            return
        self.columns[said.casefold()] = replace(spec, constraints=spec.constraints | possible)


_NO_LITERAL: Any = object()


def _literal(value: exp.Expr) -> Any:
    """The text of a default's literal, None for NULL, ``_NO_LITERAL`` for anything else."""
    from sqlglot import exp

    match value:
        case exp.Cast() | exp.Paren():
            return _literal(value.this)
        case exp.Literal():
            return value.name
        case exp.Neg() if isinstance(value.this, exp.Literal) and not value.this.is_string:
            return f"-{value.this.name}"
        case exp.Boolean():
            return "true" if value.this else "false"
        case exp.Null():
            return None
        case _:
            return _NO_LITERAL


def _other_names(kind: Any) -> list[str]:
    """What a type may be called here instead, most exact first."""
    from sqlglot import exp

    if not isinstance(kind, exp.DataType):
        return []
    found: list[str] = []
    word = getattr(kind.this, "name", "")
    if word in {"TINYINT", "BIT"} and [one.sql() for one in kind.expressions] == ["1"]:
        found.append("BOOLEAN")
    if word in _ALSO:
        name, keeps = _ALSO[word]
        given = ", ".join(one.sql(dialect="postgres") for one in kind.expressions)
        found.append(f"{name}({given})" if keeps and given else "VARCHAR(1)" if word == "CHAR" else name)
    own = _OWN_WORDS.get(_sql(kind).casefold())
    return [*found, *([own] if own else [])]


def _sql(part: exp.Expr | None) -> str:
    return shown(part.sql(dialect="postgres"), 200) if part is not None else ""
