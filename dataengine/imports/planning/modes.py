"""What an import does with the records that are there: ``key``, ``on_conflict``, ``on_missing``, ``replace``. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput

KEYS = frozenset(
    {"key", "on_conflict", "on_missing", "scope", "max_delete_share", "allow_rejected", "replace"}
)  # fmt: skip
ID = "id"
"""The system's own key, which finds records but makes none."""
_MOST_COLUMNS = 16
_ON_CONFLICT = ("reject", "skip", "update", "update_only")
_ON_MISSING = ("keep", "delete")
_MAX_DELETE_SHARE = 0.1

type OnConflict = Literal["reject", "skip", "update", "update_only"]
type OnMissing = Literal["keep", "delete", "set"]


@dataclass(frozen=True, slots=True)
class Mode:
    """The options with their defaults."""

    on_conflict: OnConflict = "reject"
    key: tuple[str, ...] = ()
    """The columns that a row's record is found by."""
    on_missing: OnMissing = "keep"
    """What becomes of the records that no row of the file has the key of."""
    values_of_missing: Mapping[str, Any] = field(default_factory=dict)
    """With ``set``: the values that they get."""
    scope: Mapping[str, Any] = field(default_factory=dict)
    """A filter: other records do not count as missing."""
    max_delete_share: float = _MAX_DELETE_SHARE
    """The import fails if a larger share of the scope is missing."""
    allow_rejected: bool = False
    """Whether rejected rows do not keep records from being removed."""
    replace: bool = False
    """Whether all records give way to those of the file."""

    @property
    def updates(self) -> bool:
        """Whether rows are written over the records that have their key."""
        return self.on_conflict in {"update", "update_only"}

    @property
    def mirrors(self) -> bool:
        """Whether records are removed or marked that the file lacks."""
        return self.on_missing != "keep"

    @property
    def only_adds(self) -> bool:
        """Whether rows can become records without a look at those that are there, as far as constraints allow."""
        return self.on_conflict == "reject" and not self.key and not self.mirrors and not self.replace

    @property
    def by_id(self) -> bool:
        return ID in self.key


def read_mode(values: Mapping[str, Any], errors: dict[str, str], *, new_table: bool) -> Mode:
    """Check the options as given, without those that are null. ``errors`` gets what is wrong, by option."""
    before = len(errors)
    missing, to_set = _on_missing(values.get("on_missing", "keep"), errors)
    # What is missing can only be told by comparing keys, which is also how records are updated.
    default = "update" if missing != "keep" else "reject"
    conflict = values.get("on_conflict", default)
    if conflict not in _ON_CONFLICT:
        errors["on_conflict"] = f"Give one of {', '.join(_ON_CONFLICT)}."
        conflict = default
    mode = Mode(
        on_conflict=cast("OnConflict", conflict),
        key=_key(values.get("key"), errors),
        on_missing=missing,
        values_of_missing=to_set,
        scope=_scope(values.get("scope", {}), errors),
        max_delete_share=_share(values.get("max_delete_share", _MAX_DELETE_SHARE), errors),
        allow_rejected=_flag(values, "allow_rejected", errors),
        replace=_flag(values, "replace", errors),
    )
    if len(errors) == before:
        errors |= _contradictions(mode, values, new_table=new_table)
    return mode


def _contradictions(mode: Mode, values: Mapping[str, Any], *, new_table: bool) -> dict[str, str]:
    """Why the options do not go together."""
    if new_table:
        if mode.replace or mode.mirrors:
            return {"replace" if mode.replace else "on_missing": "A new table has no records yet."}
        if mode.on_conflict != "reject":
            return {"on_conflict": "A new table has no records to conflict with."}
    if mode.replace:
        used = next((name for name in ("on_missing", "on_conflict", "key", "scope") if values.get(name)), None)
        if used and (mode.mirrors or mode.on_conflict != "reject" or mode.key or mode.scope):
            return {used: "With “replace” all records give way to the file, so there is nothing to find or to keep."}
    if mode.mirrors and not mode.key:
        return {"key": "Name the column, or columns, by which on_missing knows whether the file has a record."}
    if mode.updates and not mode.key:
        return {"key": f"Name the column, or columns, by which on_conflict “{mode.on_conflict}” finds the record."}
    if mode.mirrors and mode.on_conflict == "reject":
        return {
            "on_conflict": "With on_missing the records that the file has are known: give update, update_only or skip."
        }
    if mode.by_id and len(mode.key) > 1:
        return {"key": "“id” finds the record alone; leave the other columns out."}
    if mode.by_id and not mode.updates:
        return {"key": "“id” finds records to update; give on_conflict “update”."}
    if mode.scope and not mode.mirrors:
        return {"scope": "This says which records on_missing is about; give on_missing, too."}
    return {}


def check_key(mode: Mode, columns: Sequence[ColumnSpec], filled: Collection[str | None]) -> None:
    """Raise InvalidInput if the key is not of the table's ``columns``, or the file has nothing for it."""
    known = {column.name for column in columns}
    for name in mode.key:
        if name != ID and name not in known:
            reason = f"The table has no column “{name}”."
            raise InvalidInput(reason, code="invalid_option", fields={"key": reason})
        if name not in filled:
            reason = f"The file has no column for the key “{name}”."
            raise InvalidInput(reason, code="invalid_option", fields={"key": reason})


def is_enforced(mode: Mode, columns: Sequence[ColumnSpec]) -> bool:
    """Whether the table itself sees to it that no two records have the same key."""
    return mode.by_id or any(column.unique for column in columns if column.name in mode.key)


def _key(value: object, errors: dict[str, str]) -> tuple[str, ...]:
    names = [] if value is None else [value] if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        errors["key"] = "Give the name of a column, or a list of them."
        return ()
    if len(names) > _MOST_COLUMNS or len(set(names)) < len(names):
        errors["key"] = f"Give at most {_MOST_COLUMNS} columns, each once."
        return ()
    return tuple(names)


def _on_missing(value: object, errors: dict[str, str]) -> tuple[OnMissing, Mapping[str, Any]]:
    if isinstance(value, str) and value in _ON_MISSING:
        return cast("OnMissing", value), {}
    if isinstance(value, Mapping) and set(value) == {"set"} and isinstance(value["set"], Mapping) and value["set"]:
        return "set", dict(value["set"])
    errors["on_missing"] = "Give keep, delete or {“set”: {“column”: value}}."
    return "keep", {}


def _scope(value: object, errors: dict[str, str]) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    errors["scope"] = "Give an object of <column>__<lookup> and value, as lists take them."
    return {}


def _share(value: object, errors: dict[str, str]) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        errors["max_delete_share"] = "Give a number from 0 to 1."
        return 0.0
    return float(value)


def _flag(values: Mapping[str, Any], name: str, errors: dict[str, str]) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        errors[name] = "Give true or false."
        return False
    return value
