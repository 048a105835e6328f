"""Which records of a table have which values in one of its columns: asked in sets, and remembered.

All is asked in the database session of the thread that converts, which sees what is committed. Of a table that is not
large all values are taken at once; of others, what is not known yet of a block of rows is one COPY and one join.
"""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from django.db import connection, transaction
from psycopg import sql
from pyarrow import csv

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.binary_copy import whole_copy
from dataengine.imports.converting.conversion import target_of
from dataengine.imports.converting.repeats import Hashes, canonical_of
from dataengine.imports.converting.shapes import Mask
from dataengine.postgres import ddl, names
from dataengine.postgres.copying import copied_out
from dataengine.postgres.late_checks import late_checks
from dataengine.postgres.record_ids import reserve_ids
from dataengine.postgres.statements import analyze, copy_into, raw_connection, run, value
from dataengine.postgres.text_expressions import unique_key

from .remembered import Numbers, Remembered, hashes_of

NONE, SEVERAL, FORBIDDEN = 0, -1, -2
"""In place of an id: no record has the value, several have it, or none has it and the column's rules forbid it."""
MOST_NEW = 1_000_000
"""Values for which there is no record are kept in memory."""
_MOST_AT_ONCE = 300_000
_MOST_BYTES_AT_ONCE = 128 << 20
_MOST_REMEMBERED = 600_000
_NUMBER = "is.asked"
"""No name of a user's holds a dot."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found of a block of values, by value: ids or the words above, which ids are new, and hashes."""

    codes: Numbers
    new: Mask
    hashes: Hashes


