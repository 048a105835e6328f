"""The vocabulary of column types: families whose means other modules know, and small records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from dataengine.exceptions import InvalidInput

if TYPE_CHECKING:
    from rest_framework import serializers

type Parameters = Mapping[str, Any]
type ApiField = serializers.Field[Any, Any, Any, Any]
type Represent = Callable[[Any], Any]

EQUALITY = ("exact", "ne", "in", "isnull")
ORDERED = (*EQUALITY, "lt", "lte", "gt", "gte", "range")
TEXTUAL = (*ORDERED, "contains", "icontains", "startswith", "istartswith", "endswith", "iregex")
CALENDAR = (*ORDERED, "year", "month", "day")

LIMITS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
LENGTHS = frozenset({"minLength", "maxLength", "pattern"})
DOCUMENTS = frozenset({"json_schema"})
INDEXABLE_BYTES = 2_600
"""The longest value of a unique column in bytes; PostgreSQL's indexes hold 2,704 bytes including their overhead."""

type Kernel = Literal[
    "cells", "text", "pattern", "choice", "integer", "numeric", "float", "boolean", "date", "time", "timestamp",
    "texts", "duration", "uuid", "json",
]  # fmt: skip
NUMBER_KERNELS: frozenset[Kernel] = frozenset({"integer", "numeric", "float"})
type Equality = Literal["bytes", "floats", "decimals", "documents"]
type Look = Literal["text", "number", "figures", "json", "chips"]
type Chart = Literal["", "values", "items", "numbers", "whole numbers", "times", "days", "moments", "durations"]
type Finite = Literal["values", "numbers", "moments"]
type Change = Literal["lossless", "checked", "refused"]
type RecognisedBy = Literal[
    "integers", "decimals", "floats", "words", "dates", "times", "durations", "pattern", "cells"
]


@dataclass(frozen=True, slots=True)
class Recognition:
    """How a column's cells show that it has a type.

    ``by`` names the family of tests (``imports/converting/cell_tests.py``);
    types that share ``integers``, ``dates`` or ``times`` are told apart by their bounds and parts. Of the types that
    fit a column, the one with the lowest ``rank`` is chosen. ``words`` completes "“abc” in line 7 is not …".
    ``pattern`` matches whole cells, for RE2 and Python alike (with ``cells`` it selects those worth testing). With
    ``pairs`` (of words in lower case), every cell is a word of one pair, and both of its words occur;
    ``accepted`` are further words that a column of the type takes, but that show nothing. With ``cells``,
    what matches one of ``sure`` and has at most ``sure_bytes`` needs no test, of ``pattern`` neither.
    """

    by: RecognisedBy
    rank: int
    words: str
    pattern: str = ""
    pairs: tuple[tuple[str, str], ...] = ()
    accepted: tuple[str, ...] = ()
    sure: tuple[str, ...] = ()
    sure_bytes: int = 0


class CellRefused(ValueError):
    """A cell that looks like a value of its column's type, but is refused for another reason.

    ``code`` is one of an import's error codes; ``expected`` completes "expected …, found “abc”".
    """

    def __init__(self, code: Literal["out_of_range", "constraint_failed", "value_too_long"], expected: str) -> None:
        super().__init__(expected)
        self.code = code
        self.expected = expected


class ParameterReader(Protocol):
    """Reads the parameters of an SQL-style type (``columns/sql_types.py``). A token is a pair of kind and text."""

    def take(self) -> tuple[str, str]:
        """The next token. Raises InvalidInput at the end."""

    def has_list(self) -> bool:
        """Whether a list in parentheses comes next."""

    def listed(self) -> list[tuple[str, str]]:
        """The tokens of that list. Raises InvalidInput."""

    def refuse(self, reason: str) -> InvalidInput:
        """The error with ``reason`` for the column."""
