"""Tables, columns and indexes in the catalog. They live in schema ``public``, the records in ``userdata``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower

from dataengine.columns import types
from dataengine.columns.types import ColumnSpec
from dataengine.models.jobs import Job

MAX_DESCRIPTION = 2_000
"""Characters that a table or a column may be described by."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was read together with a table, for the user with the key ``user_id``, and need not be queried again.

    ``rights`` are those granted to the user, without those of the owner. ``layout`` is the user's. ``has_changes``
    tells whether there are changes of very many records that are unfinished, or that the user has not been told of.
    ``records`` is PostgreSQL's last estimate of how many the table has. ``has_hidden`` tells whether columns of it are
    in the trash.
    """

    columns: list[Column]
    search_index: Index | None
    user_id: int | None
    rights: frozenset[str]
    layout: ColumnLayout | None
    has_changes: bool
    records: int
    has_hidden: bool


class TableManager(models.Manager["Table"]):
    """Tables in use: without those in the trash."""

    def get_queryset(self) -> models.QuerySet[Table]:
        return super().get_queryset().filter(trashed_at=None)


class Table(models.Model):
    """A table that a user designed: a real PostgreSQL table ``userdata.<name>``."""

    SCHEMA = "userdata"

    name = models.CharField(max_length=63)
    label = models.CharField(max_length=200, blank=True)
    description = models.TextField(max_length=MAX_DESCRIPTION, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="owned_tables")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    trashed_at = models.DateTimeField(null=True, blank=True)
    # By what records are named where others refer to them; null: by the first text column.
    naming_column = models.ForeignKey("Column", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    objects = TableManager()
    everything = models.Manager["Table"]()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=models.Q(trashed_at=None), name="table_name"),
            models.UniqueConstraint(
                Lower("name"), condition=models.Q(trashed_at=None), name="table_name_whatever_case"
            ),
        ]
        # Rights of access.py, each including those before it; ``own`` is also what the owner holds.
        default_permissions = ()
        permissions = [
            ("view_table", "Can see the table and its records"),
            ("edit_table", "Can change records and import"),
            ("design_table", "Can change the columns"),
            ("own_table", "Can delete and share the table"),
        ]

    # Valid until the table is changed, for one request; see ``access.get_table``.
    known: Known | None = None

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        """Shown to users: the label, or the name if there is none."""
        return self.label or self.name

    def all_columns(self) -> list[Column]:
        """The columns in the designer's order, with the tables to which they refer."""
        return list(self.known.columns if self.known else self.columns.all())

    def named_by(self) -> Column | None:
        """The column that names a record where others refer to it; None if there is no text that could."""
        able = [column for column in self.all_columns() if column.kind.can_name_records]
        return next((column for column in able if column.pk == self.naming_column_id), able[0] if able else None)

    def search_index(self) -> Index | None:
        """The search index in any state, if there is one."""
        return self.known.search_index if self.known else self.indexes.filter(column=None).first()

    @property
    def search_index_state(self) -> str | None:
        """``Index.ShownState`` of the search index, for many tables with prefetched indexes."""
        return next((index.shown_state for index in self.indexes.all() if index.column_id is None), None)

    @property
    def search_index_reason(self) -> str | None:
        """Why the search index was made automatically; None if it was not."""
        return next((index.because for index in self.indexes.all() if index.column_id is None), "") or None


class ColumnManager(models.Manager["Column"]):
    """Fetches columns with their index and the table to which they refer: every use needs both."""

    def get_queryset(self) -> models.QuerySet[Column]:
        return super().get_queryset().filter(trashed_at=None).select_related("index", "references")


