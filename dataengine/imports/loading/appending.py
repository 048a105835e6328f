"""Loads into a table that holds records: chunk by chunk, straight into the table where nothing stands against it.

Straight binary COPY into the table costs about half of what ``\\copy`` does (measured, 1M rows into 1M records); by way
of a staging table and INSERT … SELECT it is more than twice of that. So every chunk is tried straight, under a
savepoint, and one that clashes (a duplicate, an unknown reference, a broken check) takes the long way: staged, cleaned,
inserted. Either way a chunk is settled before the next, so the rows before it are in the table already and the first of
the file wins.
"""

from __future__ import annotations

from collections.abc import Callable

import psycopg
from django.db import IntegrityError, connection, transaction
from psycopg import sql

from dataengine.exceptions import Unavailable
from dataengine.imports.pipeline import Conversion
from dataengine.models import Table
from dataengine.postgres import ddl, names, statements

from . import merges
from .checks import Checks
from .staging import Staging

_TRIES = 5


class Appender:
    """Appends one file to one table. ``checks.found`` and ``checks.errors`` say what was rejected on the way."""

    def __init__(self, table: Table, staging: Staging, checks: Checks) -> None:
        self.table = table
        self.staging = staging
        self.checks = checks
        self.inserted = 0
        self.is_text_kept = True
        """Whether the text of every row that was rejected here was kept while the file was read."""
        self._staged = False
        self._straight = not checks.refer_to_own

    def load(self, conversion: Conversion, progress: Callable[[int], None]) -> None:
        """Load every chunk. ``progress`` is told how many records are in."""
        keys = ["id", *(spec.name for spec in self.checks.keys)]
        for chunk in conversion.chunks():
            self.checks.own = conversion.reading.ids.multirange()
            found = self.checks.found
            if chunk.count:
                if self._straight:
                    self._straight = self._copy(chunk.data)
                    settled = self._straight
                else:
                    settled = False
                if not settled:
                    # Where one chunk clashed the next one will, as a rule; a clean one brings the short way back.
                    self._straight = self._stage(chunk.data) == 0 and not self.checks.refer_to_own
                    self.is_text_kept &= self._straight
            if chunk.held:
                self._stage(chunk.back)
            self.inserted += chunk.count + chunk.held - (self.checks.found - found)
            if chunk.keyed:
                statements.copy_into(self.checks.rejected, keys, [chunk.keys])
            if self.checks.needed and (chunk.keyed or self.checks.found > found):
                self.checks.explain_chunk()
            progress(self.inserted)

    def _copy(self, data: bytes) -> bool:
        try:
            with transaction.atomic():
                statements.copy_into(ddl.qualified(self.table.name), self.staging.columns, [data])
        except psycopg.errors.IntegrityError:
            return False
        return True

    def _stage(self, data: bytes) -> int:
        """Take the long way; returns how many rows were rejected. Others write to the table too, so look again."""
        if not self._staged:
            self.staging.create()
            self._staged = True
        statements.copy_into(self.staging.relation, self.staging.columns, [data])
        statements.run(statements.analyze(self.staging.relation))
        before = self.checks.found
        self.checks.reject_for()
        for _ in range(_TRIES):
            try:
                with transaction.atomic():
                    merges.insert_with_ids(self.staging, self.table)
                break
            except IntegrityError:
                # Others took values or deleted records meanwhile, and may well go on doing so.
                self.checks.reject_for()
                if self._insert_what_fits():
                    break
        else:
            raise Unavailable("The table changes too fast to import into it; try again.", code="table_busy")
        statements.run(sql.SQL("TRUNCATE {}").format(self.staging.relation))
        return self.checks.found - before

    def _insert_what_fits(self) -> bool:
        """Insert the staged rows whose unique values nobody has taken; False where a reference is in the way."""
        try:
            with transaction.atomic():
                merges.insert_with_ids(self.staging, self.table, what_fits=True)
        except IntegrityError:
            return False
        with statements.by_index():
            self.checks.reject_missing(self.table)
        return True


def reserve_ids(table: Table, count: int) -> int:
    """Take ``count`` ids in a row from the table's sequence; returns the first. Others may draw from it meanwhile."""
    sequence = ddl.quoted(names.sequence(table.pk))
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(v), max(v) FROM (SELECT nextval(%s::regclass) AS v FROM generate_series(1, %s)) AS drawn",
                [sequence, count],
            )
            low, high = cursor.fetchone()
        if high - low + 1 == count:
            return int(low)
