"""The rights of the reader (``backend/reader.py``): to users' tables, those to come included, and to nothing else."""

from __future__ import annotations

from django.db import connection, transaction
from psycopg import sql

from dataengine.models import ImportedSpan
from dataengine.postgres import change_log, ddl, names, trash
from dataengine.postgres.statements import run, value


def exists(role: str) -> bool:
    """Whether there is such a role."""
    return bool(value(sql.SQL("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = {})").format(sql.Literal(role))))


def give(role: str) -> None:
    """Give a role these rights. Safe to repeat.

    What is in the trash, and copies that are to replace tables, take their rights along to where the role may look.
    """
    reader, database = sql.Identifier(role), sql.Identifier(str(connection.settings_dict["NAME"]))
    with transaction.atomic():
        run(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, reader))
        # Ranges of ids, by which the records of an import are found.
        run(sql.SQL("GRANT SELECT ON {} TO {}").format(sql.Identifier(ImportedSpan._meta.db_table), reader))
        run(sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(names.FUNCTIONS), reader))
        run(to_schemas(role))


def to_schemas(role: str) -> sql.Composable:
    """The statements that give a role the rights to users' tables; the last one makes them count."""
    reader = sql.Identifier(role)
    statements = [
        sql.SQL(text).format(sql.Identifier(schema), reader)
        for schema in (ddl.SCHEMA, trash.SCHEMA, change_log.SCHEMA)
        for text in (
            "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}",
            "ALTER DEFAULT PRIVILEGES IN SCHEMA {} GRANT SELECT ON TABLES TO {}",
        )
    ]
    last = sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(ddl.SCHEMA), reader)
    return sql.SQL("; ").join([*statements, last])
