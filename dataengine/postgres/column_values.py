"""The values that a column is to have: where they stand, and which of them a rule forbids. All of it is SQL.

They are a relation of ``id``, the value under the column's new name, ``tk:failed`` and ``tk:same`` (it says the same as
before): either a subquery on the table, where PostgreSQL has the values already, or a temporary table into which
converted values are copied. Nothing here changes the table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import OperationalError, connection, transaction
from psycopg import sql

from dataengine.columns.limits import limit_in_words
from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import INDEXABLE_BYTES, LIMITS
from dataengine.models import Table
from dataengine.postgres import ddl
from dataengine.postgres.statements import copy_into, run, value
from dataengine.postgres.text_expressions import unique_key
from dataengine.postgres.time_limits import time_limit, timed_out

type Relation = sql.Composable
"""A table, or a query in brackets with a name, for modules that pass it on and make none."""
FAILED, SAME = "tk:failed", "tk:same"
_FAILED, _SAME = sql.Identifier(FAILED), sql.Identifier(SAME)
_STAGE = sql.Identifier("pg_temp", "tk:values")
_FAILING = sql.Identifier("pg_temp", "tk:failing")
_EXAMPLES = 5
_CANONICAL_BYTES = 18
_SAMPLE, _SAMPLE_SECONDS = 1_000, 2.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What a value ``v.<name>`` must not be, why, and the code of that cause."""

    code: str
    message: str
    broken: sql.Composable


@dataclass(frozen=True, slots=True)
class Broken:
    """How many values break a rule, and the first of them: ids, values as text, the record that has it first."""

    code: str
    message: str
    count: int
    examples: list[tuple[int, str | None, int | None]]


