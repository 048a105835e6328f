"""Rows of a file that mean one another by a value, such as the name of another row's record.

A value that no record has is promised an id while the file is read. Once all rows are staged, it is the row with that
value that is meant, wherever in the file it stands; only then do all rows get the ids of the records that they become,
and the references are written.
"""

from __future__ import annotations

from psycopg import sql

from dataengine.columns.types import ColumnSpec
from dataengine.imports.references.lookup import Lookup
from dataengine.models import Table
from dataengine.postgres import ddl, names
from dataengine.postgres.statements import run, value

from .change_set import ChangeSet, Lines, numbers
from .keys import Key
from .staging import Staging, staged_key, temporary


class OwnReference:
    """One column whose cells mean records or rows of its own table. Its conditions are about a row ``s``."""

    def __init__(self, lookup: Lookup, promised: sql.Composable, staging: Staging, numbered: sql.Composable) -> None:
        self.name = lookup.name
        self.lookup = lookup
        self._match: ColumnSpec = lookup.rule.match
        self._promised, self._staging, self._numbered = promised, staging, numbered
        self._cell = sql.Identifier("s", self.name)

    @property
    def words(self) -> str:
        """What messages say that nobody has."""
        return f"“{self._match.name}”"

    @property
    def is_answered(self) -> sql.Composable:
        """Whether a row goes in, or a record is made, for the promise that a row has in place of an id."""
        if self.lookup.creates or self.lookup.rule.missing == "null":
            kept: sql.Composable = sql.SQL("true")
        else:
            kept = sql.SQL("EXISTS (SELECT FROM {} f WHERE {} = {})").format(
                self._staging.relation, staged_key(self._match, "f"), staged_key(self._match, "n")
            )
        return sql.SQL(
            "(EXISTS (SELECT FROM {promised} n WHERE n.id = {cell} AND {kept})"
            " OR EXISTS (SELECT FROM {numbered} g JOIN {staging} f ON f.id = g.number WHERE g.id = {cell}))"
        ).format(
            promised=self._promised,
            cell=self._cell,
            kept=kept,
            numbered=self._numbered,
            staging=self._staging.relation,
        )

    @property
    def is_ambiguous(self) -> sql.Composable:
        """Whether several rows have the value that a row means."""
        if self._match.unique:
            return sql.SQL("false")
        return sql.SQL("{} IN (SELECT n.id FROM {} n JOIN {} f ON {} = {} GROUP BY n.id HAVING count(*) > 1)").format(
            self._cell,
            self._promised,
            self._staging.relation,
            staged_key(self._match, "f"),
            staged_key(self._match, "n"),
        )

    def count_answered(self) -> int:
        """How many of the promised values a row has."""
        counted = sql.SQL("SELECT count(*) FROM {} n WHERE EXISTS (SELECT FROM {} f WHERE {} = {})").format(
            self._promised, self._staging.relation, staged_key(self._match, "f"), staged_key(self._match, "n")
        )
        return int(value(counted))

    def write(self) -> None:
        """Put the ids of the rows that are meant in place of the promises; NULL where there is none and it may be."""
        column = sql.Identifier(self.name)
        run(
            sql.SQL(
                "UPDATE {staging} s SET {column} = g.id FROM {promised} n JOIN {staging} f ON {holder} = {promise}"
                " JOIN {numbered} g ON g.number = f.id WHERE s.{column} = n.id"
            ).format(
                staging=self._staging.relation,
                column=column,
                promised=self._promised,
                holder=staged_key(self._match, "f"),
                promise=staged_key(self._match, "n"),
                numbered=self._numbered,
            )
        )
        if self.lookup.rule.missing == "null":
            run(
                sql.SQL("UPDATE {} s SET {column} = NULL FROM {} n WHERE s.{column} = n.id").format(
                    self._staging.relation, self._promised, column=column
                )
            )


class Numbering:
    """The ids that staged rows will have as records: those of the records with their key, or new ones."""

    def __init__(self, job_id: int, staging: Staging, table: Table, key: Key | None) -> None:
        self.relation: sql.Composable = temporary(job_id, "numbered")
        self._staging, self._table, self._key = staging, table, key

    def create(self) -> None:
        run(
            sql.SQL("CREATE TEMP TABLE {} (number bigint PRIMARY KEY, id bigint, is_new bool) ON COMMIT DROP").format(
                self.relation
            )
        )

    def number(self) -> None:
        """Give every staged row its id, in the order of the file."""
        records = ddl.qualified(self._table.name)
        if self._key is not None:
            run(
                sql.SQL("INSERT INTO {} SELECT s.id, t.id, false FROM {} s JOIN {} t ON {}").format(
                    self.relation, self._staging.relation, records, self._key.same()
                )
            )
        run(
            sql.SQL(
                "INSERT INTO {0} SELECT q.id, nextval({1}::regclass), true FROM (SELECT s.id FROM {2} s"
                " WHERE NOT EXISTS (SELECT FROM {0} g WHERE g.number = s.id) ORDER BY s.id) q"
            ).format(self.relation, sql.Literal(ddl.quoted(names.sequence(self._table.pk))), self._staging.relation)
        )

    def insert(self, changes: ChangeSet, lines: Lines) -> int:
        """Insert the rows that are to be new records, and unstage them. Returns how many there were."""
        listed = sql.SQL(", ").join(sql.Identifier(spec.name) for spec in self._staging.specs)
        joined = sql.SQL("{} s JOIN {} g ON g.number = s.id WHERE g.is_new ORDER BY g.id").format(
            self._staging.relation, self.relation
        )
        ids = numbers(sql.SQL("SELECT g.id FROM {}").format(joined))
        rows = numbers(sql.SQL("SELECT g.number FROM {}").format(joined))
        run(
            sql.SQL("INSERT INTO {} (id, {}) SELECT g.id, {} FROM {}").format(
                ddl.qualified(self._table.name),
                listed,
                sql.SQL(", ").join(sql.Identifier("s", spec.name) for spec in self._staging.specs),
                joined,
            )
        )
        start = 0
        for end in (*(ids[1:] - ids[:-1] != 1).nonzero()[0] + 1, len(ids)):
            if end > start:
                changes.added_from(int(ids[start]), lines[rows[start:end] - 1])
            start = int(end)
        run(
            sql.SQL("DELETE FROM {} s USING {} g WHERE g.number = s.id AND g.is_new").format(
                self._staging.relation, self.relation
            )
        )
        return len(ids)
