"""The functions of ``text_functions.py`` in the words of the ORM and of ``psycopg.sql``.

This is where to look up what a column's index is made of: ``sort_key`` is the expression for sorting, comparing and
finding equal values, ``unique_key`` the one for uniqueness, ``fold`` the one for searching. Without a text column they
are the column itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import F, Func, Lookup, Q, TextField, Value
from django.db.models.functions import NullIf
from django.db.models.lookups import (
    Contains,
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    IsNull,
    LessThan,
    LessThanOrEqual,
    StartsWith,
)
from psycopg import sql

from dataengine.columns.types import ColumnSpec
from dataengine.models import Column, Index
from dataengine.postgres import names
from dataengine.postgres.text_functions import END, NUMBERS_END, SORTED_CHARACTERS, number_key

_COMPARISONS: dict[str, Any] = {
    "exact": Exact, "lt": LessThan, "lte": LessThanOrEqual, "gt": GreaterThan, "gte": GreaterThanOrEqual,
}  # fmt: skip
_ORDINARY_BEGINNING = re.compile(r"[ -~]{1,12}")
"""ASCII without control characters."""
_NUMBER_OR_NOT = re.compile("[0-9]+|[^0-9]+")
_LETTERS = 8
"""A beginning is looked up by so many that are no digits: the key of a text with very many accents has few."""
_DIGITS = 16
"""Numbers of more digits are looked up together, whatever they begin with."""
_LAST = "\U0010ffff"
"""Comes after every other character."""
CASELESS: dict[str, Any] = {"icontains": Contains, "istartswith": StartsWith}
"""Lookups to which neither case nor accents nor width matter, as what they are once both sides are folded."""


class _TextFunction(Func):
    """One of our functions, of one text."""

    output_field = TextField()

    def __init__(self, text: Any) -> None:
        super().__init__(Value(text) if isinstance(text, str) else text)


class SortKey(_TextFunction):
    """The key that texts are sorted by."""

    template = f'({names.FUNCTIONS}.{names.SORT_KEY}(%(expressions)s) COLLATE "C")'


class Fold(_TextFunction):
    """The form in which texts are searched."""

    template = f'({names.FUNCTIONS}.{names.FOLD}(%(expressions)s) COLLATE "C")'


class CaseKey(_TextFunction):
    """Equal for texts that differ only in case."""

    template = f'({names.FUNCTIONS}.{names.CASE_KEY}(%(expressions)s) COLLATE "C")'


class Joined(Func):
    """The texts of a list as one text."""

    output_field = TextField()
    template = f"{names.FUNCTIONS}.{names.JOINED}(%(expressions)s)"


def searched(column: Column) -> F | Joined:
    """The text in which a search looks for parts."""
    return Joined(F(column.attribute)) if column.kind.is_list else F(column.attribute)


def sort_key(column: Column) -> sql.Composable:
    """The expression that a column is sorted by; its index is of this, and of ``id``."""
    name = sql.Identifier(column.name)
    if not column.kind.is_text:
        return name
    return sql.SQL('({}({}) COLLATE "C")').format(sql.Identifier(names.FUNCTIONS, names.SORT_KEY), name)


def unique_key(column: Column | ColumnSpec, of: str = "") -> sql.Composable:
    """The expression that is unique if the column is; ``of`` is the alias of the table."""
    name = sql.Identifier(*filter(None, (of, column.name)))
    if not column.unique_ignores_case:
        return name
    return sql.SQL('({}({}) COLLATE "C")').format(sql.Identifier(names.FUNCTIONS, names.CASE_KEY), name)


def text_of_key(key: sql.Composable) -> sql.Composed:
    """The text that a sort key was made of (its first ``SORTED_CHARACTERS``)."""
    return sql.SQL("substr({0}, strpos({0}, {1}) + 1)").format(key, sql.Literal(END))


def fold(column: Column) -> sql.Composable:
    """The expression that a column is searched by."""
    function = sql.Identifier(names.FUNCTIONS, names.FOLD)
    text: sql.Composable = sql.Identifier(column.name)
    if column.kind.is_list:
        text = sql.SQL("{}({})").format(sql.Identifier(names.FUNCTIONS, names.JOINED), text)
    return sql.SQL('({}({}) COLLATE "C")').format(function, text)


def words_query(text: str) -> sql.Composed:
    """``SELECT`` the words of a text as a tsquery, folded as those of a search index are."""
    template = "SELECT plainto_tsquery('simple', {}({}))::text"
    return sql.SQL(template).format(sql.Identifier(names.FUNCTIONS, names.FOLD), sql.Literal(text))


def ordered_by(column: Column | None, attribute: str) -> F | SortKey:
    """What a list in the order of a column (None: ``id``) is sorted by."""
    return SortKey(F(attribute)) if column is not None and column.kind.is_text else F(attribute)


def place(column: Column | None, value: Any) -> Any:
    """``value``, prepared for a comparison with that."""
    return SortKey(value) if column is not None and column.kind.is_text else value


def compares(column: Column, lookup: str, value: Any) -> Q:
    """The records that come before or after a text (``range``: between two) in a sorted list."""
    if lookup == "range":
        return compares(column, "gte", value[0]) & compares(column, "lte", value[1])
    return Q(_COMPARISONS[lookup](SortKey(F(column.attribute)), SortKey(value)))


def equals(column: Column, values: Sequence[Any]) -> Q:
    """The records with one of ``values``, in a form that the column's index can be used for."""
    found = Q((f"{column.attribute}__in", [*values])) if len(values) != 1 else Q((column.attribute, values[0]))
    if column.unique_ignores_case:
        return found & same_but_for_case(column, values)
    if not column.kind.is_text or column.unique or column.sort_state != Index.ShownState.READY:
        return found
    by_key = Q(In(SortKey(F(column.attribute)), [SortKey(value) for value in values]))
    # A key contains all of a shorter text. Asking for both would make PostgreSQL expect far too few records.
    return by_key if all(len(value) < SORTED_CHARACTERS for value in values) else by_key & found