class ColumnValues:
    """The values that the column ``old`` of ``table`` is to have as ``new``.

    ``says_the_same``: values of the one type are at once values of the other.
    """

    def __init__(
        self,
        table: Table,
        old: ColumnSpec,
        new: ColumnSpec,
        *,
        says_the_same: bool,
        among: sql.Composable | None = None,
    ) -> None:
        self._place = among or ddl.qualified(table.name)
        self.table, self.old, self.new = table, old, new
        self.is_staged = False
        self._says_the_same = says_the_same

    @property
    def relation(self) -> sql.Composable:
        if self.is_staged:
            return _STAGE
        name = sql.Identifier(self.old.name)
        present = (
            sql.SQL("{}::{}").format(name, ddl.type_of(self.new))
            if ddl.type_of(self.old) != ddl.type_of(self.new)
            else name
        )
        same = sql.SQL("true") if self._says_the_same else sql.SQL("{} IS NULL").format(name)
        return sql.SQL("(SELECT id, {} AS {}, false AS {}, {} AS {} FROM {} AS place)").format(
            present, sql.Identifier(self.new.name), _FAILED, same, _SAME, self._place
        )

    @property
    def failing(self) -> sql.Composable:
        """A query of the ids of values that failed."""
        if self.is_staged:
            return sql.SQL("SELECT id FROM {} WHERE {}").format(_STAGE, _FAILED)
        return sql.SQL("SELECT DISTINCT id FROM {}").format(_FAILING)

    @property
    def changing(self) -> sql.Composable:
        """A query of the ids of values that failed or say something else than before."""
        if self.is_staged:
            return sql.SQL("SELECT id FROM {} WHERE {} OR NOT {}").format(_STAGE, _FAILED, _SAME)
        return self.failing

    def stage(self, copy: Iterable[bytes | memoryview], *, indexed: bool) -> None:
        """Take converted values in, from a binary COPY of id, value, whether it failed and says the same."""
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(_STAGE))
        run(
            sql.SQL(
                "CREATE TEMP TABLE {} (id bigint NOT NULL, {} {}, {} boolean NOT NULL, {} boolean NOT NULL)"
                " ON COMMIT DROP"
            ).format(_STAGE, sql.Identifier(self.new.name), ddl.type_of(self.new), _FAILED, _SAME)
        )
        copy_into(_STAGE, ["id", self.new.name, FAILED, SAME], copy)
        if indexed:
            run(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id)").format(_STAGE))
        run(sql.SQL("ANALYZE {}").format(_STAGE))
        self.is_staged = True

    def count(self) -> tuple[int, int]:
        """How many records the table has, and how many of them have a value."""
        query = sql.SQL("SELECT count(*), count({}) FROM {}").format(
            sql.Identifier(self.old.name), ddl.qualified(self.table.name)
        )
        with connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def find(self, rules: Sequence[Rule], *, unique: bool) -> list[Broken]:
        """The values that break one of the rules or, if ``unique``, repeat that of a record with a lower id."""
        run(sql.SQL("DROP TABLE IF EXISTS {}").format(_FAILING))
        run(sql.SQL("CREATE TEMP TABLE {} (id bigint, cause int, first bigint) ON COMMIT DROP").format(_FAILING))
        if rules:
            listed = sql.SQL(", ").join(
                sql.SQL("({}, {})").format(sql.Literal(number), rule.broken) for number, rule in enumerate(rules)
            )
            run(
                sql.SQL(
                    "INSERT INTO {} SELECT v.id, c.cause FROM {} v CROSS JOIN LATERAL (VALUES {}) c(cause, broken)"
                    " WHERE NOT v.{} AND c.broken"
                ).format(_FAILING, self.relation, listed, _FAILED)
            )
        if unique:
            self._find_repeats(len(rules))
        found = [self._broken(number, rule.code, rule.message) for number, rule in enumerate(rules)]
        if unique:
            found.append(self._broken(len(rules), "duplicate_in_table", "expected a value that no other record has"))
        return [broken for broken in found if broken.count]

    def count_failing(self) -> tuple[int, int, int]:
        """How many values the rules of ``find`` forbid; of these, those that are none at all, and that say the same."""
        query = sql.SQL(
            "SELECT count(*), count(*) FILTER (WHERE t.{} IS NULL), count(*) FILTER (WHERE v.{}) FROM {} v"
            " JOIN {} t ON t.id = v.id WHERE v.id IN (SELECT id FROM {})"
        ).format(sql.Identifier(self.old.name), _SAME, self.relation, ddl.qualified(self.table.name), _FAILING)
        with connection.cursor() as cursor:
            cursor.execute(query)
            row = cursor.fetchone()
        return (int(row[0]), int(row[1]), int(row[2])) if row else (0, 0, 0)

    def is_slow(self, rules: Sequence[Rule]) -> bool:
        """Whether some of the values take PostgreSQL very long to look at."""
        broken = sql.SQL(" OR ").join(rule.broken for rule in rules)
        try:
            with transaction.atomic(), time_limit(_SAMPLE_SECONDS):
                run(
                    sql.SQL("SELECT count(*) FROM (SELECT * FROM {} v LIMIT {}) v WHERE {}").format(
                        self.relation, sql.Literal(_SAMPLE), broken
                    )
                )
        except OperationalError as error:
            if not timed_out(error):
                raise
            return True
        return False

    def mark(self) -> None:
        """Mark the staged values that the rules of ``find`` forbid."""
        if self.is_staged:
            run(
                sql.SQL("UPDATE {} SET {} = true, {} = false, {} = NULL WHERE id IN (SELECT id FROM {})").format(
                    _STAGE, _FAILED, _SAME, sql.Identifier(self.new.name), _FAILING
                )
            )

    def _find_repeats(self, cause: int) -> None:
        key = unique_key(self.new, "v")
        good = sql.SQL("{} v WHERE NOT v.{} AND {} IS NOT NULL AND v.id NOT IN (SELECT id FROM {})").format(
            self.relation, _FAILED, sql.Identifier("v", self.new.name), _FAILING
        )
        run(
            sql.SQL(
                "INSERT INTO {failing} WITH good AS NOT MATERIALIZED (SELECT v.id, {key} AS key FROM {good}),"
                " repeated AS (SELECT key, min(id) AS first FROM good GROUP BY key HAVING count(*) > 1)"
                " SELECT g.id, {cause}, r.first FROM good g JOIN repeated r ON r.key = g.key WHERE g.id <> r.first"
            ).format(failing=_FAILING, key=key, good=good, cause=sql.Literal(cause))
        )

    def _broken(self, cause: int, code: str, message: str) -> Broken:
        count = int(value(sql.SQL("SELECT count(*) FROM {} WHERE cause = {}").format(_FAILING, sql.Literal(cause))))
        examples: list[tuple[int, str | None, int | None]] = []
        if count:
            query = sql.SQL(
                "SELECT f.id, t.{}::text, f.first FROM (SELECT * FROM {} WHERE cause = {} ORDER BY id LIMIT {}) f"
                " JOIN {} t ON t.id = f.id ORDER BY f.id"
            ).format(
                sql.Identifier(self.old.name),
                _FAILING,
                sql.Literal(cause),
                sql.Literal(_EXAMPLES),
                ddl.qualified(self.table.name),
            )
            with connection.cursor() as cursor:
                cursor.execute(query)
                examples = [(row[0], row[1], row[2]) for row in cursor.fetchall()]
        return Broken(code, message, count, examples)


