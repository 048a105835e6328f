"""The shapes of what the catalog keeps as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class RowError(TypedDict):
    """One error of a rejected row; ``column`` is ``*`` for errors of the whole row."""

    column: str
    code: str
    message: str


class Cause(TypedDict):
    """Errors of one kind in one column of a file: how many, and the first as the example."""

    code: str
    column: str
    count: int
    example_line: int
    message: str


class Findings(TypedDict, total=False):
    """What was found in a source file and what was made of it; empty until it has been looked at."""

    dialect: dict[str, Any]  # of imports.dialects.Dialect
    headers: list[str]
    mapping: dict[str, str | None]  # header -> column
    null_values: list[str]
    date_formats: dict[str, list[str]]  # column -> formats
    types: dict[str, str]  # column -> column type
    guarded: bool  # whether a ' was taken off the cells of an export
    columns: Sequence[Mapping[str, Any]]  # imports.converting.found.ColumnFinding
    footer: Mapping[str, Any]  # imports.planning.footers.Footer
    proposals: Sequence[Mapping[str, Any]]  # imports.planning.proposals.Proposal
    notes: list[str]  # for people: why a column is text
    sample: list[dict[str, str | None]]  # of a dry run: the first records as they would be


class ColumnChanges(TypedDict, total=False):
    """What may be changed of a column, and only what is."""

    name: str
    label: str
    unique: bool
    required: bool
    default: str | None  # a literal's text
    display: dict[str, str]


class ChangeFacts(TypedDict, total=False):
    """What is true of some changes of records."""

    id: int  # of a single record
    filter: object  # what selected the records
    after: Mapping[str, str | None]  # the image that all of them have afterwards
    undoes: int  # the event that this one takes back
    redo: bool  # whether that one took something back itself


class LateFacts(ChangeFacts, total=False):
    """What may be known of a change only when it is made."""

    count: int


class ChangeDetails(ChangeFacts):
    """Details of ``records.…`` and ``record.…``: how many, and which columns their images have."""

    count: int
    columns: list[str]  # attributes


class TableDetails(TypedDict):
    """Details of ``table.created``."""

    columns: list[str]


RenameDetails = TypedDict("RenameDetails", {"from": str, "to": str})
"""Details of ``table.renamed``."""


class LabelDetails(TypedDict):
    """Details of ``table.relabelled``."""

    label: str


class ColumnDetails(ColumnChanges):
    """Details of ``column.…``: the name that the column had, and what was changed."""

    column: str


class IndexDetails(TypedDict):
    """Details of ``index.…``: a column's name, or ``search``."""

    index: str


ImportDetails = TypedDict(
    "ImportDetails",
    {
        "import": int,
        "filename": str,
        "rows_read": int,
        "rows_imported": int,
        "rows_updated": int,
        "rows_skipped": int,
        "rows_rejected": int,
    },
)
"""Details of ``import.completed``."""

type EventDetails = (
    ChangeDetails | TableDetails | RenameDetails | LabelDetails | ColumnDetails | IndexDetails | ImportDetails
)
