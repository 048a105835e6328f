"""Which records of a table have which values in one of its columns: asked in sets, and remembered.

All is asked in the database session of the thread that converts, which sees what is committed. What is not known yet of
a block of rows is one COPY and one join, so a column of a million cells with a hundred thousand different values costs
a hundred thousand look-ups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from django.db import connection, transaction
from psycopg import sql

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.imports.converting.binary_copy import whole_copy
from dataengine.imports.converting.conversion import target_of
from dataengine.imports.converting.repeats import canonical_of
from dataengine.imports.converting.shapes import Mask
from dataengine.postgres import ddl, names
from dataengine.postgres.late_checks import late_checks
from dataengine.postgres.record_ids import reserve_ids
from dataengine.postgres.statements import analyze, copy_into, run
from dataengine.postgres.text_expressions import unique_key

type Codes = npt.NDArray[np.int64]

NONE, SEVERAL, FORBIDDEN = 0, -1, -2
"""In place of an id: no record has the value, several have it, or none has it and the column's rules forbid it."""
MOST_NEW = 1_000_000
"""Values for which there is no record are kept in memory, about 200 bytes each."""
_NUMBER = "is.asked"
"""No name of a user's holds a dot."""
_MOST_REMEMBERED = 400_000


class Known:
    """What is known of the values of the column ``match`` of a table."""

    def __init__(self, table_id: int, table: str, match: ColumnSpec, *, purpose: str) -> None:
        self.table_id, self.table, self.match = table_id, table, match
        self.target = target_of(match)
        self._canonical = canonical_of(self.target)
        self._asked = sql.Identifier("pg_temp", names.temporary(0, f"asked:{purpose}"))
        self._held = sql.Identifier("pg_temp", names.temporary(0, f"held:{purpose}"))
        self._is_ready = False
        self._codes: dict[Any, int] = {}
        self._new: dict[Any, int] = {}
        self._waiting: list[tuple[pa.Array, pa.Array]] = []

    def codes(self, values: pa.Array, *, make: bool) -> tuple[Codes, Mask]:
        """By value (none is null): the id of its record or one of the words above; and which ids are new.

        ``make``: values that no record has get the id of a record that is to be made.
        """
        encoded = self._canonical(values).dictionary_encode()
        keys = encoded.dictionary.to_pylist()
        indices = encoded.indices.to_numpy()
        found = [self._codes.get(key) for key in keys]
        unasked = [place for place, code in enumerate(found) if code is None]
        rows = np.unique(indices, return_index=True)[1] if len(keys) else np.empty(0, np.int64)
        if unasked:
            self._ask([keys[place] for place in unasked], values.take(pa.array(rows[unasked])))
            found = [self._codes[key] if code is None else code for key, code in zip(keys, found, strict=True)]
        codes = np.array(found, np.int64)
        is_new = np.zeros(len(keys), np.bool_)
        if make and (codes == NONE).any():
            is_new = codes == NONE
            places = np.flatnonzero(is_new)
            codes[places] = self._promised([keys[place] for place in places], values.take(pa.array(rows[places])))
        return codes[indices], is_new[indices]

    def taken(self) -> list[tuple[pa.Array, pa.Array]]:
        """Ids and values of the records that are to be made, since the last time; called in another thread."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.pop(0))
        return taken

    def _promised(self, keys: Sequence[Any], values: pa.Array) -> list[int]:
        """The ids of the records that these values are to get."""
        fresh = [place for place, key in enumerate(keys) if key not in self._new]
        if fresh:
            if len(self._new) + len(fresh) > MOST_NEW:
                reason = (
                    f"More than {MOST_NEW:,} values are no “{self.match.name}” of a record of “{self.table}”;"
                    " import these records first."
                )
                raise InvalidInput(reason, code="too_many_new_records", fields={"references": reason})
            first = reserve_ids(self.table_id, len(fresh))
            ids = range(first, first + len(fresh))
            self._new.update(zip((keys[place] for place in fresh), ids, strict=True))
            self._waiting.append((pa.array(ids, pa.int64()), values.take(pa.array(fresh))))
        return [self._new[key] for key in keys]

    # Asking -------------------------------------------------------------------------------------------------------

    def _ask(self, keys: Sequence[Any], values: pa.Array) -> None:
        if len(self._codes) + len(keys) > _MOST_REMEMBERED:
            self._codes.clear()
        if not self._is_ready:
            self._prepare()
        numbers = pa.array(np.arange(len(keys), dtype=np.int64))
        with transaction.atomic(), connection.cursor() as cursor:
            copy_into(self._asked, [_NUMBER, self.match.name], [whole_copy([self.target], numbers, [values])])
            cursor.execute(self._question())
            self._codes |= {keys[number]: code for number, code in cursor}

    def _question(self) -> sql.Composable:
        checks = [check for _, check in late_checks(self.match)]
        allowed = (
            sql.SQL(" AND ").join(sql.SQL("({})").format(check) for check in checks) if checks else sql.SQL("true")
        )
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
        """Make the table for questions and, for a column that has no index of its own, one of its values."""
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
        self._is_ready = True
