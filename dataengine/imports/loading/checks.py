"""What only the whole file and the table can tell: duplicates, unknown references, patterns. Checked in SQL, as sets.

The staging table holds the rows that conversion found good. Those that fail here move to the *rejected keys* table,
which already has the rows that conversion rejected, each with what could be read of its key columns. At the end every
rejected row is checked once more for every cause, so that all errors of a row are reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

from psycopg import sql

from dataengine.imports.planning.modes import ID
from dataengine.imports.rejecting.spill import LateError, LateSpill
from dataengine.models import Column, Table
from dataengine.postgres import ddl
from dataengine.postgres.late_checks import late_checks
from dataengine.postgres.statements import by_index, raw_connection, run, value
from dataengine.postgres.text_expressions import unique_key

from .keys import Key
from .own_references import OwnReference
from .repeating import repeating
from .staging import Staging, staged, staged_key, temporary

_NOTHING = sql.SQL("")
_ROUNDS = 20
"""So often rows are looked at that count on each other's values; then all of these are rejected."""


class Checks:
    """The checks of one import that are made in SQL. ``columns`` are the catalog's columns that the file fills."""

    def __init__(
        self,
        staging: Staging,
        columns: Sequence[Column],
        table: Table | None,
        lacking: Sequence[str] = (),
        *,
        key: Key | None = None,
        updates: bool = False,
    ) -> None:
        """``key`` is what rows find their records by; with ``updates`` they are then written over these."""
        self.staging = staging
        self.table = table
        self.unique = [column for column in columns if column.unique]
        self.references = [column for column in columns if column.references_id is not None]
        self.patterns = [(column, kind, check) for column in columns for kind, check in late_checks(column)]
        self.key = key
        self.update_key = key if updates else None
        own = [key] if key is not None and not key.is_enforced else []
        self.distinct = [*(Key([column]) for column in self.unique), *own]
        """What no two records may have in common."""
        compared = [column for one in (*self.distinct, *([key] if key else [])) for column in one.columns]
        checked = {column.name for column in (*compared, *self.references, *(c for c, _, _ in self.patterns))}
        self.keys = [spec for spec in staging.specs if spec.name in checked]
        self.rejected = temporary(staging.job_id, "rejected")
        self.errors = temporary(staging.job_id, "errors")
        self.found = 0
        self.lacking = lacking
        """Columns that only records have a value for, and no row."""
        self.skipped: list[Key] = []
        """Keys that are no error where the table has them, since such rows are skipped."""
        self.skips_new = False
        """Whether it is no error if no record has the key that records are found by."""
        self.promised: dict[str, sql.Composable] = {}
        """By reference column: the relation of records that are made before the rows go in."""
        self.leaving: sql.Composable | None = None
        """The relation with the ids of records that give way to the file, so that their values are free."""
        self.all_leave = False
        self.own_references: dict[str, OwnReference] = {}
        """Columns whose cells may mean rows of this file."""
        self.meant_by: set[str] = set()
        """Columns by which rows mean one another: whose value is exchanged there, nobody could tell who is meant."""
        self.exchanged: list[Column] = []
        """The unique columns in which rows have values that are free only then."""
        self.own = "{}"
        """The ids of the rows of this file that are already in the table, as an int8multirange."""

    @property
    def needed(self) -> bool:
        return bool(self.keys)

    def create(self) -> None:
        """Make the temporary tables."""
        parts: list[sql.Composable] = [sql.SQL("id bigint NOT NULL")]
        parts += [sql.SQL("{} {}").format(staged(spec.name), ddl.type_of(spec)) for spec in self.keys]
        run(sql.SQL("CREATE TEMP TABLE {} ({}) ON COMMIT DROP").format(self.rejected, sql.SQL(", ").join(parts)))
        run(
            sql.SQL(
                "CREATE TEMP TABLE {} (id bigint NOT NULL, place int, col text, code text, first bigint) ON COMMIT DROP"
            ).format(self.errors)
        )

    # Finding --------------------------------------------------------------------------------------------------

    def reject_impossible(self, held: Staging | None = None) -> int:
        """Move staged or ``held`` rows that have unknown references or that a check of the table forbids."""
        conditions: list[sql.Composable] = [sql.SQL("NOT ({})").format(check) for _, _, check in self.patterns]
        conditions += [self._unknown(column) for column in self.references]
        return self._move(sql.SQL(" OR ").join(conditions), held) if conditions else 0

    def stage_held(self, held: Staging) -> None:
        """Stage the rows that were held back, in order, and move those whose values are already staged.

        The staging table must have its indexes on the unique columns and on id.
        """
        self.reject_impossible(held)
        names = sql.SQL(", ").join(sql.Identifier(name) for name in held.columns)
        run(
            sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ORDER BY id ON CONFLICT DO NOTHING").format(
                self.staging.relation, names, names, held.relation
            )
        )
        with by_index():
            self._move_missing(self.staging.relation, held)

    def reject_ambiguous(self) -> int:
        """Move rows with the key of several records, so that it cannot be told which of them is meant."""
        if self.update_key is None or self.update_key.is_enforced:
            return 0
        return self._move(self._ambiguous(self.update_key))

    def _ambiguous(self, key: Key) -> sql.Composable:
        return sql.SQL("({}) IN (SELECT {} FROM {} t GROUP BY {} HAVING count(*) > 1)").format(
            key.of_rows("s"), key.of_records("t"), self._records, key.of_records("t")
        )

    def is_ambiguous(self, error: LateError) -> bool:
        """Whether a duplicate in the table is one of records among themselves."""
        key = self.update_key
        return key is not None and not key.is_enforced and key.place_of_errors == error.column

    def reject_known(self) -> int:
        """Move rows whose unique values the table already has (in another record than the one to be updated).

        Records may exchange values with each other: see ``exchanged``.
        """
        keys = [key for key in self.distinct if not self._finds(key)]
        self.exchanged = []
        if not keys or self.table is None or self.all_leave:
            return 0
        taken = sql.SQL(" OR ").join(self._taken(key) for key in keys)
        if not self._any_staged(taken):
            return 0
        moved, rounds = 0, 0
        known = sql.SQL(" OR ").join(self._known(key) for key in keys)
        # A row that is rejected leaves its record the value that another row counts on.
        while some := self._move(known if rounds < _ROUNDS else taken):
            moved, rounds = moved + some, rounds + 1
        self.exchanged = [column for key in keys for column in key.columns if self._any_staged(self._taken(key))]
        return moved

    def _any_staged(self, condition: sql.Composable) -> bool:
        return bool(
            value(sql.SQL("SELECT EXISTS (SELECT FROM {} s WHERE {})").format(self.staging.relation, condition))
        )

    def _finds(self, key: Key) -> bool:
        """Whether records are found by this key to be updated."""
        return self.update_key is not None and self.update_key.names == key.names

    def reject_new(self) -> int:
        """Move rows that would become records, where they cannot: only updates are possible, or values are lacking."""
        key = self.update_key
        if key is None or self.table is None or not (self.lacking or key.names == [ID]):
            return 0
        return self._move(self._new(key))

    def _new(self, key: Key) -> sql.Composable:
        return sql.SQL("NOT EXISTS (SELECT FROM {} t WHERE {})").format(self._records, key.same())

    @property
    def _records(self) -> sql.Composable:
        return ddl.qualified(self.table.name if self.table else "")

    def reject_missing(self, table: Table) -> None:
        """Move the staged rows whose ids are not in ``table``."""
        self._move_missing(ddl.qualified(table.name))

    def _move_missing(self, relation: sql.Composable, held: Staging | None = None) -> None:
        self._move(sql.SQL("NOT EXISTS (SELECT FROM {} t WHERE t.id = s.id)").format(relation), held)

    def reject_for(self) -> None:
        """Move the rows that cannot go into the table in its present state."""
        with by_index():
            self.reject_impossible()
            self.reject_known()
        self.reject_repeated()

    def reject_repeated(self, held: Staging | None = None) -> int:
        """Move the rows that repeat a unique value of an earlier good row of the file.

        If it is known that only rows ``held`` back may do so, the values of others need not be compared.
        """
        with repeating(self.staging, self.distinct, held) as condition:
            return 0 if condition is None else self._move(condition)

    def _move(self, condition: sql.Composable, held: Staging | None = None) -> int:
        names = sql.SQL(", ").join([sql.Identifier("id"), *(staged(spec.name) for spec in self.keys)])
        moved = run(
            sql.SQL(
                "WITH gone AS (DELETE FROM {} s WHERE {} RETURNING {}) INSERT INTO {} ({}) SELECT {} FROM gone"
            ).format((held or self.staging).relation, condition, names, self.rejected, names, names)
        )
        self.found += moved
        return moved

    def _unknown(self, column: Column) -> sql.Composable:
        """Whether the record that a row refers to was not there before the import.

        Records of the file itself do not count: they get their ids while it is loaded, new ones at every attempt.
        """
        assert column.references is not None
        name = sql.Identifier(column.name)
        promised: sql.Composable = sql.SQL("")
        if (own := self.own_references.get(column.name)) is not None:
            promised = sql.SQL(" AND NOT {}").format(own.is_answered)
        elif (relation := self.promised.get(column.name)) is not None:
            promised = sql.SQL(" AND NOT EXISTS (SELECT FROM {} n WHERE n.id = s.{})").format(relation, name)
        return sql.SQL(
            "(s.{name} IS NOT NULL AND NOT EXISTS (SELECT FROM {table} r WHERE r.id = s.{name}{before}){promised})"
        ).format(
            name=name,
            table=ddl.qualified(column.references.name),
            promised=promised,
            before=sql.SQL(" AND NOT r.id <@ {}::int8multirange{}").format(sql.Literal(self.own), self._stays("r"))
            if self._is_own(column)
            else sql.SQL(""),
        )

    def reject_unanswered(self) -> None:
        """Move rows that mean a row of the file that is not among the staged ones, or several; until none is left."""
        own = [column for column in self.references if column.name in self.own_references]
        conditions = [self._unknown(column) for column in own]
        conditions += [self.own_references[column.name].is_ambiguous for column in own]
        while self._move(sql.SQL(" OR ").join(conditions)):
            pass

    def _is_own(self, column: Column) -> bool:
        return self.table is not None and column.references_id == self.table.pk

    @property
    def refer_to_own(self) -> bool:
        """Whether a column refers to the table itself, so that PostgreSQL would also accept records of the file."""
        return any(self._is_own(column) for column in self.references)

    def _known(self, key: Key) -> sql.Composable:
        """Whether a record has the unique value of row ``s``, and keeps it."""
        if (found := self.update_key) is None or not self.meant_by.isdisjoint(key.names):
            return self._taken(key)
        lets_go = sql.SQL("EXISTS (SELECT FROM {} o WHERE {} AND ({}) IS DISTINCT FROM ({}))").format(
            self.staging.relation, found.same("t", "o"), key.of_records("t"), key.of_rows("o")
        )
        return self._taken(key, sql.SQL(" AND NOT {}").format(lets_go))

    def _taken(self, key: Key, more: sql.Composable = _NOTHING) -> sql.Composable:
        """Whether a record has the unique value of row ``s``, and ``more`` is true of it."""
        assert self.table is not None
        # A row that lacks a part of the key is about no record, not even one that lacks the same.
        found = self.update_key
        other = sql.SQL(" AND ({}) IS NOT TRUE").format(found.same()) if found is not None else _NOTHING
        return sql.SQL("EXISTS (SELECT FROM {} t WHERE {}{}{}{})").format(
            self._records, key.same(), other, self._stays("t"), more
        )

    def _stays(self, record: str) -> sql.Composable:
        """A further condition: that a record of the table does not give way."""
        if self.all_leave:
            return sql.SQL(" AND false")
        if self.leaving is None:
            return sql.SQL("")
        return sql.SQL(" AND NOT EXISTS (SELECT FROM {} m WHERE m.id = {})").format(
            self.leaving, sql.Identifier(record, "id")
        )

    def explain_chunk(self) -> None:
        """File all errors of the rejected rows of a chunk whose good rows are already in the table, and forget them."""
        assert self.table is not None
        table = ddl.qualified(self.table.name)
        place = {spec.name: number for number, spec in enumerate(self.staging.specs)}
        with by_index():
            self._explain_chunk(table, place)
        run(sql.SQL("TRUNCATE {}").format(self.rejected))

    def _explain_chunk(self, table: sql.Composable, place: dict[str, int]) -> None:
        self._explain_impossible(place)
        for column in self.unique:
            statement = sql.SQL(
                "INSERT INTO {errors} SELECT s.id, {place}, {label}, "
                "CASE WHEN own THEN 'duplicate_in_file' ELSE 'duplicate_in_table' END, CASE WHEN own THEN t.id END "
                "FROM {rejected} s JOIN {table} t ON {known} = {given}, "
                "LATERAL (SELECT t.id <@ {own}::int8multirange AS own) AS mine WHERE NOT own OR t.id < s.id"
            )
            run(
                statement.format(
                    errors=self.errors,
                    place=sql.Literal(place[column.name]),
                    label=sql.Literal(column.name),
                    rejected=self.rejected,
                    table=table,
                    known=unique_key(column, "t"),
                    given=staged_key(column, "s"),
                    own=sql.Literal(self.own),
                )
            )

    # Explaining -----------------------------------------------------------------------------------------------

    def explain(self, *, few: bool = False) -> None:
        """File every error of every rejected row. The staging table has to hold exactly the rows that go in.

        ``few``: the staging table has its indexes, and the rejected rows are few in comparison.
        """
        # Without statistics PostgreSQL would sort the whole staging table to join it with these few rows.
        run(sql.SQL("ANALYZE {}").format(self.rejected))
        with by_index() if few else nullcontext():
            self._explain()

    def _explain(self) -> None:
        place = {spec.name: number for number, spec in enumerate(self.staging.specs)}
        self._explain_impossible(place)
        self._explain_new(place)
        for key in self.distinct:
            label = key.place_of_errors
            number = place.get(label, -1)
            known: sql.Composable = sql.SQL("false")
            if self._finds(key):
                if not key.is_enforced:
                    self._file(label, number, "duplicate_in_table", self._ambiguous(key))
            elif self._may_clash(key):
                known = self._known(key)
                self._file(label, number, "duplicate_in_table", known)
            run(
                sql.SQL(
                    "INSERT INTO {errors} SELECT s.id, {place}, {label}, 'duplicate_in_file', f.id "
                    "FROM {rejected} s JOIN {staging} f ON {same} AND f.id < s.id WHERE NOT {known}"
                ).format(
                    errors=self.errors,
                    place=sql.Literal(number),
                    label=sql.Literal(label),
                    rejected=self.rejected,
                    staging=self.staging.relation,
                    same=key.same_rows("f", "s"),
                    known=known,
                )
            )

    def _may_clash(self, key: Key) -> bool:
        """Whether it is an error if a record that stays has the same key."""
        is_free = self.table is None or self.all_leave
        return not is_free and all(key.names != skipped.names for skipped in self.skipped)

    def _explain_impossible(self, place: dict[str, int]) -> None:
        for column, _, check in self.patterns:
            self._file(column.name, place[column.name], "constraint_failed", sql.SQL("NOT ({})").format(check))
        for column in self.references:
            self._file(column.name, place[column.name], "unknown_reference", self._unknown(column))
            if (own := self.own_references.get(column.name)) is not None:
                self._file(column.name, place[column.name], "ambiguous_reference", own.is_ambiguous)

    def _explain_new(self, place: dict[str, int]) -> None:
        key = self.update_key
        if key is None or self.skips_new:
            return
        new = self._new(key)
        if key.names == [ID]:
            # Where nothing could be read of the id, that was said.
            self._file(ID, place[ID], "unknown_reference", sql.SQL("s.{} IS NOT NULL AND {}").format(staged(ID), new))
            return
        for number, name in enumerate(self.lacking):
            self._file(name, len(place) + number, "missing_value", new)

    def forget_errors(self) -> None:
        run(sql.SQL("TRUNCATE {}").format(self.errors))

    def _file(self, column: str, place: int, code: str, condition: sql.Composable) -> None:
        run(
            sql.SQL("INSERT INTO {} SELECT s.id, {}, {}, {}, NULL FROM {} s WHERE {}").format(
                self.errors, sql.Literal(place), sql.Literal(column), sql.Literal(code), self.rejected, condition
            )
        )

    def any_errors(self) -> bool:
        return bool(value(sql.SQL("SELECT EXISTS (SELECT FROM {})").format(self.errors)))

    def late_errors(self) -> LateSpill:
        """All errors found in SQL, by row and column; a page at a time, so that memory does not grow."""
        spill = LateSpill()
        query = sql.SQL("SELECT id, col, code, first FROM {} ORDER BY id, place").format(self.errors)
        with raw_connection().cursor(name="late_errors") as cursor:
            cursor.execute(query)
            for row in cursor:
                spill.append(LateError(*row))
        return spill
