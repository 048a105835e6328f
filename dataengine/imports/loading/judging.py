"""What becomes of rejected rows that are tried again: judged by the import's own loader, written back.

To judge without loading, rows are staged, checked against the table, and left there. Everything happens in the caller's
transaction, whose end drops the temporary tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import closing
from copy import copy
from typing import Any

from django.db import transaction
from psycopg import sql

from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import Plan
from dataengine.imports.rejecting.fed_rows import FedRows
from dataengine.imports.rejecting.spill import Rejected
from dataengine.models import Column, ImportJob, RejectedRow, Table
from dataengine.postgres.statements import analyze, raw_connection, run, value

from .appending import Appending
from .loader import TRIES, Loader, Reporter, busy
from .merging_own import merging_for
from .new_records import TargetsChanged
from .staging import temporary

_ROWS = sql.Identifier(RejectedRow._meta.db_table)


class Verdicts:
    """A loader's shelf for rows that it rejects again; by the number of each among the rows that were fed to it."""

    def __init__(self, job: ImportJob, fed: FedRows) -> None:
        self._fed = fed
        self._given = temporary(job.pk, "fed")
        self._judged = temporary(job.pk, "judged")

    def prepare(self) -> None:
        """Make the temporary tables, and tell PostgreSQL which rows there are."""
        run(
            sql.SQL(
                "CREATE TEMP TABLE {} (place bigint PRIMARY KEY, id bigint, errors jsonb, cells jsonb, damage text)"
                " ON COMMIT DROP"
            ).format(self._given)
        )
        run(
            sql.SQL("CREATE TEMP TABLE {} (place bigint PRIMARY KEY, errors jsonb) ON COMMIT DROP").format(self._judged)
        )
        statement = sql.SQL("COPY {} (place, id, errors, cells, damage) FROM STDIN").format(self._given)
        with raw_connection().cursor() as cursor, cursor.copy(statement) as rows:
            for number, row in enumerate(self._fed.rows):
                written = None if row.written is None else _json(row.written)
                rows.write_row((number, row.id, _json(row.errors), written, row.damage))

    def store(self, rejected: Iterable[Rejected]) -> None:
        statement = sql.SQL("COPY {} (place, errors) FROM STDIN").format(self._judged)
        with raw_connection().cursor() as cursor, cursor.copy(statement) as rows:
            for item in rejected:
                rows.write_row((item.row, _json(item.errors)))

    def forget(self) -> None:
        run(sql.SQL("TRUNCATE {}").format(self._judged))

    def write_mended(self) -> int:
        """Write the rows back with what is now in their cells and wrong with them. Returns how many are good."""
        self._analyze()
        run(
            sql.SQL(
                "UPDATE {rows} r SET errors = f.errors || coalesce(j.errors, '[]'), cells = f.cells,"
                " damage = f.damage, version = r.version + 1"
                " FROM {fed} f LEFT JOIN {judged} j USING (place) WHERE r.id = f.id"
            ).format(rows=_ROWS, fed=self._given, judged=self._judged)
        )
        good = sql.SQL(
            "SELECT count(*) FROM {fed} f WHERE f.errors = '[]' AND NOT EXISTS (SELECT FROM {judged} j"
            " WHERE j.place = f.place)"
        )
        return int(value(good.format(fed=self._given, judged=self._judged)))

    def take_out_accepted(self) -> int:
        """Delete the rows that were accepted, and write to the others why not. Returns how many were accepted."""
        self._analyze()
        run(
            sql.SQL(
                "UPDATE {rows} r SET errors = j.errors, version = r.version + 1"
                " FROM {fed} f JOIN {judged} j USING (place) WHERE r.id = f.id AND r.errors <> j.errors"
            ).format(rows=_ROWS, fed=self._given, judged=self._judged)
        )
        return run(
            sql.SQL(
                "DELETE FROM {rows} r USING {fed} f WHERE r.id = f.id"
                " AND NOT EXISTS (SELECT FROM {judged} j WHERE j.place = f.place)"
            ).format(rows=_ROWS, fed=self._given, judged=self._judged)
        )

    def _analyze(self) -> None:
        for relation in (self._given, self._judged):
            run(analyze(relation))


class Unreported:
    """A reporter for those who wait."""

    def plan(self, **stages: float) -> None:
        """Nobody watches."""

    def update(self, *, share: float | None = None, **changes: Any) -> None:
        """Nobody watches."""

    def building(self, done: int, of: int) -> None:
        """Nobody watches."""

    def growing(self, relation: str, expected: int) -> None:
        """Nobody watches."""


def judge(
    job: ImportJob, table: Table, columns: Sequence[Column], fed: FedRows, planned: tuple[Plan, ImportOptions]
) -> int:
    """Find out what is wrong with rows as they are now, and write it to them. Returns how many are good."""
    plan, options = planned
    verdicts = _fed_to(job, plan, fed)
    with closing(
        merging_for(plan)(_counted(job, fed), plan, table, columns, Unreported(), mode=options.mode)
    ) as loader:
        loader.shelf = verdicts
        loader.load()
        loader.file_rejected()
    return verdicts.write_mended()


def load(
    job: ImportJob,
    table: Table,
    columns: Sequence[Column],
    fed: FedRows,
    planned: tuple[Plan, ImportOptions],
    reporter: Reporter,
) -> tuple[Loader, Verdicts]:
    """Load the rows as far as ``Loader.secure``; those that are rejected again are in the verdicts.

    The caller finishes and closes the loader.
    """
    verdicts = _fed_to(job, planned[0], fed)
    for _ in range(TRIES):
        loader = _loader(_counted(job, fed), table, columns, planned, reporter)
        loader.shelf = verdicts
        try:
            with transaction.atomic():
                loader.load()
                loader.file_rejected()
                loader.secure()
        except TargetsChanged:
            loader.close()
        except BaseException:
            loader.close()
            raise
        else:
            return loader, verdicts
    raise busy()


def _loader(
    job: ImportJob,
    table: Table,
    columns: Sequence[Column],
    planned: tuple[Plan, ImportOptions],
    reporter: Reporter,
) -> Loader:
    plan, options = planned
    if Appending.suits(options) and not plan.means_own_rows:
        return Appending(job, plan, table, columns, reporter)
    return merging_for(plan)(job, plan, table, columns, reporter, mode=options.mode)


def _fed_to(job: ImportJob, plan: Plan, fed: FedRows) -> Verdicts:
    plan.feed = fed.blocks
    verdicts = Verdicts(job, fed)
    verdicts.prepare()
    return verdicts


def _counted(job: ImportJob, fed: FedRows) -> ImportJob:
    """The job with a number of rows where loaders look for that of the file's bytes."""
    counted = copy(job)
    counted.bytes_total = fed.count
    return counted


def _json(found: object) -> str:
    return json.dumps(found, ensure_ascii=False)
