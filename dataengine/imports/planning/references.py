"""How the cells of reference columns are looked up: by which column of the other table, and what if in vain. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypedDict, cast, get_args

from dataengine.columns.types import ColumnSpec

ID = "id"
"""In place of a column: the cells are ids of records."""

type Missing = Literal["reject", "null", "create"]
MISSING: tuple[Missing, ...] = get_args(Missing.__value__)


class FoundReference(TypedDict, total=False):
    """What the cells of a reference column are, and how many different values of them there were."""

    match: str  # the column of the other table, or ``id``
    missing: str  # what becomes of values that it does not have: reject, null, create
    known: int
    new: int  # records made, or in a trial run to be made
    unknown: int  # neither


@dataclass(frozen=True, slots=True)
class ReferenceOption:
    """What a person says of a reference column. ``match`` None: the column that names the records."""

    match: str | None = None
    missing: Missing = "reject"


@dataclass(frozen=True, slots=True)
class ByValue:
    """A reference column whose cells are values of the column ``match`` of the table that it refers to.

    ``is_own``: it refers to its own table, so rows of the file may mean one another. ``hindrance`` says why no record
    can be made of such a value alone, as (code, reason); empty where it can.
    """

    table_id: int
    table: str
    match: ColumnSpec
    missing: Missing = "reject"
    is_own: bool = False
    hindrance: tuple[str, str] = ("", "")


def read_references(value: object, errors: dict[str, str]) -> dict[str, ReferenceOption]:
    """The option ``references``, by column of the table."""
    if not isinstance(value, Mapping):
        errors["references"] = "Give an object: {“column”: {“match”: “other column”, “missing”: “reject”}}."
        return {}
    return {str(name): option for name, said in value.items() if (option := _read(str(name), said, errors)) is not None}


def _read(name: str, said: Any, errors: dict[str, str]) -> ReferenceOption | None:
    if not isinstance(said, Mapping) or not set(said) <= {"match", "missing"}:
        errors["references"] = f"Give “{name}” an object with “match” and “missing”."
        return None
    match = said.get("match")
    if match is not None and not isinstance(match, str):
        errors["references"] = f"Give the name of a column as “match” of “{name}”."
        return None
    missing = said.get("missing")
    if missing is None:
        missing = "reject"
    if missing not in MISSING:
        errors["references"] = f"Give one of {', '.join(MISSING)} as “missing” of “{name}”."
        return None
    if match == ID and missing == "create":
        errors["references"] = f"“{name}”: a record cannot be made of an id; give another “match”."
        return None
    return ReferenceOption(match, cast("Missing", missing))
