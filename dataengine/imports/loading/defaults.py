"""Unique columns that a file leaves to their default, which only one record can have."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from django.db import IntegrityError

from dataengine.exceptions import InvalidInput
from dataengine.models import Column
from dataengine.postgres import names


class LeftToDefault:
    """Those among ``columns`` of a table that are not ``filled``."""

    def __init__(self, columns: Sequence[Column], filled: Collection[str]) -> None:
        self._by_constraint = {
            names.constraint(column.pk, "unique"): column.name
            for column in columns
            if column.unique and column.default is not None and column.name not in filled
        }

    def __bool__(self) -> bool:
        return bool(self._by_constraint)

    def refuse(self, error: IntegrityError) -> None:
        """Raise InvalidInput where it was one of them that clashed."""
        told = getattr(error.__cause__, "diag", None)
        if told is not None and (name := self._by_constraint.get(told.constraint_name)) is not None:
            raise values_missing(name) from error

    def refuse_several(self, records: int) -> None:
        """Raise InvalidInput if so many new records would have the same value."""
        if records > 1:
            for name in self._by_constraint.values():
                raise values_missing(name)


def values_missing(column: str) -> InvalidInput:
    """The error for more rows than a unique column's default is enough for."""
    reason = f"“{column}” is unique, so its default can only be used once. Give each row a value in the file."
    return InvalidInput(reason, code="missing_columns", fields={"mapping": reason})
