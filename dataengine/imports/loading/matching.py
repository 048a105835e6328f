"""Staged rows and the records that they are about: which are new, which differ, and writing those over their records.

Where nearly all rows say what their records already have, comparing is nearly all of the work. It is one join; what it
finds to be unchanged is set aside, so that everything after it has to do with few rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from psycopg import sql

from dataengine.imports.counts import FoundChange
from dataengine.models import Column, Table
from dataengine.postgres import ddl
from dataengine.postgres.statements import run, value

from .change_set import ChangeSet
from .examples import examples
from .keys import Key
from .staging import Staging, staged, temporary

_RECORD = sql.Identifier("record.known")  # no name of a user's holds a dot


class ChangedMeanwhile(Exception):
    """Others have written to the records that rows are about."""


def examples_of_rows(staging: Staging, line_of: Callable[[int], int], condition: sql.Composable) -> list[FoundChange]:
    """The first staged rows ``s`` for which the condition holds, as the records that they would become."""
    return examples(
        sql.SQL("{} s WHERE {}").format(staging.relation, condition),
        ids=sql.SQL("NULL::bigint"),
        rows=sql.Identifier("s", "id"),
        before=None,
        after=[(spec.name, sql.SQL("s.{}").format(staged(spec.name))) for spec in staging.specs],
        line_of=line_of,
    )


class Matching:
    """The rows of ``staging`` and the records of ``table`` with the same ``key``."""

    def __init__(self, staging: Staging, table: Table, key: Key) -> None:
        self._staging, self._key = staging, key
        self._table = ddl.qualified(table.name)
        self._lacking = temporary(staging.job_id, "lacking")
        self._letting_go = temporary(staging.job_id, "letting_go")
        self._exchanged: Sequence[Column] = []
        self._written = [spec.name for spec in staging.specs if spec.name not in key.names]

    def set_aside_unchanged(
        self, doubtful: Sequence[sql.Composable], *, repeats_known: bool, may_go: sql.Composable | None = None
    ) -> int:
        """Leave only rows staged that are new or differ from their records. Returns how many others there were.

        Rows stay whose key a row of one of the ``doubtful`` relations has, or if that is not known all that repeat
        others: which of them counts will be seen. The same look at the records finds those without a row for which
        ``may_go`` holds (see ``lacking``).
        """
        staging, few = self._staging, temporary(self._staging.job_id, "differing")
        keys = self._key.of_rows("h")
        some = [sql.SQL("SELECT {} FROM {} h").format(keys, relation) for relation in doubtful]
        if not repeats_known:
            template = "SELECT {0} FROM {1} h GROUP BY {0} HAVING count(*) > 1"
            some.append(sql.SQL(template).format(keys, staging.relation))
        doubts = [sql.SQL(" OR ({}) IN ({})").format(self._key.of_rows("s"), keys) for keys in some]
        all_rows = int(value(sql.SQL("SELECT count(*) FROM {}").format(staging.relation)))
        needed = sql.SQL("t.id IS NULL OR {}{}").format(self._differs, sql.SQL("").join(doubts))
        if may_go is not None:
            needed = sql.SQL("CASE WHEN s.id IS NULL THEN {} ELSE {} END").format(may_go, needed)
        left = run(
            sql.SQL(
                "CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT s.*, t.id AS {} FROM {} s {} JOIN {} t ON {} WHERE {}"
            ).format(
                few,
                _RECORD,
                staging.relation,
                sql.SQL("LEFT" if may_go is None else "FULL"),
                self._table,
                self._key.same(),
                needed,
            )
        )
        staging.drop()
        staging.relation = few
        if may_go is not None:
            run(sql.SQL("CREATE TEMP TABLE {} (id bigint) ON COMMIT DROP").format(self._lacking))
            left -= self._part_with_lacking()
        staging.analyze()
        return all_rows - left

    def lacking(self, rejected: sql.Composable) -> sql.Composable:
        """A query of the ids of records that may go: no row had their key, nor has one that was ``rejected``."""
        return sql.SQL(
            "SELECT t.id FROM {} m JOIN {} t ON t.id = m.id WHERE NOT EXISTS (SELECT FROM {} s WHERE {})"
        ).format(self._lacking, self._table, rejected, self._key.same())

    def _part_with_lacking(self) -> int:
        """Move what is no row but a record without one."""
        return run(
            sql.SQL(
                "WITH gone AS (DELETE FROM {} WHERE id IS NULL RETURNING {}) INSERT INTO {} SELECT * FROM gone"
            ).format(self._staging.relation, _RECORD, self._lacking)
        )

    def count_known(self) -> int:
        """How many rows have a record."""
        return self._count(sql.SQL("true"))

    def count_differing(self) -> int:
        """How many of these differ from it."""
        return self._count(self._differs)

    def examples_of_new(self, line_of: Callable[[int], int]) -> list[FoundChange]:
        """The first rows without a record."""
        has_record = sql.SQL("EXISTS (SELECT FROM {} t WHERE {})").format(self._table, self._key.same())
        return examples_of_rows(self._staging, line_of, sql.SQL("NOT {}").format(has_record))

    def examples_of_differing(self, line_of: Callable[[int], int]) -> list[FoundChange]:
        """The first rows that differ from their record."""
        before, after = ([(name, sql.Identifier(of, name)) for name in self._written] for of in ("t", "s"))
        return examples(
            self._joined(self._differs),
            ids=sql.Identifier("t", "id"),
            rows=sql.Identifier("s", "id"),
            before=before,
            after=after,
            line_of=line_of,
        )

    def update(
        self, columns: Sequence[Column], changes: ChangeSet, line: sql.Composable, first: Callable[[], None]
    ) -> int:
        """Write the rows over their records, where they differ. Returns how many did. Raises ChangedMeanwhile.

        ``changes`` keeps what these said before; ``line`` is an expression for the line of row ``s``. ``first`` is
        done before they are written, but after records have let go of values.
        """
        written = [column for column in columns if column.name in self._written]
        kept = changes.updated(written, self._joined(self._differs), line=line) if written else 0
        if not kept:
            first()
            return 0
        differs = self._differs
        if self._exchanged:
            self._let_go()
            differs = sql.SQL("({} OR t.id IN (SELECT id FROM {}))").format(differs, self._letting_go)
        first()
        settings = sql.SQL(", ").join(sql.SQL("{0} = s.{0}").format(sql.Identifier(name)) for name in self._written)
        updated = run(
            sql.SQL("UPDATE {} t SET {} FROM {} s WHERE {} AND {}").format(
                self._table, settings, self._staging.relation, self._key.same(), differs
            )
        )
        if updated != kept:
            raise ChangedMeanwhile
        return updated

    @contextmanager
    def exchanging(self, table: Table, columns: Sequence[Column]) -> Iterator[None]:
        """What ``update`` writes in the block may give records the values of others in these unique columns.

        PostgreSQL checks uniqueness record by record, so records let go of these values first. Where a column is
        required, its readers are locked out until the end of the transaction.
        """
        self._exchanged = columns
        if columns:
            ddl.suspend_required(table, columns, suspended=True)
        try:
            yield
        finally:
            self._exchanged = []
        if columns:
            ddl.suspend_required(table, columns, suspended=False)

    def _let_go(self) -> None:
        """Clear the values that rows want and whose records get others."""
        gets_another = [self._lets_go(column) for column in self._exchanged]
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(self._letting_go))
        run(
            sql.SQL("CREATE TEMP TABLE {} ON COMMIT DROP AS SELECT t.id FROM {}").format(
                self._letting_go, self._joined(sql.SQL("({})").format(sql.SQL(" OR ").join(gets_another)))
            )
        )
        for column, lets_go in zip(self._exchanged, gets_another, strict=True):
            run(
                sql.SQL("UPDATE {} t SET {} = NULL FROM {} s WHERE {} AND {}").format(
                    self._table, sql.Identifier(column.name), self._staging.relation, self._key.same(), lets_go
                )
            )

    def _lets_go(self, column: Column) -> sql.Composable:
        one = Key([column])
        return sql.SQL("(({}) IS DISTINCT FROM ({}) AND EXISTS (SELECT FROM {} w WHERE {}))").format(
            one.of_records("t"), one.of_rows("s"), self._staging.relation, one.same("t", "w")
        )

    def drop_known(self) -> int:
        """Unstage the rows that have a record. Returns how many there were."""
        return run(
            sql.SQL("DELETE FROM {} s USING {} t WHERE {}").format(
                self._staging.relation, self._table, self._key.same()
            )
        )

    def drop_new(self) -> int:
        """Unstage the rows that have none."""
        return run(
            sql.SQL("DELETE FROM {} s WHERE NOT EXISTS (SELECT FROM {} t WHERE {})").format(
                self._staging.relation, self._table, self._key.same()
            )
        )

    def _count(self, condition: sql.Composable) -> int:
        return int(value(sql.SQL("SELECT count(*) FROM {}").format(self._joined(condition))))

    def _joined(self, condition: sql.Composable) -> sql.Composable:
        """Rows ``s`` beside their records ``t``, as it follows FROM."""
        return sql.SQL("{} s JOIN {} t ON {} WHERE {}").format(
            self._staging.relation, self._table, self._key.same(), condition
        )

    @property
    def _differs(self) -> sql.Composable:
        """Whether a row says anything else than its record: to the bit, so that 1.50 differs from 1.5."""
        if not self._written:
            return sql.SQL("false")
        sides = [sql.SQL(", ").join(sql.Identifier(alias, name) for name in self._written) for alias in ("t", "s")]
        return sql.SQL("(ROW({})::record *<> ROW({})::record)").format(*sides)
