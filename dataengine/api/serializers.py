"""Shapes of the API: the arguments of operations and their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dataengine.api.fields import SwitchField, UniqueField
from dataengine.columns.api_fields import WholeNumberField
from dataengine.columns.identifiers import composed
from dataengine.jobs.serializers import ImportJobSerializer
from dataengine.models import Column, Index, Table
from dataengine.models.tables import MAX_DESCRIPTION
from dataengine.queries.paging import LAST_PAGE_NUMBER
from dataengine.queries.table_sizes import sizes_of

BIGINT = 2**63


@extend_schema_field(OpenApiTypes.OBJECT)
class ObjectField(serializers.Field[Any, Any, Any, Any]):
    """A JSON object, unchanged."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, Mapping):
            raise serializers.ValidationError("Give a JSON object.")
        return dict(data)

    def to_representation(self, value: Any) -> Any:
        return value


class NameField(serializers.CharField):
    """A name in normal form C, as names are kept, and otherwise unchanged: they are compared exactly."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(trim_whitespace=False, max_length=500, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        return composed(super().to_internal_value(data))


def description_field() -> serializers.CharField:
    """What a table or a column is for, in as many words as that takes."""
    return serializers.CharField(required=False, allow_blank=True, max_length=MAX_DESCRIPTION)


class IdField(WholeNumberField):
    """The id of a record."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=-BIGINT, max_value=BIGINT - 1, **kwargs)


class Arguments(serializers.Serializer[Any]):
    """Arguments of an operation. An unknown key is refused by name, not ignored.

    ``fixed`` are keys that can be read but not changed.
    """

    fixed: frozenset[str] = frozenset()

    def to_internal_value(self, data: Any) -> Any:
        unknown = {
            str(name)[:120]: ["This cannot be changed here." if name in self.fixed else "There is no such key."]
            for name in data
            if name not in self.fields
        }
        try:
            found = super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError({**unknown, **cast("dict[str, Any]", error.detail)}) from error
        if unknown:
            raise serializers.ValidationError(unknown)
        return found


# Arguments -----------------------------------------------------------------------------------------------------------


class TableArguments(Arguments):
    table_name = NameField()


class ListTables(serializers.Serializer[Any]):
    page = WholeNumberField(min_value=1, max_value=LAST_PAGE_NUMBER, default=1)
    limit = WholeNumberField(min_value=1, max_value=1000, default=100)
    search = serializers.CharField(
        default="", allow_blank=True, max_length=500, help_text="A part of the name, the label or the description"
    )


class ChangeTable(Arguments):
    fixed = frozenset({"id", "columns", "record_count", "record_count_exact", "created_at", "url"})

    table_name = NameField(required=False)
    label = serializers.CharField(required=False, allow_blank=True, max_length=200)  # type: ignore[assignment]
    description = description_field()
    search_index = SwitchField(required=False, help_text="Build or drop the search index")
    named_by = NameField(required=False, allow_null=True)


class UpdateTable(TableArguments, ChangeTable):
    """The same for the verb endpoint, in which ``table_name`` says which table."""

    new_name = NameField(required=False)


class DuplicateTable(Arguments):
    """What a copy of a table is called, and whether it has the records, too."""

    table_name = NameField()
    with_records = serializers.BooleanField(default=False)


class TableSchemaQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=["json", "sql"], default="json")


DISPLAY = 'How numbers are shown: {"style": "percent"}, {"style": "currency", "currency": "USD"}, or {}'


class NewColumn(Arguments):
    """A column to add: an SQL-style type, and what may be given separately."""

    column_name = NameField()
    column_type = serializers.CharField(max_length=20_000, help_text="For example NUMERIC(10,2) NOT NULL DEFAULT 0")
    unique = UniqueField(required=False)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]
    default = serializers.JSONField(required=False)
    label = serializers.CharField(required=False, allow_blank=True, max_length=200)  # type: ignore[assignment]
    description = description_field()
    constraints = ObjectField(required=False)
    display = ObjectField(required=False, help_text=DISPLAY)


class AddColumn(NewColumn):
    table_name = NameField()


class ColumnArguments(TableArguments):
    column_name = NameField()


class InsertRecord(TableArguments):
    data = ObjectField()  # type: ignore[assignment]


class RecordArguments(TableArguments):
    id = IdField()


