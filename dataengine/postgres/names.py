"""The names that we give to things in PostgreSQL: constraints, sequences, indexes, tables of an import. Pure.

They consist of keys and colons, which no user's identifier can contain: ``tk:<column id>:unique``. So they never clash
with a table's name in the schema, survive renames, and an error that names one leads straight to its column.
"""

from __future__ import annotations

import re

FUNCTIONS = "tablekeep_functions"
"""The schema of our functions (``text_functions.py``): ``fold``, ``sort_key``, ``case_key``.

Not named like the role that we connect as, or every new table would be created there.
"""
FOLD, SORT_KEY, CASE_KEY = "fold", "sort_key", "case_key"
JOINED, HAS_REPEATS = "joined", "has_repeats"

INDEX_FORMAT = "tk:%s:index"
"""With a column's key, for Python and for PostgreSQL's ``format``."""
SEARCH_INDEX_FORMAT = "tk:%s:search"
"""With a table's key."""
INDEX_PATTERN = "^tk:[0-9]+:(index|search)$"
"""Matches both, as a regular expression of PostgreSQL."""


def primary_key(table_id: int) -> str:
    return f"tk:{table_id}:pkey"


def sequence(table_id: int) -> str:
    """The sequence of the table's ids."""
    return f"tk:{table_id}:id"


def constraint(column_id: int, kind: str) -> str:
    """A column's constraint; ``kind`` is ``unique``, ``reference`` or the name of its check."""
    return f"tk:{column_id}:{kind}"


def column_id_of_constraint(name: str | None) -> int | None:
    """The key of the column that a constraint belongs to, None for the primary key and constraints not ours."""
    match = re.fullmatch(r"tk:(\d+):(?!pkey)\w+", name or "")
    return int(match[1]) if match else None


def kind_of_constraint(name: str | None) -> str:
    return (name or "").rpartition(":")[2]


def is_ours(name: str | None) -> bool:
    return (name or "").startswith("tk:")


def index(table_id: int, column_id: int | None) -> str:
    """The index on a column or, without one, the table's search index."""
    return SEARCH_INDEX_FORMAT % table_id if column_id is None else INDEX_FORMAT % column_id


def shadow(job_id: int) -> str:
    """The table that an import fills to take the place of its table."""
    return f"tk:job:{job_id}:shadow"


def shadow_constraint(job_id: int, key: str) -> str:
    """A constraint of the shadow until it takes the table's place; ``key`` is unique within the table."""
    return f"{shadow(job_id)}:{key}"


def temporary(job_id: int, purpose: str) -> str:
    """A temporary table of an import."""
    return f"tk:{job_id}:{purpose}"


def trashed_table(table_id: int) -> str:
    """A table in the trash."""
    return f"tk:{table_id}:trash"


def trashed_column(column_id: int) -> str:
    """A column in the trash; it stays in its table."""
    return f"tk:{column_id}:trash"


def kept_records(job_id: int, table_id: int) -> str:
    """The records that an import made in a table and that were taken out again, in the schema of the trash."""
    return f"tk:import:{job_id}:{table_id}:records"


KEPT_PATTERN = "^tk:import:[0-9]+:[0-9]+:records$"
"""Matches all of them, as a regular expression of PostgreSQL."""


def change(job_id: int, purpose: str) -> str:
    """Something that a change of a whole table needs while it runs, in the schema of such changes."""
    return f"tk:change:{job_id}:{purpose}"


CHANGE_FORMAT = "^tk:change:([0-9]+):"
"""Matches all of them, as a regular expression of PostgreSQL; its group is the job's key."""