class Column(models.Model):
    """One column of a table. ``type`` is a key of ``columns.types.REGISTRY``."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="columns")
    name = models.CharField(max_length=63)
    label = models.CharField(max_length=200, blank=True)
    description = models.TextField(max_length=MAX_DESCRIPTION, blank=True)
    type = models.CharField(max_length=30)
    parameters = models.JSONField(default=dict, blank=True)
    references = models.ForeignKey(
        Table, on_delete=models.PROTECT, null=True, blank=True, related_name="referring_columns"
    )
    unique = models.BooleanField(default=False)
    # For a unique text: whether values that differ only in case count as the same.
    unique_ignores_case = models.BooleanField(default=False)
    required = models.BooleanField(default=False)
    default = models.TextField(null=True, blank=True)  # noqa: DJ001  (no default is not an empty default)
    constraints = models.JSONField(default=dict, blank=True)
    # How its numbers are shown, values staying as they are: ``columns/displays.py``.
    display = models.JSONField(default=dict, blank=True)
    position = models.PositiveIntegerField(default=0)

    trashed_at = models.DateTimeField(null=True, blank=True)

    objects = ColumnManager()
    everything = models.Manager["Column"]()

    class Meta:
        ordering = ["table_id", "position", "id"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                "table", Lower("name"), condition=models.Q(trashed_at=None), name="column_name_whatever_case"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def title(self) -> str:
        return self.label or self.name

    @property
    def attribute(self) -> str:
        """The column's attribute on the record model.

        Made of our own key and never of the user's words, so that no name can clash with a method of the model, a
        lookup or a keyword of the ORM.
        """
        return f"c{self.pk}"

    @property
    def kind(self) -> types.ColumnType:
        return types.REGISTRY[self.type]

    @property
    def all_parameters(self) -> dict[str, Any]:
        """The parameters with the *current* name of a referenced table, which may have been renamed."""
        if self.references is not None:
            return {**self.parameters, "references": self.references.name}
        return dict(self.parameters)

    @property
    def sql_text(self) -> str:
        return self.kind.sql_text(self.all_parameters)

    @property
    def index_or_none(self) -> Index | None:
        """The requested index, if any; a unique column also has one of its own."""
        found: Index | None = getattr(self, "index", None)  # Django raises an AttributeError if there is none
        return found

    @property
    def indexed(self) -> bool:
        """Whether the column has an index, or will have one as soon as it is built."""
        return self.unique or self.index_or_none is not None

    @property
    def index_state(self) -> str | None:
        """``Index.ShownState``; a unique column's index is always ready, a column without one has none."""
        index = self.index_or_none
        return index.shown_state if index else Index.ShownState.READY if self.unique else None

    @property
    def sort_state(self) -> str | None:
        """The state of the index for sorting. The index of a unique text column is in a different order than lists."""
        index = self.index_or_none
        return index.shown_state if index else self.index_state if not self.kind.is_text else None

    @property
    def index_reason(self) -> str | None:
        """Why the index was made automatically; None if it was not."""
        index = self.index_or_none
        return (index.because if index else "") or None

    def to_spec(self) -> ColumnSpec:
        return ColumnSpec(
            name=self.name,
            type=self.type,
            parameters=self.all_parameters,
            unique=self.unique,
            unique_ignores_case=self.unique_ignores_case,
            required=self.required,
            default=self.default,
            label=self.label,
            description=self.description,
            constraints=dict(self.constraints),
            display=dict(self.display),
        )


class Index(Job):
    """An index on one column, or (``column`` null) the table's search index: requested, or made automatically.

    The row is the index, and the job of building it. PostgreSQL's index is ``tk:<column id>:index`` or
    ``tk:<table id>:search``. An import that replaces the table takes its indexes with it and queues these rows again.
    To drop the index is to delete the row, so it is never cancelled.
    """

    class ShownState(models.TextChoices):
        """Shown to users and programs instead of the job's state."""

        QUEUED = "queued"
        BUILDING = "building"
        READY = "ready"
        FAILED = "failed"

    class Method(models.TextChoices):
        BTREE = "btree"
        TRIGRAM = "trigram"  # finds any part of a text; needs PostgreSQL's extension pg_trgm
        WORDS = "words"  # PostgreSQL's own full text search

    class Purpose(models.TextChoices):
        """The kind of list that an automatic index was made for."""

        SORT = "sort"
        FILTER = "filter"
        SEARCH = "search"

    AT_THE_START: ClassVar[dict[str, Any]] = {"progress": 0}
    _SHOWN: ClassVar[dict[Job.State, ShownState]] = {
        Job.State.QUEUED: ShownState.QUEUED,
        Job.State.RUNNING: ShownState.BUILDING,
        Job.State.COMPLETED: ShownState.READY,
        Job.State.FAILED: ShownState.FAILED,
    }

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="indexes")
    column = models.OneToOneField(Column, on_delete=models.CASCADE, null=True, blank=True, related_name="index")
    method = models.CharField(max_length=10, choices=Method.choices, default=Method.BTREE)
    # The keys of the columns that a search index covers.
    covers = models.JSONField(default=list, blank=True)
    progress = models.FloatField(default=0)  # 0 to 1
    # Made for lists that needed it, and dropped when none uses it any more. The following fields are for these only.
    automatic = models.BooleanField(default=False)
    purpose = models.CharField(max_length=10, choices=Purpose, blank=True)
    records_read = models.BigIntegerField(default=0)  # by the list for which it was made
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta(Job.Meta):
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["table"], condition=models.Q(column=None), name="one_search_index"),
        ]

    def __str__(self) -> str:
        return f"index of {self.column}" if self.column_id else "search index"

    @property
    def shown_state(self) -> ShownState:
        return self._SHOWN[Job.State(self.state)]

    @property
    def because(self) -> str:
        """Why an automatic index was made, for users; '' for requested ones."""
        if not self.automatic:
            return ""
        lists = {
            self.Purpose.SORT: f"lists sorted by {self.column.title if self.column else ''}",
            self.Purpose.FILTER: f"lists filtered by {self.column.title if self.column else 'texts'}",
            self.Purpose.SEARCH: "searches",
        }[self.Purpose(self.purpose)]
        return f"{lists} had to read {self.records_read:,} records"


class ColumnLayout(models.Model):
    """How one user sees the columns of one table. Keys of columns that no longer exist are ignored."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="+")
    order = models.JSONField(default=list, blank=True)  # keys of columns
    hidden = models.JSONField(default=list, blank=True)  # the same
    charts = models.BooleanField(default=True)
    widths = models.JSONField(default=dict, blank=True)  # pixels by a column's key, as text; the rest fit their content

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["user", "table"], name="one_layout_a_user")]

    def __str__(self) -> str:
        return f"{self.table} as {self.user} has it"
