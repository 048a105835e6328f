"""Where typed rows wait in PostgreSQL, all inside the transaction that the caller holds.

Rows first go to a *staging table* that nobody else sees, are checked there set-wise (``checks.py``), and then

- become the table itself where that is new or empty: the staging table (then called the shadow, ``shadow.py``) was
  filled without indexes, gets them now (``building.py``), and takes the table's name and place;
- or are inserted into the table that holds records already (``appending.py``, ``merges.py``).

The table itself is locked for the moment of the swap only; readers never wait for data to flow.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from dataengine.columns.types import ColumnSpec, postgres_type
from dataengine.postgres import names
from dataengine.postgres.statements import run


def pg_type(spec: ColumnSpec) -> sql.SQL:
    # Registry text and integers only.
    return sql.SQL(postgres_type(spec.type, spec.parameters))


def temporary(job_id: int, purpose: str) -> sql.Identifier:
    """A table of an import that only its own session sees, by its name."""
    return sql.Identifier("pg_temp", names.temporary(job_id, purpose))


class Staging:
    """A staging table: ``id`` (the row's number in the file, from ``base``) and the columns that the file fills."""

    def __init__(self, job_id: int, specs: Sequence[ColumnSpec], *, base: int = 0) -> None:
        self.job_id = job_id
        self.specs = list(specs)
        self.base = base
        self.relation: sql.Composable = temporary(job_id, "stage")
        self.freeze = False

    def create(self) -> None:
        parts: list[sql.Composable] = [sql.SQL("id bigint NOT NULL")]
        parts += [sql.SQL("{} {}").format(sql.Identifier(spec.name), pg_type(spec)) for spec in self.specs]
        run(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(self.relation, sql.SQL(", ").join(parts)))

    @property
    def columns(self) -> list[str]:
        return ["id", *(spec.name for spec in self.specs)]

    def drop(self) -> None:
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(self.relation))