class UpdateRecord(RecordArguments):
    data = ObjectField()  # type: ignore[assignment]


MATCH_HELP = (
    "Whether a record has to meet all filters, or one of those by columns is enough; the search holds either way"
)


class RecordQuery(serializers.Serializer[Any]):
    """The parameters of a list of records. Every other parameter is a filter: ``<column>__<lookup>=``."""

    page = WholeNumberField(min_value=1, max_value=LAST_PAGE_NUMBER, default=1)
    limit = WholeNumberField(min_value=1, max_value=1000, default=10)
    order_by = serializers.CharField(default="", allow_blank=True, max_length=2_000, help_text="name or -price,name")
    order_direction = serializers.CharField(default="", allow_blank=True, max_length=10, help_text="ASC or DESC")
    nulls = serializers.CharField(
        default="", allow_blank=True, max_length=10, help_text="Where missing values come: last (default) or first"
    )
    search = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    match = serializers.ChoiceField(choices=["all", "any"], default="all", help_text=MATCH_HELP)
    count = serializers.ChoiceField(choices=["exact", "auto"], default="auto")
    cursor = serializers.CharField(default="", allow_blank=True, max_length=100_000)


class ListRecords(RecordQuery):
    table_name = NameField()


class PageQuery(serializers.Serializer[Any]):
    page = WholeNumberField(min_value=1, max_value=LAST_PAGE_NUMBER, default=1)
    limit = WholeNumberField(min_value=1, max_value=1000, default=100)


class ExportQuery(serializers.Serializer[Any]):
    format = serializers.ChoiceField(choices=["csv", "json", "xlsx"], default="csv")
    guard = serializers.ChoiceField(
        choices=["spreadsheet", "exact"],
        default="spreadsheet",
        help_text=(
            "Of CSV: `spreadsheet` puts a `'` before every cell that a spreadsheet would run (one that begins with "
            "`= + - @`, also full-width or after spaces, TAB, CR or LF, numbers excepted, or with `'` before these); "
            "taking one `'` off gives back what was there, which imports do. `exact` writes cells as they are."
        ),
    )
    order_by = serializers.CharField(default="", allow_blank=True, max_length=2_000)
    order_direction = serializers.CharField(default="", allow_blank=True, max_length=10)
    nulls = serializers.CharField(default="", allow_blank=True, max_length=10)
    search = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    match = serializers.ChoiceField(choices=["all", "any"], default="all", help_text=MATCH_HELP)
    columns = serializers.CharField(
        default="",
        allow_blank=True,
        trim_whitespace=False,
        help_text="Which columns the file has besides `id`, in this order, separated by commas; all without it",
    )


class LookupQuery(serializers.Serializer[Any]):
    search = serializers.CharField(default="", allow_blank=True, max_length=1_000)
    limit = WholeNumberField(min_value=1, max_value=50, default=20)


class UndoRest(Arguments):
    rest = serializers.BooleanField(default=False, help_text="Leave the records that have changed since as they are")


class Undo(UndoRest):
    event = WholeNumberField(min_value=1, max_value=BIGINT - 1, help_text="The number from X-Undo")


class Credentials(Arguments):
    username = serializers.CharField(max_length=150, trim_whitespace=False)
    password = serializers.CharField(max_length=4_096, trim_whitespace=False, style={"input_type": "password"})
    code = serializers.CharField(
        max_length=100,
        required=False,
        help_text="Of the second factor, if the user has one: the app's, or for recovery",
    )


class RefreshToken(Arguments):
    refresh = serializers.CharField(max_length=10_000)


# Answers -------------------------------------------------------------------------------------------------------------


class ColumnSerializer(serializers.Serializer[Column]):
    """A column. ``column_type`` is the SQL-style text, ``type`` the registry's name."""

    column_name = serializers.CharField(source="name")
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    column_type = serializers.CharField(source="sql_text")
    type = serializers.CharField()
    unique = serializers.BooleanField()
    unique_ignores_case = serializers.BooleanField(help_text="Of a unique text: a and A count as the same")
    required = serializers.BooleanField()  # type: ignore[assignment]
    default = serializers.CharField(allow_null=True)
    constraints = ObjectField()
    display = ObjectField(help_text=DISPLAY)
    indexed = serializers.BooleanField(help_text="Unique columns always are")
    index_state = serializers.ChoiceField(choices=Index.ShownState.choices, allow_null=True)
    index_reason = serializers.CharField(allow_null=True, help_text="Why an index was made automatically")


