"""Notes which records of a table are written while a worker copies it, whoever writes them and however.

Triggers write the ids into a table of ours in the transaction of the writer: what is committed is noted, and what is
noted is committed. The log outlives the transaction that makes it, so it is removed by the change or by the sweeper.
"""

from __future__ import annotations

from django.db import connection
from psycopg import sql

from dataengine.models import Table
from dataengine.postgres import ddl, names
from dataengine.postgres.statements import run, value

SCHEMA = "userdata_changes"
"""What a running change needs: out of sight of whoever looks at the tables of users."""

# A trigger with a transition table is for one kind of statement. An update may have changed the id itself.
_TRIGGERS = (("insert", "NEW"), ("delete", "OLD"), ("update", "OLD"), ("update", "NEW"))


def relation(job_id: int) -> sql.Identifier:
    """The log of a change: one column ``id``; NULL stands for all records, which were truncated."""
    return sql.Identifier(SCHEMA, names.change(job_id, "log"))


def install(table: Table, job_id: int) -> None:
    """Begin to note. Waits for whoever is writing to the table, as far as ``lock_timeout`` allows."""
    # A crash of the server ends the change anyway, so its log need not outlive that.
    run(sql.SQL("CREATE UNLOGGED TABLE {} (id bigint)").format(relation(job_id)))
    run(
        # The writer may have no right to our schema.
        sql.SQL(
            "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog"
            " AS {body}"
        ).format(name=_function(job_id), body=sql.Literal(_body(job_id)))
    )
    place = ddl.qualified(table.name)
    for event, side in _TRIGGERS:
        name = sql.Identifier(names.change(job_id, f"{event}:{side.lower()}"))
        run(
            sql.SQL(
                "CREATE TRIGGER {} AFTER {} ON {} REFERENCING {} TABLE AS written FOR EACH STATEMENT"
                " EXECUTE FUNCTION {}()"
            ).format(name, sql.SQL(event), place, sql.SQL(side), _function(job_id))
        )
        # Also for what a replication writes.
        run(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(place, name))
    truncated = sql.Identifier(names.change(job_id, "truncate"))
    run(
        sql.SQL("CREATE TRIGGER {} AFTER TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION {}()").format(
            truncated, place, _function(job_id)
        )
    )
    run(sql.SQL("ALTER TABLE {} ENABLE ALWAYS TRIGGER {}").format(place, truncated))


def remove(job_id: int) -> None:
    """Stop noting, and drop whatever else the change has left in the schema. Needs the table for a moment."""
    run(sql.SQL("DROP FUNCTION IF EXISTS {}() CASCADE").format(_function(job_id)))
    for name in _tables_of(job_id):
        run(sql.SQL("DROP TABLE {}").format(sql.Identifier(SCHEMA, name)))


def waiting(job_id: int, most: int) -> int:
    """How many notes there are, counted up to ``most``."""
    return int(
        value(
            sql.SQL("SELECT count(*) FROM (SELECT FROM {} LIMIT {}) AS few").format(relation(job_id), sql.Literal(most))
        )
    )


def jobs() -> list[int]:
    """The jobs that need something in the schema, or have left it there."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT substring(name FROM %s)::bigint FROM ("
            " SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s)"
            " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = to_regnamespace(%s)) AS found (name)"
            " WHERE name ~ %s",
            [names.CHANGE_FORMAT, SCHEMA, SCHEMA, names.CHANGE_FORMAT],
        )
        return [row[0] for row in cursor.fetchall()]


def _tables_of(job_id: int) -> list[str]:
    listed = value(
        sql.SQL(
            "SELECT array_agg(relname::text) FROM pg_class"
            " WHERE relnamespace = to_regnamespace({}) AND relkind = 'r' AND starts_with(relname, {})"
        ).format(sql.Literal(SCHEMA), sql.Literal(names.change(job_id, "")))
    )
    return list(listed or ())


def _function(job_id: int) -> sql.Identifier:
    return sql.Identifier(SCHEMA, names.change(job_id, "note"))


def _body(job_id: int) -> str:
    log = relation(job_id)
    statements = sql.SQL(
        "BEGIN IF TG_OP = 'TRUNCATE' THEN INSERT INTO {log} VALUES (NULL);"
        " ELSE INSERT INTO {log} SELECT id FROM written; END IF; RETURN NULL; END"
    ).format(log=log)
    return statements.as_string()