def has_other_than_canonical(
    session: psycopg.Connection[Any], records: sql.Composable, name: str, new: ColumnSpec
) -> bool:
    """Whether a text of the column ``name`` is long, or other than PostgreSQL writes a finite number of type ``new``.

    To cast a text and write it again costs half of what a regular expression does.
    """
    plain = sql.SQL(
        "CASE WHEN octet_length({text}) <= {most} AND pg_input_is_valid({text}, {type_name})"
        " THEN ({text}::{type})::text COLLATE \"C\" = {text} AND right({text}, 1) BETWEEN '0' AND '9' ELSE false END"
    ).format(
        text=sql.SQL("t.{}::text").format(sql.Identifier(name)),
        most=sql.Literal(_CANONICAL_BYTES),
        type=ddl.type_of(new),
        type_name=sql.Literal(ddl.type_of(new).as_string(session)),
    )
    query = sql.SQL("SELECT EXISTS (SELECT FROM {} AS t WHERE t.{} IS NOT NULL AND NOT {})")
    found = session.execute(query.format(records, sql.Identifier(name), plain)).fetchone()
    return found != (False,)


def rules_on(new: ColumnSpec, old: ColumnSpec | None, target: Table | None) -> list[Rule]:
    """The rules of ``new`` that have to be asked of values; with ``old``, those that it does not have already.

    ``target`` is the table to which the column refers, where that has to be checked.
    """
    name = sql.Identifier("v", new.name)
    found: list[Rule] = []
    if new.required and not (old is not None and old.required):
        found.append(Rule("missing_value", "expected a value, found nothing", sql.SQL("{} IS NULL").format(name)))
    found += limits_on(new, None if old is None else old.constraints)
    if target is not None:
        found.append(
            Rule(
                "unknown_reference",
                f"expected the id of a record of “{target.name}”",
                sql.SQL("{0} IS NOT NULL AND NOT EXISTS (SELECT FROM {1} r WHERE r.id = {0})").format(
                    name, ddl.qualified(target.name)
                ),
            )
        )
    if new.unique and new.kind.is_text and not (old is not None and old.unique):
        found.append(
            Rule(
                "value_too_long",
                f"expected at most {INDEXABLE_BYTES:,} bytes, since the column is unique",
                sql.SQL("octet_length({}) > {}").format(name, sql.Literal(INDEXABLE_BYTES)),
            )
        )
    return found


_WORDS = {
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "pattern": "a text that matches {}",
}  # fmt: skip


def _demanded(new: ColumnSpec, rule: str) -> str:
    limit = new.constraints[rule]
    return limit_in_words(new.kind, rule, limit) if rule in LIMITS else _WORDS[rule].format(limit)


def limits_on(new: ColumnSpec, known: dict[str, Any] | None, only: Sequence[str] | None = None) -> list[Rule]:
    """The limits of values that ``known`` does not have already, or ``only`` some kinds of them."""
    wanted = {
        kind: limit
        for kind, limit in new.constraints.items()
        if (known is None or known.get(kind) != limit) and (only is None or kind in only)
    }
    return [
        Rule("constraint_failed", f"expected {_demanded(new, kind)}", sql.SQL("NOT ({})").format(check))
        for kind, check in ddl.checks_of(new, "v")
        if kind in wanted
    ]