class Known:
    """What is known of the values of the column ``match`` of a table."""

    def __init__(self, table_id: int, table: str, match: ColumnSpec, *, purpose: str) -> None:
        self.table_id, self.table, self.match = table_id, table, match
        self.target = target_of(match)
        self._canonical = canonical_of(self.target)
        self._asked = sql.Identifier("pg_temp", names.temporary(0, f"asked:{purpose}"))
        self._held = sql.Identifier("pg_temp", names.temporary(0, f"held:{purpose}"))
        self._checks = [check for _, check in late_checks(match)]
        self._is_ready = False
        self._knows_all = False
        self._codes, self._new = Remembered(), Remembered()
        self._waiting: list[tuple[pa.Array, pa.Array]] = []

    def find(self, values: pa.Array, *, make: bool) -> Found:
        """What the records of values are, none of which is null.

        ``make``: values that no record has get the id of a record that is to be made.
        """
        if not self._is_ready:
            self._prepare()
        canonical = self._canonical(values)
        hashes = hashes_of(canonical)
        codes, known = self._codes.find(canonical, hashes)
        if not self._knows_all and len(rows := np.flatnonzero(~known)):
            few, of_rows = _different(canonical, rows)
            codes[rows] = self._ask(canonical.take(pa.array(few)), hashes[few], values.take(pa.array(few)))[of_rows]
        is_new = np.zeros(len(values), np.bool_)
        if make and len(rows := np.flatnonzero(codes == NONE)):
            is_new[rows] = True
            few, of_rows = _different(canonical, rows)
            codes[rows] = self._promised(canonical.take(pa.array(few)), hashes[few], values.take(pa.array(few)))[
                of_rows
            ]
        return Found(codes, is_new, hashes)

    def taken(self) -> list[tuple[pa.Array, pa.Array]]:
        """Ids and values of the records that are to be made, since the last time; called in another thread."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.pop(0))
        return taken

    def _promised(self, canonical: pa.Array, hashes: Hashes, values: pa.Array) -> Numbers:
        """The ids of the records that values, all of them different, are to get."""
        ids, known = self._new.find(canonical, hashes)
        fresh = np.flatnonzero(~known)
        if len(fresh):
            if len(self._new) + len(fresh) > MOST_NEW:
                reason = (
                    f"More than {MOST_NEW:,} values are no “{self.match.name}” of a record of “{self.table}”;"
                    " import these records first."
                )
                raise InvalidInput(reason, code="too_many_new_records", fields={"references": reason})
            first = reserve_ids(self.table_id, len(fresh))
            ids[fresh] = np.arange(first, first + len(fresh))
            self._new.add(canonical.take(pa.array(fresh)), hashes[fresh], ids[fresh])
            self._waiting.append((pa.array(ids[fresh]), values.take(pa.array(fresh))))
        return ids

    # Asking -------------------------------------------------------------------------------------------------------

    def _ask(self, canonical: pa.Array, hashes: Hashes, values: pa.Array) -> Numbers:
        """What the database says of values, all of them different."""
        if len(self._codes) + len(values) > _MOST_REMEMBERED:
            self._codes = Remembered()
        codes = np.zeros(len(values), np.int64)
        numbers = pa.array(np.arange(len(values), dtype=np.int64))
        with transaction.atomic(), connection.cursor() as cursor:
            copy_into(self._asked, [_NUMBER, self.match.name], [whole_copy([self.target], numbers, [values])])
            cursor.execute(self._question())
            for number, code in cursor.fetchall():
                codes[number] = code
        self._codes.add(canonical, hashes, codes)
        return codes

    def _question(self) -> sql.Composable:
        allowed = sql.SQL(" AND ").join([sql.SQL("true"), *(sql.SQL("({})").format(check) for check in self._checks)])
        return sql.SQL(
            "SELECT s.{number}, CASE WHEN r.hits > 1 THEN {several} WHEN r.id IS NOT NULL THEN r.id"
            " WHEN {allowed} THEN {none} ELSE {forbidden} END FROM {asked} s LEFT JOIN {holders} r ON {held} = {key}"
        ).format(
            number=sql.Identifier(_NUMBER),
            several=sql.Literal(SEVERAL),
            none=sql.Literal(NONE),
            forbidden=sql.Literal(FORBIDDEN),
            allowed=allowed,
            asked=self._asked,
            holders=sql.SQL("(SELECT *, 1 AS hits FROM {})").format(ddl.qualified(self.table))
            if self.match.unique
            else self._held,
            held=unique_key(self.match, "r"),
            key=unique_key(self.match, "s"),
        )

    def _prepare(self) -> None:
        """Take all values at once if they are not too many; else make what is needed to ask for some."""
        self._is_ready = True
        # What a column's own rules forbid only the database can tell.
        self._knows_all = (self.match.kind.is_text and not self._checks) and self._is_small()
        if self._knows_all:
            self._take_all()
            return
        name = sql.Identifier(self.match.name)
        run(
            sql.SQL("CREATE TEMP TABLE {} ({} bigint NOT NULL, {} {}) ON COMMIT DELETE ROWS").format(
                self._asked, sql.Identifier(_NUMBER), name, ddl.type_of(self.match)
            )
        )
        if not self.match.unique:
            run(
                sql.SQL(
                    "CREATE TEMP TABLE {} AS SELECT {name}, min(id) AS id, count(*) AS hits FROM {}"
                    " WHERE {name} IS NOT NULL GROUP BY {name}"
                ).format(self._held, ddl.qualified(self.table), name=name)
            )
            run(sql.SQL("CREATE INDEX ON {} ({})").format(self._held, name))
            run(analyze(self._held))

    def _is_small(self) -> bool:
        relation = ddl.qualified(self.table)
        if value(sql.SQL("SELECT pg_table_size(%s::regclass)"), [relation.as_string()]) > _MOST_BYTES_AT_ONCE:
            return False
        counted = sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS counted")
        return bool(value(counted.format(relation, sql.Literal(_MOST_AT_ONCE + 1))) <= _MOST_AT_ONCE)

    def _take_all(self) -> None:
        name = sql.Identifier(self.match.name)
        statement = sql.SQL("COPY (SELECT id, {0} FROM {1} WHERE {0} IS NOT NULL) TO STDOUT (FORMAT csv)").format(
            name, ddl.qualified(self.table)
        )
        text = b"".join(copied_out(raw_connection(), statement))
        if not text:
            return
        held = csv.read_csv(
            io.BytesIO(text),
            # In one block, which no value is too long for.
            read_options=csv.ReadOptions(column_names=["id", "value"], use_threads=False, block_size=len(text) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(column_types={"id": pa.int64(), "value": pa.string()}),
        ).combine_chunks()
        ids = held.column("id").to_numpy()
        encoded = self._canonical(held.column("value").combine_chunks()).dictionary_encode()
        codes = np.zeros(len(encoded.dictionary), np.int64)
        indices = encoded.indices.to_numpy()
        codes[indices] = ids
        codes[np.bincount(indices, minlength=len(codes)) > 1] = SEVERAL
        self._codes.add(encoded.dictionary, hashes_of(encoded.dictionary), codes)


def _different(values: pa.Array, rows: Numbers) -> tuple[Numbers, Numbers]:
    """Of some rows, those that have a value first, and for each row which of them has its value."""
    indices = values.take(pa.array(rows)).dictionary_encode().indices.to_numpy()
    first = np.zeros(int(indices.max()) + 1, np.int64)
    first[indices[::-1]] = rows[::-1]
    return first, indices
