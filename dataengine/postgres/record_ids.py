"""Ids for records that are yet to be inserted."""

from __future__ import annotations

from django.db import connection

from dataengine.postgres import ddl, names


def reserve_ids(table_id: int, count: int) -> int:
    """Take ``count`` consecutive ids from a table's sequence, which others may use meanwhile. Returns the first."""
    sequence = ddl.quoted(names.sequence(table_id))
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT min(v), max(v) FROM (SELECT nextval(%s::regclass) AS v FROM generate_series(1, %s)) AS drawn",
                [sequence, count],
            )
            low, high = cursor.fetchone()
        if high - low + 1 == count:
            return int(low)
