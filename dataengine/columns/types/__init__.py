"""THE registry of column types. A new type is one class here (see ``base.ColumnType``). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from dataengine.columns.types.base import ColumnType
from dataengine.columns.types.choice import Choice
from dataengine.columns.types.documents import Json, Jsonb
from dataengine.columns.types.durations import Duration
from dataengine.columns.types.identity import Uuid
from dataengine.columns.types.lists import Choices, Texts
from dataengine.columns.types.logic import Boolean
from dataengine.columns.types.moments import Date, Time, Timestamp, TimestampTz
from dataengine.columns.types.numbers import BigInteger, Double, Integer, Numeric, Real, SmallInteger
from dataengine.columns.types.reference import Reference
from dataengine.columns.types.text import Email, LongText, Text, Url, Varchar
from dataengine.exceptions import InvalidInput

__all__ = [
    "BY_SQL_NAME", "EXACT", "ID", "IGNORE_CASE", "REGISTRY", "ColumnSpec", "ColumnType", "Unique", "recognised",
    "register", "unregister",
]  # fmt: skip

REGISTRY: dict[str, ColumnType] = {}
"""By name, in the order in which users are offered them."""
BY_SQL_NAME: dict[str, ColumnType] = {}
"""By every SQL-style spelling, in capitals."""


def register(kind: ColumnType) -> None:
    """Add a type. Its names must be new."""
    taken = {kind.name} & REGISTRY.keys() | set(kind.sql_names) & BY_SQL_NAME.keys()
    if taken:
        raise ValueError(f"There is already a column type with this name: {', '.join(sorted(taken))}")
    REGISTRY[kind.name] = kind
    BY_SQL_NAME.update(dict.fromkeys(kind.sql_names, kind))


def unregister(kind: ColumnType) -> None:
    """Remove a type. Tables with columns of this type cannot be read without it."""
    del REGISTRY[kind.name]
    for name in kind.sql_names:
        del BY_SQL_NAME[name]


def recognised() -> list[ColumnType]:
    """The types that can be recognised from a column's cells, preferred ones first."""
    found = [(kind.recognition.rank, kind) for kind in REGISTRY.values() if kind.recognition is not None]
    return [kind for _, kind in sorted(found, key=lambda pair: pair[0])]


for _kind in (
    Text(), Varchar(), LongText(), Choice(), Choices(), Texts(), Integer(), Numeric(), SmallInteger(), BigInteger(),
    Double(), Real(), Boolean(), Date(), Time(), Timestamp(), TimestampTz(), Duration(), Email(), Url(), Reference(),
    Uuid(), Json(), Jsonb(),
):  # fmt: skip
    register(_kind)

ID = REGISTRY[BigInteger.name]
"""The type of ``id``, the key of every table."""

IGNORE_CASE: Literal["ignore_case"] = "ignore_case"
EXACT: Literal["exact"] = "exact"
type Unique = bool | Literal["ignore_case", "exact"]
"""How a column is unique: whatever the case, letter for letter, or (true) by the default of its type."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column to be created: validated, but not in the catalog yet.

    ``default`` is the literal's text, ``None`` for no default. ``parameters`` holds ``length``; ``precision`` and
    ``scale``; ``choices`` (list of str); or ``references`` (name of a table). ``constraints`` holds ``minimum``,
    ``maximum``, ``minLength``, ``maxLength``, ``pattern``; of JSON ``json_schema``. ``unique_ignores_case`` is for
    unique texts: values that differ only in case count as the same.
    """

    name: str
    type: str
    parameters: dict[str, Any] = field(default_factory=dict)
    unique: bool = False
    unique_ignores_case: bool = False
    required: bool = False
    default: str | None = None
    label: str = ""
    description: str = ""
    constraints: dict[str, Any] = field(default_factory=dict)
    display: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> ColumnType:
        """The type as the registry has it."""
        return REGISTRY[self.type]

    @property
    def how_unique(self) -> Unique:
        """What to give to ``made_unique`` for the same column."""
        if not self.unique or self.unique_ignores_case == self.kind.unique_ignores_case:
            return self.unique
        return IGNORE_CASE if self.unique_ignores_case else EXACT

    def made_unique(self, unique: Unique) -> ColumnSpec:
        """The same column, unique or not. Raises InvalidInput if case is to be ignored but the type has none."""
        if unique == IGNORE_CASE and not self.kind.is_text:
            reason = f"unique: {self.kind.label} columns have no upper and lower case to ignore."
            raise InvalidInput(f"Column “{self.name}”: {reason}", code="invalid_type", fields={self.name: reason})
        ignores_case = unique == IGNORE_CASE or (unique is True and self.kind.unique_ignores_case)
        return replace(self, unique=bool(unique), unique_ignores_case=ignores_case)
