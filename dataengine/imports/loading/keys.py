"""Columns that tell rows and records apart, each unique by itself or all of them together."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dataengine.models import Column
from dataengine.postgres.text_expressions import unique_key

from .staging import staged_key

WHOLE_ROW = "*"


class Key:
    """Rows with the same values in all of ``columns`` are meant to be one record; one without a value is like no other.

    ``is_enforced``: the table itself admits no two records with the same values.
    """

    def __init__(self, columns: Sequence[Column], *, is_enforced: bool = True) -> None:
        self.columns = list(columns)
        self.is_enforced = is_enforced

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.columns]

    @property
    def place_of_errors(self) -> str:
        """The column that is at fault if a row has the key of another."""
        return self.names[0] if len(self.columns) == 1 else WHOLE_ROW

    def of_rows(self, alias: str = "") -> sql.Composable:
        """What is compared, as a list of expressions of staged rows."""
        return sql.SQL(", ").join(staged_key(column, alias) for column in self.columns)

    def of_records(self, alias: str = "") -> sql.Composable:
        """The same of the table's records."""
        return sql.SQL(", ").join(unique_key(column, alias) for column in self.columns)

    def filled(self, alias: str = "") -> sql.Composable:
        """Whether a staged row has a value in each column."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} IS NOT NULL").format(staged_key(column, alias)) for column in self.columns
        )

    def same(self, record: str = "t", row: str = "s") -> sql.Composable:
        """Whether a record and a staged row have the same key."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(unique_key(column, record), staged_key(column, row)) for column in self.columns
        )

    def same_rows(self, first: str, second: str) -> sql.Composable:
        """Whether two staged rows have the same key."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(staged_key(column, first), staged_key(column, second)) for column in self.columns
        )

    def named(self, alias: str) -> sql.Composable:
        """What is compared of staged rows, each with a name, for use in a subquery."""
        return sql.SQL(", ").join(
            sql.SQL("{} AS {}").format(staged_key(column, alias), sql.Identifier(f"key.{number}"))
            for number, column in enumerate(self.columns)
        )

    def as_named(self, row: str, subquery: str) -> sql.Composable:
        """Whether a staged row has the key of a row of such a subquery."""
        return sql.SQL(" AND ").join(
            sql.SQL("{} = {}").format(staged_key(column, row), sql.Identifier(subquery, f"key.{number}"))
            for number, column in enumerate(self.columns)
        )
