"""What becomes of a column when its table is copied."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from psycopg import sql

from dataengine.models import Column


class Swap(NamedTuple):
    """What becomes of a column: ``old`` as it is, ``new`` as it will be, with the same key.

    The old values stay in a column of their own. ``kept`` is a text column for those that fail, if they are to be kept.
    ``filling`` is the literal of a record whose old value fails, None for NULL; ``broken`` are conditions on values
    ``v.<name>`` that make them fail. ``indexed`` says that ``new`` has an index besides that of its uniqueness.
    ``dropped`` is a hidden column whose values become those of ``new``.
    """

    old: Column
    new: Column
    kept: Column | None
    filling: str | None
    broken: Sequence[sql.Composable]
    indexed: bool
    dropped: str = ""
