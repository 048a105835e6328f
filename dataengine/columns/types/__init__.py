"""THE registry of column types. A new type is one class here (see ``base.ColumnType``). Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dataengine.columns.types.base import ColumnType
from dataengine.columns.types.choice import Choice
from dataengine.columns.types.documents import Json, Jsonb
from dataengine.columns.types.identity import Uuid
from dataengine.columns.types.logic import Boolean
from dataengine.columns.types.moments import Date, Time, Timestamp, TimestampTz
from dataengine.columns.types.numbers import BigInteger, Double, Integer, Numeric, Real, SmallInteger
from dataengine.columns.types.reference import Reference
from dataengine.columns.types.text import Email, Text, Url, Varchar

__all__ = ["BY_SQL_NAME", "ID", "REGISTRY", "ColumnSpec", "ColumnType", "recognised", "register", "unregister"]

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
    Text(), Varchar(), SmallInteger(), Integer(), BigInteger(), Numeric(), Real(), Double(), Boolean(), Date(), Time(),
    Timestamp(), TimestampTz(), Uuid(), Json(), Jsonb(), Email(), Url(), Choice(), Reference(),
):  # fmt: skip
    register(_kind)

ID = REGISTRY[BigInteger.name]
"""The type of ``id``, the key of every table."""


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """A column to be created: validated, but not in the catalog yet.

    ``default`` is the literal's text, ``None`` for no default. ``parameters`` holds ``length``; ``precision`` and
    ``scale``; ``choices`` (list of str); or ``references`` (name of a table). ``constraints`` holds ``minimum``,
    ``maximum``, ``minLength``, ``maxLength``, ``pattern``.
    """

    name: str
    type: str
    parameters: dict[str, Any] = field(default_factory=dict)
    unique: bool = False
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
