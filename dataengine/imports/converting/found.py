"""What a column was found to be, in words and figures that a page can show and a person can turn. Pure."""

from __future__ import annotations

from typing import TypedDict


class ColumnFinding(TypedDict, total=False):
    """What a column was found to be, and what speaks for and against it."""

    column: str
    type: str  # column type
    message: str  # for people
    values: int  # cells that are filled
    failing: int  # of them, those that are none of the type
    line: int  # of the first of those
    cell: str
    marked: int  # null markers
    null_words: dict[str, int]  # words that may mean missing, and how many cells say so
    without: str  # the type that the column has if they do
    date_formats: list[str]  # that all cells fit, the one that was taken first
    decimals: list[str]  # the marks before decimals that all cells allow, likewise
    display: dict[str, str]  # how its numbers were written
