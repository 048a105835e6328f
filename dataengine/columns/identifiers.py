"""Names of tables and columns: one validator for everything that creates one. Pure.

Names are passed unquoted and quoted at the last moment (``psycopg.sql.Identifier``). Refused are names that would
surprise people who later write SQL by hand, or that PostgreSQL would silently change: it cuts names at 63 *bytes*.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import count

from dataengine.exceptions import InvalidInput, shown

MAX_BYTES = 63
MAX_COLUMNS = 1_599
"""Per table: PostgreSQL's 1,600 minus the key."""

# pg_get_keywords() of PostgreSQL 16 and 18, categories R (reserved) and T (reserved, can be function or type).
RESERVED_WORDS = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization binary both case cast check collate collation
    column concurrently constraint create cross current_catalog current_date current_role current_schema current_time
    current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign freeze
    from full grant group having ilike in initially inner intersect into is isnull join lateral leading left like limit
    localtime localtimestamp natural not notnull null offset on only or order outer overlaps placing primary references
    returning right select session_user similar some symmetric system_user table tablesample then to trailing true
    union unique user using variadic verbose when where window with
    """.split()
)
SYSTEM_COLUMNS = frozenset({"tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"})
# ``id`` is the key of every table; rejected.csv adds the other two to a file.
OWN_COLUMNS = frozenset({"id", "_line", "_errors"})
# The console's page /tables/new/ makes tables, so it cannot show a table with that name.
OWN_TABLES = frozenset({"new"})

# A letter or underscore, then letters, digits, underscores, and single spaces or hyphens between them.
_SHAPE = re.compile(r"[^\W\d][\w]*(?:[ -][\w]+)*")


def validate_identifier(name: object, *, what: str = "column", field: str | None = None) -> str:
    """Return ``name`` if it may name a ``what`` ("table" or "column"), in Unicode normal form C.

    Raises InvalidInput, filed under ``field`` (default: the name itself), with one sentence that tells what to change.
    """

    def refuse(reason: str) -> InvalidInput:
        return InvalidInput(reason, code="invalid_name", fields={shown(field or name or f"{what}_name", 80): reason})

    if not isinstance(name, str) or not name:
        raise refuse(f"A {what} needs a name.")
    name = composed(name)
    size = len(name.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise refuse(f"The {what} name is {size} bytes long; PostgreSQL allows {MAX_BYTES}.")
    if not _SHAPE.fullmatch(name):
        raise refuse(
            f"A {what} name must begin with a letter or underscore and contain only letters, digits, underscores, "
            "and single spaces or hyphens between them."
        )
    if "__" in name:
        raise refuse(f"A {what} name cannot contain two underscores in a row: they introduce the lookup of a filter.")
    folded = name.casefold()
    if folded in RESERVED_WORDS:
        raise refuse(f"“{name}” is a reserved word of SQL; choose another {what} name.")
    if what == "column" and folded in SYSTEM_COLUMNS:
        raise refuse(f"“{name}” is a system column of PostgreSQL; choose another name.")
    if folded in (OWN_COLUMNS if what == "column" else OWN_TABLES):
        raise refuse(f"“{name}” is reserved for Tablekeep; choose another name.")
    return name


def composed(name: str) -> str:
    """``name`` as a validated one is kept, in normal form C: some keyboards and file systems take letters apart."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def derive_identifier(text: str, *, what: str = "column", taken: Iterable[str] = ()) -> str:
    """Make a valid, unused name from anything people write in a header or a file name.

    ``"First Name"`` becomes ``first_name``. A reserved word gets the suffix ``_column`` or ``_table`` (``order_2``
    would be misleading), a clash gets a number, what has neither letter nor digit is numbered (``column_1``). The
    result always passes ``validate_identifier``.
    """
    stem = unicodedata.normalize("NFKC", text).strip().casefold()
    stem = unicodedata.normalize("NFC", re.sub(r"[\W_]+", "_", stem).strip("_"))
    used = {name.casefold() for name in taken}
    if not stem:
        return next(name for name in map(f"{what}_{{}}".format, count(1)) if name not in used)
    if not re.match(r"[^\W\d]", stem):
        stem = f"{what}_{stem}"
    if stem in RESERVED_WORDS | SYSTEM_COLUMNS | OWN_COLUMNS or (what == "table" and stem in OWN_TABLES):
        stem = f"{stem}_{what}"
    candidate = _cut(stem, MAX_BYTES)
    number = 2
    while candidate.casefold() in used:
        suffix = f"_{number}"
        candidate = _cut(stem, MAX_BYTES - len(suffix)) + suffix
        number += 1
    return candidate


def _cut(name: str, size: int) -> str:
    """The longest beginning of ``name`` with at most ``size`` UTF-8 bytes that does not end in an underscore."""
    return name.encode("utf-8", "replace")[:size].decode("utf-8", "ignore").rstrip("_")