class TableSerializer(serializers.Serializer[Table]):
    """A table. Context: ``sizes`` (``table_sizes.sizes_of``) and ``base_url``."""

    id = serializers.IntegerField()
    table_name = serializers.CharField(source="name")
    label = serializers.CharField()  # type: ignore[assignment]
    description = serializers.CharField()
    columns = ColumnSerializer(many=True)
    record_count = serializers.SerializerMethodField()
    record_count_exact = serializers.SerializerMethodField()
    search_index = serializers.ChoiceField(
        source="search_index_state", choices=Index.ShownState.choices, allow_null=True
    )
    search_index_reason = serializers.CharField(allow_null=True)
    named_by = serializers.SerializerMethodField(
        help_text="The column that names records where others refer to them; null: the first text column"
    )
    created_at = serializers.DateTimeField()
    url = serializers.SerializerMethodField()

    def get_named_by(self, table: Table) -> str | None:
        return next((column.name for column in table.columns.all() if column.pk == table.naming_column_id), None)

    def get_record_count(self, table: Table) -> int:
        return int(self.context["sizes"][table.pk].records)

    def get_record_count_exact(self, table: Table) -> bool:
        return bool(self.context["sizes"][table.pk].is_exact)

    def get_url(self, table: Table) -> str:
        return str(self.context["base_url"]) + reverse("api-table", kwargs={"table_name": table.name})


def tables_data(tables: list[Table], base_url: str) -> list[dict[str, Any]]:
    """Tables as JSON; their columns should be prefetched."""
    context = {"sizes": sizes_of(tables), "base_url": base_url}
    return [dict(TableSerializer(table, context=context).data) for table in tables]


class Tokens(serializers.Serializer[Any]):
    access = serializers.CharField()
    refresh = serializers.CharField()


class ListShape(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class TableList(ListShape):
    results = TableSerializer(many=True)


class ColumnList(ListShape):
    results = ColumnSerializer(many=True)


class ImportList(ListShape):
    results = ImportJobSerializer(many=True)


class RecordList(ListShape):
    table_name = serializers.CharField()
    page = serializers.IntegerField()
    page_exact = serializers.BooleanField(help_text="False for a far page that was found by estimate")
    limit = serializers.IntegerField()
    count_exact = serializers.BooleanField()
    last = serializers.URLField(allow_null=True, help_text="The last page")
    results = serializers.ListField(child=ObjectField())


class BulkInsert(serializers.Serializer[Any]):
    records = serializers.ListField(child=ObjectField())


class BulkUpdate(serializers.Serializer[Any]):
    """Either ``records`` (each with id and data), or ``filter`` and ``data``."""

    records = serializers.ListField(child=ObjectField(), required=False)
    filter = ObjectField(required=False, help_text='Filters as in lists, {"<column>__<lookup>": value}')
    data = ObjectField(required=False)  # type: ignore[assignment]


class Undoable(serializers.Serializer[Any]):
    undo = serializers.URLField(required=False, help_text="POST here takes it back, if anything was changed")


class BulkUpdated(Undoable):
    updated = serializers.IntegerField()


class BulkDeleted(Undoable):
    deleted = serializers.IntegerField()


class Undone(Undoable):
    event = serializers.IntegerField(help_text="The event of the undoing, which can be undone too")
    undone = serializers.IntegerField()
    action = serializers.CharField()
    count = serializers.IntegerField()


class Label(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    label = serializers.CharField()  # type: ignore[assignment]


class LookupList(serializers.Serializer[Any]):
    results = Label(many=True)


class PointerShape(serializers.Serializer[Any]):
    pointer = serializers.CharField(help_text="JSON Pointer (RFC 6901) into the body of the request", allow_blank=True)
    message = serializers.CharField()


class ErrorContent(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    fields = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))  # type: ignore[assignment]
    pointers = PointerShape(
        many=True,
        required=False,
        help_text=(
            "Where in the body each error is: of a value that is missing, where it should be, of an unknown key, that "
            "key. Missing where nothing in the body is at fault."
        ),
    )


class ErrorShape(serializers.Serializer[Any]):
    error = ErrorContent()
