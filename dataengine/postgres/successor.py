"""A table that takes the place of another: the same records, with the values of one column converted.

It grows beside the table, out of sight, while everybody goes on reading and writing there; what is written meanwhile is
noted (``change_log.py``) and brought after. The table itself is locked only for the moment in which its successor takes
the name. pg_repack works like that, too.
"""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from dataengine.models import Column, Table
from dataengine.postgres import change_log, ddl, names, surroundings, text_expressions
from dataengine.postgres.column_values import FAILED, SAME
from dataengine.postgres.statements import by_index, run, value
from dataengine.postgres.swap import Swap

_NOTED = sql.Identifier("tk:noted")
_BUILT_LATER = {"unique", "reference"}
_NAMED = 20
_NOTHING = sql.SQL("")
_CHUNK_BLOCKS = 1024
"""What is read before the first records can be written, and of converted values one chunk is joined at a time."""


class Successor:
    """The successor of ``table`` in the change ``job_id``."""

    def __init__(self, table: Table, job_id: int, swap: Swap) -> None:
        self.table, self.job_id, self.swap = table, job_id, swap
        self._name = names.change(job_id, "table")
        self.relation: sql.Composable = sql.Identifier(change_log.SCHEMA, self._name)
        self.converted: sql.Composable = sql.Identifier("pg_temp", names.change(job_id, "converted"))
        """Ids, with values of the new type under the column's name, and whether the old value has failed."""
        self.written: sql.Composable = sql.Identifier("pg_temp", names.change(job_id, "written"))
        """The records that were written meanwhile: an id that was noted, and the record, if there is one."""
        self.failing: sql.Composable = sql.Identifier("pg_temp", names.change(job_id, "failing"))
        """The ids of the records whose old values have failed."""
        self._hidden = names.change(job_id, "before")
        self._attributes = surroundings.attributes(table)
        self._references = surroundings.references_of(table, without=swap.old.name)

    @property
    def columns_converted(self) -> list[str]:
        return ["id", self.swap.new.name, FAILED, SAME]

    def prepare(self) -> None:
        """Make what only this session sees."""
        run(
            sql.SQL("CREATE TEMP TABLE {} (id bigint, {} {}, {} boolean, {} boolean)").format(
                self.converted,
                sql.Identifier(self.swap.new.name),
                ddl.type_of(self.swap.new),
                sql.Identifier(FAILED),
                sql.Identifier(SAME),
            )
        )
        run(sql.SQL("CREATE TEMP TABLE {} (id bigint PRIMARY KEY)").format(self.failing))
        run(
            sql.SQL("CREATE TEMP TABLE {} AS SELECT NULL::bigint AS {}, {} FROM {} WITH NO DATA").format(
                self.written, _NOTED, self._stored(), ddl.qualified(self.table.name)
            )
        )

    def dispose(self) -> None:
        """Drop what only this session sees."""
        run(sql.SQL("DROP TABLE IF EXISTS {}, {}, {}").format(self.converted, self.written, self.failing))

    def create(self) -> None:
        """Make the table with all its columns and checks, without records and indexes."""
        old, new, kept = self.swap.old, self.swap.new, self.swap.kept
        run(
            sql.SQL(
                "CREATE TABLE {} (LIKE {} INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING CONSTRAINTS"
                " INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS)"
            ).format(self.relation, ddl.qualified(self.table.name))
        )
        surroundings.copy_options(self.table, self.relation)
        place, hidden = sql.Identifier(old.name), sql.Identifier(self._hidden)
        self._alter("ALTER COLUMN {0} DROP NOT NULL, ALTER COLUMN {0} DROP DEFAULT", place)
        for kind, _ in ddl.constraints(old):
            if kind not in _BUILT_LATER:
                self._alter("RENAME CONSTRAINT {} TO {}", _constraint(old, kind), self._set_aside(kind))
        self._alter("RENAME COLUMN {} TO {}", place, hidden)
        self._alter("ADD COLUMN {}", ddl.column_definition(new))
        for kind, clause in ddl.constraints(new):
            if kind not in _BUILT_LATER:
                self._alter("ADD {}", clause)
        if kept is not None:
            self._alter("ADD COLUMN {}", ddl.column_definition(kept))
        if self.swap.dropped:
            self._alter("DROP COLUMN {}", sql.Identifier(self.swap.dropped))

    def chunks(self) -> Iterator[tuple[float, sql.Composed]]:
        """The records in pieces, in the order of their file, each with the share of the whole before it.

        A piece is a subquery with all columns. Chunks keep that order, and what is joined with each fits into memory.
        The transaction's snapshot has to be one for all: a record that moves in the file must not be met twice.
        """
        size = sql.SQL("SELECT pg_relation_size({}::regclass) / current_setting('block_size')::int")
        blocks = int(value(size.format(sql.Literal(ddl.quoted(self.table.name)))))
        for start in range(0, blocks, _CHUNK_BLOCKS):
            yield (
                start / blocks,
                sql.SQL("(SELECT {} FROM {} WHERE ctid >= {}::tid AND ctid < {}::tid)").format(
                    self._stored(),
                    ddl.qualified(self.table.name),
                    sql.Literal(f"({start},0)"),
                    sql.Literal(f"({start + _CHUNK_BLOCKS},0)"),
                ),
            )

    def cast(self, chunk: sql.Composable) -> None:
        """Convert the values of a chunk, where PostgreSQL's own cast keeps every value."""
        new = self.swap.new
        run(
            sql.SQL("INSERT INTO {} SELECT id, {}::{}, false, false FROM {}").format(
                self.converted, sql.Identifier(self.swap.old.name), ddl.type_of(new), chunk
            )
        )

    def give_back(self, records: sql.Composable, changed: sql.Composable) -> None:
        """Convert to the values of the column that is ``dropped``, but for those with an id of the query ``changed``.

        These count as having failed.
        """
        run(
            sql.SQL("INSERT INTO {} SELECT id, {}, false, false FROM {} AS t WHERE id NOT IN ({})").format(
                self.converted, sql.Identifier(self.swap.dropped), records, changed
            )
        )
        run(sql.SQL("INSERT INTO {} {} ON CONFLICT DO NOTHING").format(self.failing, changed))

    def judge(self) -> None:
        """Mark the values of ``converted`` that break a rule, and note the ids of all that have failed."""
        if self.swap.broken:
            broken = sql.SQL(" OR ").join(self.swap.broken)
            run(
                sql.SQL("UPDATE {} AS v SET {} = true WHERE NOT {} AND ({})").format(
                    self.converted, sql.Identifier(FAILED), sql.Identifier("v", FAILED), broken
                )
            )
        run(
            sql.SQL("INSERT INTO {} SELECT id FROM {} WHERE {} ON CONFLICT DO NOTHING").format(
                self.failing, self.converted, sql.Identifier(FAILED)
            )
        )

    @property
    def failed(self) -> sql.Composable:
        """A query of the ids of the records whose old values have failed."""
        return sql.SQL("SELECT id FROM {}").format(self.failing)

    def some_failing(self) -> list[int]:
        """The first of these ids."""
        listed = sql.SQL("SELECT array_agg(id) FROM (SELECT id FROM {} ORDER BY id LIMIT {}) AS few")
        return list(value(listed.format(self.failing, sql.Literal(_NAMED))) or ())

    def count_failing(self) -> int:
        return int(value(sql.SQL("SELECT count(*) FROM {}").format(self.failing)))

    def take_over(self, chunk: sql.Composable, *, cast: bool) -> int:
        """Copy a chunk whose values are ``converted`` or, if ``cast``, there; returns how many records it has.

        There are the old values, to be cast, or those of the column that is ``dropped``.
        To look up each converted value takes as long as all the rest.
        """
        if cast:
            return self._insert(sql.SQL("{} AS t").format(chunk), cast=True)
        taken = self._insert(sql.SQL("{} AS t JOIN {} AS c ON c.id = t.id").format(chunk, self.converted))
        self.clear()
        return taken

    def judge_repeats(self) -> None:
        """Let fail, in the finished copy, what repeats the value of a record with a lower id."""
        new, kept = self.swap.new, self.swap.kept
        if not new.unique:
            return
        key, name = text_expressions.unique_key(new, "s"), sql.Identifier("s", new.name)
        good = sql.SQL("{} AS s WHERE {} IS NOT NULL AND s.id NOT IN (SELECT id FROM {})").format(
            self.relation, name, self.failing
        )
        run(
            sql.SQL(
                "INSERT INTO {failing} WITH repeated AS (SELECT {key} AS key, min(s.id) AS first FROM {good}"
                " GROUP BY 1 HAVING count(*) > 1) SELECT s.id FROM {relation} AS s JOIN repeated AS r ON r.key = {key}"
                " WHERE s.id <> r.first AND s.id NOT IN (SELECT id FROM {failing})"
            ).format(failing=self.failing, key=key, good=good, relation=self.relation)
        )
        settings = [sql.SQL("{} = {}").format(sql.Identifier(new.name), self._instead())]
        if kept is not None:
            settings.append(sql.SQL("{} = {}::text").format(sql.Identifier(kept.name), sql.Identifier(self._hidden)))
        run(
            sql.SQL("UPDATE {} AS s SET {} WHERE s.id IN (SELECT id FROM {}) AND {} IS NOT NULL").format(
                self.relation, sql.SQL(", ").join(settings), self.failing, name
            )
        )

    def build_indexes(self) -> list[sql.Composable]:
        """The statements that build the indexes, the primary key's first."""
        there = surroundings.indexes(self.table, without=self.swap.old.name)
        statements = [surroundings.built_again(index, self.relation, change_log.SCHEMA) for index in there]
        new = self.swap.new
        if new.unique_ignores_case:
            statements.append(ddl.unique_index(self.table, new, on=self.relation))
        elif new.unique:
            clause = dict(ddl.constraints(new))["unique"]
            statements.append(sql.SQL("ALTER TABLE {} ADD {}").format(self.relation, clause))
        if self.swap.indexed:
            statements.append(ddl.column_index(self.table, new, concurrently=False, on=self.relation))
        return statements

    def analyze(self) -> None:
        """Have PostgreSQL collect statistics, or the first lists afterwards would be planned blindly."""
        run(sql.SQL("ANALYZE {}").format(self.relation))

    # What is written meanwhile --------------------------------------------------------------------------------------

    def expect_few(self) -> None:
        """From now on ``converted`` holds few values, which are looked up one by one."""
        run(sql.SQL("CREATE UNIQUE INDEX ON {} (id)").format(self.converted))

    def gather(self) -> int:
        """Move what is noted into ``written``, with the records as they are now; returns how many.

        One statement, so that all of it is the state of one moment.
        """
        cells = sql.SQL(", ").join(sql.Identifier("t", attribute.name) for attribute in self._attributes)
        with by_index():
            gathered = run(
                sql.SQL(
                    "WITH noted AS (DELETE FROM {} RETURNING id) INSERT INTO {} SELECT n.id, {}"
                    " FROM (SELECT DISTINCT id FROM noted) AS n LEFT JOIN {} AS t ON t.id = n.id"
                ).format(change_log.relation(self.job_id), self.written, cells, ddl.qualified(self.table.name))
            )
            run(sql.SQL("DELETE FROM {} WHERE id IN (SELECT {} FROM {})").format(self.failing, _NOTED, self.written))
        return gathered

    @property
    def to_convert(self) -> sql.Composed:
        """Of ``written`` the records that there are."""
        return sql.SQL("(SELECT {} FROM {} WHERE id IS NOT NULL)").format(self._stored(), self.written)

    def bring_after(self, *, cast: bool) -> None:
        """Put the records of ``written`` in the place of what was there, with their values from ``converted``.

        If ``cast``, their values are there, as in ``take_over``.
        """
        truncated = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE {} IS NULL)").format(self.written, _NOTED)
        if value(truncated):
            run(sql.SQL("DELETE FROM {}").format(self.relation))
            run(
                sql.SQL("DELETE FROM {} WHERE id NOT IN (SELECT id FROM {} WHERE id IS NOT NULL)").format(
                    self.failing, self.written
                )
            )
        source = sql.SQL("{} AS t").format(self.to_convert)
        if not cast:
            source += sql.SQL(" JOIN {} AS c ON c.id = t.id").format(self.converted)
        gone = sql.SQL("WITH gone AS (DELETE FROM {} AS s USING {} AS w WHERE s.id = w.{} RETURNING s.id) ").format(
            self.relation, self.written, _NOTED
        )
        with by_index():
            # A value may have moved from one record to another, so all have to be gone first.
            self._insert(source + sql.SQL(" WHERE (SELECT count(*) FROM gone) >= 0"), gone, cast=cast)

    def clear(self) -> None:
        """Empty ``converted`` and ``written``."""
        run(sql.SQL("TRUNCATE {}, {}").format(self.converted, self.written))

    def refer(self) -> bool:
        """Let the new column refer to other records from now on. Its values are checked by ``check_reference``.

        False if it does not or if it refers to this table itself, whose place has to be taken first.
        """
        new = self.swap.new
        if new.references_id is None or new.references_id == self.table.pk:
            return False
        self._alter("ADD {} NOT VALID", dict(ddl.constraints(new))["reference"])
        return True

    def check_reference(self) -> None:
        self._alter("VALIDATE CONSTRAINT {}", _constraint(self.swap.new, "reference"))

    def refers_to_what_is_gone(self) -> bool:
        """Whether a column that comes to refer to its own table has values that are no ids of it."""
        if self.swap.new.references_id != self.table.pk or self.swap.old.references_id == self.table.pk:
            return False
        name = sql.Identifier("s", self.swap.new.name)
        dangles = sql.SQL("{} IS NOT NULL AND NOT EXISTS (SELECT FROM {} AS r WHERE r.id = {})")
        query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS s WHERE {})")
        return bool(value(query.format(self.relation, dangles.format(name, self.relation, name))))

    # Taking the place -----------------------------------------------------------------------------------------------

    def lock(self) -> None:
        """Lock the table, and those that refer to it or that it refers to. Raises OperationalError if that fails."""
        coming = surroundings.references_to(self.table)
        exclusive = [ddl.quoted(self.table.name), *sorted({found.holder for found in coming})]
        shared = sorted({found.target for found in self._references} - {*exclusive})
        for listed, mode in ((exclusive, "ACCESS EXCLUSIVE"), (shared, "SHARE ROW EXCLUSIVE")):
            for name in listed:
                run(sql.SQL("LOCK TABLE {} IN {} MODE").format(sql.SQL(name), sql.SQL(mode)))

    def take_the_place(self, hidden: Column) -> None:
        """Become the table, which is locked; ``hidden`` is the column of the old values.

        The values of references are those of before, so they are not checked here, where everybody waits, but later.
        """
        old, table = self.swap.old, self.table
        coming, granted = surroundings.references_to(table), surroundings.grants(table)
        last = surroundings.last_id(table)
        for found in coming:
            run(sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.SQL(found.holder), sql.Identifier(found.name)))
        run(sql.SQL("DROP TABLE {}").format(ddl.qualified(table.name)))
        self._alter("RENAME COLUMN {} TO {}", sql.Identifier(self._hidden), sql.Identifier(hidden.name))
        for kind, _ in ddl.constraints(old):
            if kind not in _BUILT_LATER:
                self._alter("RENAME CONSTRAINT {} TO {}", self._set_aside(kind), _constraint(hidden, kind))
        self._alter("RENAME TO {}", sql.Identifier(table.name))
        self.relation = sql.Identifier(change_log.SCHEMA, table.name)
        self._alter("SET SCHEMA {}", sql.Identifier(ddl.SCHEMA))
        self.relation = ddl.qualified(table.name)
        self._alter(
            "ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (SEQUENCE NAME {} START {})",
            ddl.qualified(names.sequence(table.pk)),
            sql.Literal(last + 1),
        )
        for found in (*coming, *self._references):
            surroundings.refer(found)
        if self.swap.new.references_id == table.pk:
            self._alter("ADD {} NOT VALID", dict(ddl.constraints(self.swap.new))["reference"])
        for grant in granted:
            is_of_it = grant.column == old.name
            surroundings.grant(table, grant._replace(column=self.swap.new.name) if is_of_it else grant)
        change_log.remove(self.job_id)

    # ----------------------------------------------------------------------------------------------------------------

    def _insert(self, source: sql.Composable, before: sql.Composable = _NOTHING, *, cast: bool = False) -> int:
        """Insert what ``source`` gives: records ``t`` with their conversion ``c``, or to be ``cast``."""
        old, new, kept = self.swap.old, self.swap.new, self.swap.kept
        theirs: list[sql.Composable] = []
        ours: list[sql.Composable] = []
        for attribute in self._attributes:
            if not attribute.is_generated and attribute.name != self.swap.dropped:
                name = self._hidden if attribute.name == old.name else attribute.name
                ours.append(sql.Identifier(name))
                theirs.append(sql.Identifier("t", attribute.name))
        ours.append(sql.Identifier(new.name))
        has_failed = sql.Identifier("c", FAILED)
        if cast and self.swap.dropped:
            theirs.append(sql.Identifier("t", self.swap.dropped))
        elif cast:
            theirs.append(sql.SQL("{}::{}").format(sql.Identifier("t", old.name), ddl.type_of(new)))
        else:
            converted = sql.Identifier("c", new.name)
            theirs.append(sql.SQL("CASE WHEN {} THEN {} ELSE {} END").format(has_failed, self._instead(), converted))
        if kept is not None and not cast:
            ours.append(sql.Identifier(kept.name))
            theirs.append(sql.SQL("CASE WHEN {} THEN {}::text END").format(has_failed, sql.Identifier("t", old.name)))
        return run(
            sql.SQL("{}INSERT INTO {} ({}) SELECT {} FROM {}").format(
                before, self.relation, sql.SQL(", ").join(ours), sql.SQL(", ").join(theirs), source
            )
        )

    def _instead(self) -> sql.Composable:
        """The value of a record whose old value has failed."""
        return sql.SQL("{}::{}").format(sql.Literal(self.swap.filling), ddl.type_of(self.swap.new))

    def _stored(self) -> sql.Composable:
        return sql.SQL(", ").join(sql.Identifier(attribute.name) for attribute in self._attributes)

    def _alter(self, action: str, *parts: sql.Composable) -> None:
        run(sql.SQL("ALTER TABLE {} ").format(self.relation) + sql.SQL(action).format(*parts))

    def _set_aside(self, kind: str) -> sql.Identifier:
        return sql.Identifier(names.change(self.job_id, kind))


def _constraint(column: Column, kind: str) -> sql.Identifier:
    return sql.Identifier(names.constraint(column.pk, kind))
