"""Who may change a table's shape while what runs. Advisory locks: they die with the transaction or session.

An import holds the table's lock exclusively for as long as it runs; a change of schema takes it shared, for its
transaction. So schema changes never wait behind an import, they are refused at once.
"""

from __future__ import annotations

from django.db import connection

# The first of the two integers of our advisory locks: "TK".
NAMESPACE = 0x544B


def shares_table(table_id: int) -> bool:
    """Try to take the table's lock for a change of schema, until the end of the transaction.

    False while an import runs on it.
    """
    return _try("SELECT pg_try_advisory_xact_lock_shared(%s, %s)", table_id)


def owns_table(table_id: int) -> bool:
    """Try to take the table's lock for an import, until the end of the transaction. False while another holds it."""
    return _try("SELECT pg_try_advisory_xact_lock(%s, %s)", table_id)


def _try(statement: str, table_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [NAMESPACE, table_id])
        row = cursor.fetchone()
    return bool(row and row[0])
