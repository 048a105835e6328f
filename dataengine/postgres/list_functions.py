"""SQL functions of our own for lists of texts.

- ``joined``: all texts of a list, one a line. That is what a search looks through, so the search index is made of it.
- ``has_repeats``: whether a text occurs twice in a list. Columns of several choices are checked by it.

PostgreSQL's own functions are not promised to be the same for ever (``array_to_string`` has to ask the type how its
values are written), so no index can hold what they return. These are for texts only, where nothing can change.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import LiteralString

from psycopg import sql

from dataengine.postgres import names

_FUNCTION: LiteralString = (
    "CREATE OR REPLACE FUNCTION {}(x text[]) RETURNS {} IMMUTABLE PARALLEL SAFE LANGUAGE sql AS {}"
)
_JOINED: LiteralString = "SELECT array_to_string(x, E'\\n')"
_HAS_REPEATS: LiteralString = "SELECT cardinality(x) > (SELECT count(DISTINCT item) FROM unnest(x) AS item)"


def statements() -> Iterator[sql.Composed]:
    """The statements that create the functions, in the schema that is there already."""
    for name, kind, body in ((names.JOINED, "text", _JOINED), (names.HAS_REPEATS, "boolean", _HAS_REPEATS)):
        yield sql.SQL(_FUNCTION).format(sql.Identifier(names.FUNCTIONS, name), sql.SQL(kind), sql.Literal(body))


def removals() -> Iterator[sql.Composed]:
    """The statements that drop the functions, and all indexes and checks that use them."""
    for name in (names.JOINED, names.HAS_REPEATS):
        yield sql.SQL("DROP FUNCTION {}(text[]) CASCADE").format(sql.Identifier(names.FUNCTIONS, name))
