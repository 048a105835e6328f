"""The shapes of what the catalog stores as JSON. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict, final

from dataengine.columns.types import Unique


class RowError(TypedDict):
    """One error of a rejected row; ``column`` is ``*`` for errors of the whole row."""

    column: str
    code: str
    message: str


class Cause(TypedDict):
    """Errors of one kind in one column of a file: how many, and the first one as an example."""

    code: str
    column: str
    count: int
    example_line: int
    message: str


class FoundSheet(TypedDict):
    """A sheet of a workbook; ``rows`` is null where the workbook does not say it."""

    name: str
    rows: int | None
    hidden: bool
    taken: bool


class Caution(TypedDict):
    """What people should look at before they rely on what was imported."""

    code: str
    message: str


class DialectFacts(TypedDict):
    """How a source file is written: ``imports.dialects.Dialect``."""

    delimiter: str
    quote: str | None
    escape: str | None
    encoding: str
    has_header: bool
    skip_rows: int
    ruled: NotRequired[bool]
    grouped: NotRequired[bool]
    grouped_twice: NotRequired[bool]
    has_units: NotRequired[bool]
    drawn: NotRequired[bool]


class Findings(TypedDict, total=False):
    """What was found in a source file and how it is read; empty until the file has been examined."""

    dialect: DialectFacts
    headers: list[str]
    mapping: dict[str, str | None]  # header -> column
    null_values: list[str]
    date_formats: dict[str, list[str]]  # column -> formats
    types: dict[str, str]  # column -> column type
    recipe: Mapping[str, Any]  # imports.planning.recipes.FoundRecipe
    references: Mapping[str, Mapping[str, Any]]  # column -> imports.planning.references.FoundReference
    guarded: bool  # whether a ' was taken off the cells of an export
    sheets: list[FoundSheet]  # of a workbook
    warnings: list[Caution]
    columns: Sequence[Mapping[str, Any]]  # imports.converting.found.ColumnFinding
    footer: Mapping[str, Any]  # imports.planning.footers.Footer
    proposals: Sequence[Mapping[str, Any]]  # imports.planning.proposals.Proposal
    notes: list[str]  # for users, for example why a column is text
    sample: list[dict[str, str | None]]  # in a dry run: the first records as they would be
    changes: Mapping[str, Sequence[Mapping[str, Any]]]  # in a dry run, by kind: imports.counts.FoundChange


class ReadAgain(TypedDict, total=False):
    """What rejected rows are read by once more, besides the findings: as they were read when they were rejected."""

    columns: dict[str, int]  # header -> the column's key, whatever it is called by then
    styles: dict[str, list[str | None]]  # column -> the marks of its numbers: decimal, thousands
    guard: str
    nulls: list[str]  # unquoted cells that are NULL besides the markers


class ColumnChanges(TypedDict, total=False):
    """Changes of a column; only what changes is present."""

    name: str
    label: str
    description: str
    position: int  # from 0
    unique: Unique
    required: bool
    default: str | None  # a literal's text
    display: dict[str, str]
    column_type: str  # SQL-style, maybe with UNIQUE, NOT NULL and DEFAULT
    choices: list[str]
    constraints: dict[str, Any]


type OnFailure = Literal["stop", "null", "default", "keep"]
"""What becomes of values that a changed column cannot have; ``keep`` puts them into a new text column."""


type Image = Mapping[str, str | None]
"""A record before or after a change: see ``records.before_after``."""


type Verb = Literal["inserted", "updated", "deleted"]
"""What a change does to records."""


@final
class UpdateParameters(TypedDict):
    """What a change job that updates records is to do."""

    filter: Mapping[str, object]
    image: Image


@final
class DeleteParameters(TypedDict):
    """What a change job that deletes records is to do."""

    filter: Mapping[str, object]


@final
class UndoParameters(TypedDict):
    """What a change job that undoes an event is to do; ``verb`` is what the undoing does to the records."""

    event: int
    verb: Verb


@final
class UndoImportParameters(TypedDict):
    """What a change job that undoes an import, or does it again, is to do."""

    imported: int  # the import's key
    verb: Literal["undone", "redone"]
    rest: bool  # whether records that were changed since stay as they are
    # Keys of the other tables where whoever asked may delete what it made; jobs from before that was told lack it.
    elsewhere: NotRequired[list[int]]


@final
class CopyParameters(TypedDict):
    """A copy of all records of another table into a new one."""

    source: int  # the table's key
    columns: list[tuple[int, int]]  # pairs of column keys (source, copy)


@final
class RetypeParameters(TypedDict):
    """A change of a column, all values of which are written anew."""

    plan: Mapping[str, Any]  # services.column_plans.Plan
    missing: int  # how many of the failing values are none at all


@final
class UndoRetypeParameters(TypedDict):
    """The undoing of such a change."""

    undoes: int  # the event
    column: int  # its key
    rest: bool  # whether records that were changed since keep what they say


@final
class RetryParameters(TypedDict):
    """Rejected rows of an import, tried once more."""

    retries: int  # the import's key
    rows: int  # how many there were
    lines: NotRequired[list[int]]  # only the rows of these lines


type RecordParameters = UpdateParameters | DeleteParameters | UndoParameters | CopyParameters
type ChangeParameters = (
    UpdateParameters
    | DeleteParameters
    | UndoParameters
    | UndoImportParameters
    | CopyParameters
    | RetypeParameters
    | UndoRetypeParameters
    | RetryParameters
)


class ChangeFacts(TypedDict, total=False):
    """Details that only some changes of records have."""

    id: int  # of a single record
    filter: object  # what selected the records
    after: Image  # the image that all of them have afterwards
    undoes: int  # the event that this one undoes
    redo: bool  # whether that one was itself an undo


class LateFacts(ChangeFacts, total=False):
    """Details that may only be known once the change is made."""

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


class WordsDetails(TypedDict, total=False):
    """Details of ``table.relabelled``: what was changed of what people read."""

    label: str
    description: str
    named_by: str | None


class ColumnDetails(ColumnChanges):
    """Details of ``column.…``: the column's name before the change, and what was changed."""

    column: str
    change: NotRequired[ColumnChangeFacts]


