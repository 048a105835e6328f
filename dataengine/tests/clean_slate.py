"""Taking away what a test with real transactions has written."""

from __future__ import annotations

import os
from functools import cache

from django.db import connection

from dataengine.postgres import reader_rights

_TAKE_AWAY = """
DO $$
DECLARE
    written text;
BEGIN
    PERFORM set_config('tablekeep.sweeping', 'on', true);  -- the audit trail is append-only
    -- No user's table holds anything that ours refer to.
    DROP SCHEMA IF EXISTS userdata CASCADE;
    CREATE SCHEMA userdata;
    DROP SCHEMA IF EXISTS userdata_trash CASCADE;
    CREATE SCHEMA userdata_trash;
    DROP SCHEMA IF EXISTS userdata_changes CASCADE;
    CREATE SCHEMA userdata_changes;
    FOR written IN
        SELECT oid::regclass FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
           AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission')
    LOOP
        EXECUTE 'DELETE FROM ' || written;
    END LOOP;
END $$;
"""


def take_away_what_was_written() -> None:
    """Leave the tables as migrations made them.

    Django's own way is to truncate every table, which makes new files for each of them and its indexes, and to write
    content types and permissions anew: longer than most tests take. These few rows are deleted sooner, in any order,
    since Django's foreign keys are looked at when the transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(_TAKE_AWAY + _reader_s_rights())


@cache
def _reader_s_rights() -> str:
    """They went with the schemas."""
    return reader_rights.to_schemas("tablekeep_reader").as_string(None) if os.environ.get("READER_URL") else ""
