"""The CHECKs that conversion cannot decide, only PostgreSQL: regular expressions, limits on plain numeric."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from dataengine.columns.types import ColumnSpec
from dataengine.models import Column


def late_checks(column: Column | ColumnSpec) -> Iterator[tuple[str, sql.Composable]]:
    """By kind: the CHECKs of a column, as conditions on its values in a relation called ``s``."""
    name = sql.SQL("s.{}").format(sql.Identifier(column.name))
    if "pattern" in column.constraints:
        yield "pattern", sql.SQL("{} ~ {}").format(name, sql.Literal(column.constraints["pattern"]))
    if column.kind.limits_need_postgres(column.parameters):
        signs = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
        for kind, sign in signs.items():
            if kind in column.constraints:
                yield kind, sql.SQL("{} {} {}").format(name, sql.SQL(sign), sql.Literal(column.constraints[kind]))