class ColumnChangeFacts(TypedDict):
    """What is needed to take a change of a column back."""

    key: int  # of the column
    was: Mapping[str, Any]  # columns.changes.spec_as_json
    now: Mapping[str, Any]
    place: NotRequired[list[int]]  # its position before and after
    count: int  # how many values it changed, those not counted that only have another type
    on_failure: OnFailure
    converted: NotRequired[int]  # values that became others
    failing: NotRequired[int]  # values of which ``on_failure`` said what becomes
    plan: NotRequired[str]  # the key of the plan
    predecessor: NotRequired[int]  # the key of the hidden column with the old values
    reading: NotRequired[Mapping[str, Any] | None]  # how those were read
    kept: NotRequired[int]  # the key of the column with what failed
    kept_is_gone: NotRequired[bool]  # of an undoing: that is in the trash since
    root: NotRequired[int]  # of an undoing: the event of the change itself
    hides: NotRequired[Literal["was", "now"]]  # and which of its values the predecessor then holds


class IndexDetails(TypedDict):
    """Details of ``index.…``: a column's name, or ``search``; the reason, if it was made or dropped automatically."""

    index: str
    because: NotRequired[str]


ImportDetails = TypedDict(
    "ImportDetails",
    {
        "import": int,
        "filename": str,
        "rows_read": NotRequired[int],
        "rows_imported": NotRequired[int],
        "rows_updated": NotRequired[int],
        "rows_unchanged": NotRequired[int],
        "rows_skipped": NotRequired[int],
        "rows_rejected": NotRequired[int],
        "rows_removed": NotRequired[int],
        "columns": NotRequired[list[str]],
    },
)
"""Details of ``import.completed``; ``columns`` are the attributes of the columns in its images."""


class ExportDetails(TypedDict):
    """Details of ``records.exported``; ``only`` are the columns' names, if some were left out."""

    format: str
    filter: Mapping[str, str]
    only: NotRequired[list[str]]


EndedImportDetails = TypedDict(
    "EndedImportDetails", {"import": int, "filename": str, "code": NotRequired[str], "reason": NotRequired[str]}
)
"""Details of ``import.failed`` and ``import.cancelled``."""


class Change(TypedDict):
    """What something was and is; null: nothing."""

    before: str | None
    after: str | None


class GrantChange(Change, total=False):
    """The right that a user or a group had and has."""

    user: str
    group: str


class SharingDetails(TypedDict):
    """Details of ``sharing.changed``: who got or lost which right, and the owner if that is somebody else."""

    grants: list[GrantChange]
    owner: NotRequired[Change]


NewReferencesDetails = TypedDict(
    "NewReferencesDetails", {"import": int, "filename": str, "column": str, "count": int, "ids": list[list[int]]}
)
"""Details of ``import.referenced``, of the table whose records an import made because rows refer to them.

``ids`` are the records, as ranges from the first to the last; ``column`` has their values.
"""


class AccountDetails(TypedDict, total=False):
    """Details of events of accounts: ``session.…``, ``sign_in.…``, ``token.…``, ``password.…``."""

    username: str  # whose account it is about, if somebody else did it
    name: str  # of the token
    right: str
    tables: list[str] | None
    expires_at: str | None
    reason: str


class RecipeDetails(TypedDict):
    """Details of ``recipe.…``."""

    recipe: str  # its name


class WebhookDetails(TypedDict):
    """Details of ``webhook.…``."""

    webhook: int
    url: str
    events: list[str]


class SourceDetails(TypedDict):
    """Details of ``source.…``."""

    source: int
    url: str  # as it may be shown
    reason: NotRequired[str]


RetryDetails = TypedDict(
    "RetryDetails",
    {
        "import": int,
        "filename": str,
        "rows_imported": NotRequired[int],
        "rows_updated": NotRequired[int],
        "rows_unchanged": NotRequired[int],
        "rows_skipped": NotRequired[int],
        "rows_removed": NotRequired[int],
        "rows_rejected": NotRequired[int],
        "rows_retried": NotRequired[int],
        "columns": NotRequired[list[str]],
    },
)
"""Details of ``import.retried``: what became of the rows; ``rows_rejected`` are still there."""

ImportUndoDetails = TypedDict(
    "ImportUndoDetails",
    {"import": int, "filename": str, "count": int, "left": int, "columns": list[str], "trash": NotRequired[int]},
)
"""Details of ``import.undone`` and ``import.redone``: how many records, how many of them were left as they were.

``trash`` is the item of the table that the import had made, if that was deleted."""

type EventDetails = (
    ImportUndoDetails | SourceDetails | ChangeDetails | TableDetails | RenameDetails | WordsDetails | ColumnDetails
    | IndexDetails | ImportDetails | NewReferencesDetails | AccountDetails | SharingDetails | ExportDetails
    | EndedImportDetails | WebhookDetails | RecipeDetails | RetryDetails
)  # fmt: skip