def same_but_for_case(column: Column, values: Sequence[Any]) -> Q:
    """The records with one of ``values``, whatever the case."""
    return Q(In(CaseKey(F(column.attribute)), [CaseKey(value) for value in values]))


def holds(column: Column, lookup: str, text: str) -> Q:
    """The records that contain ``text`` (``icontains``) or begin with it (``istartswith``)."""
    found = CASELESS[lookup](Fold(searched(column)), Fold(text))
    return _beginning(column, text, found) if lookup == "istartswith" else Q(found)


def starts(column: Column, text: str) -> Q:
    """The records that begin with exactly ``text``."""
    return _beginning(column, text, StartsWith(F(column.attribute), text))


def beginnings(text: str) -> list[tuple[str, str]]:
    """Where the sort keys of all texts that begin with ``text`` are: each from the first up to, not with, the second.

    Empty if that cannot be told. A number at the end may go on in the texts, and is sorted by how many digits it has:
    what begins with “C12” is C12, C120 to C129, C1200 to C1299 …
    """
    ordinary = _ORDINARY_BEGINNING.match(text)
    begun, letters = "", 0
    pieces = _NUMBER_OR_NOT.findall(ordinary[0].lower()) if ordinary else []
    # What follows may be a mark or a digit of another kind, so a number is over only before what is surely neither.
    for place, piece in enumerate(pieces):
        if not piece[0].isdigit():
            begun += piece[: _LETTERS - letters]
            letters += len(piece)
            if letters >= _LETTERS:
                break
        elif place < len(pieces) - 1:
            begun += number_key(piece)
        elif digits := piece.lstrip("0"):
            keys = [begun + number_key(digits, size) for size in range(len(digits), _DIGITS + 1)]
            longer = begun + number_key("", _DIGITS + 1), begun + NUMBERS_END
            return [*((key, key + _LAST) for key in keys), longer]
    return [(begun, begun + _LAST)] if begun else []


def within(column: Column, first: str, end: str) -> Q:
    """The records whose sort key is at least ``first`` and below ``end``."""
    key = SortKey(F(column.attribute))
    return Q(GreaterThanOrEqual(key, Value(first))) & Q(LessThan(key, Value(end)))


def _beginning(column: Column, text: str, found: Lookup[Any]) -> Q:
    """Records that meet ``found``, with a weaker condition for which the sort index can be used, if it is ready."""
    if column.sort_state != Index.ShownState.READY or not beginnings(text):
        return Q(found)
    ranges = (within(column, *ends) for ends in beginnings(text))
    # PostgreSQL takes the two for independent, and would expect far too few records, if it knew what this one says.
    return reduce(or_, ranges) & Q(IsNull(NullIf(found, Value(False)), False))


def is_null(column: Column | None, attribute: str, yes: bool) -> Q:
    """The records with or without a value, in a form that the column's index can be used for."""
    if column is not None and column.kind.is_text and column.sort_state == Index.ShownState.READY:
        return Q(IsNull(SortKey(F(attribute)), yes))
    return Q((f"{attribute}__isnull", yes))
