"""Records as JSON, both ways: one builder for input fields and one for output, for API and console.

In: ``clean_record`` checks data against the record model. Uniqueness and references are checked by PostgreSQL
(``database_errors.py`` translates its answer): checking beforehand costs a query each and proves nothing.
Out: numbers of ``numeric`` columns are strings, exactly as stored; moments are ISO 8601.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from rest_framework import serializers
from rest_framework.utils.field_mapping import get_field_kwargs

from dataengine.columns.identifiers import composed
from dataengine.columns.schema_faults import Fault
from dataengine.columns.types.aspects import Represent
from dataengine.exceptions import InvalidInput, Path, shown
from dataengine.models import Column
from dataengine.records.model import Record, bound_field

_REQUIRED = "This field is required."

# Input ---------------------------------------------------------------------------------------------------------------


# Options that the framework derives from a model field and a type's own field does not accept.
_NOT_TAKEN = ("model_field", "allow_unicode", "default", "read_only", "help_text", "style")


def record_field(model: type[Record], column: Column) -> serializers.Field[Any, Any, Any, Any]:
    """The field that checks values of a column: the framework's options for the model field, the type's own class."""
    made = bound_field(model, column.attribute)
    options = get_field_kwargs(column.attribute, made)
    for name in _NOT_TAKEN:
        options.pop(name, None)
    options["validators"] = [v for v in options.get("validators", ()) if not hasattr(v, "queryset")]
    options["required"] = _is_required(column)
    options["allow_null"] = not column.required
    return column.kind.api_field(made, options)


class RecordCleaner:
    """Checks any number of records against one model."""

    def __init__(self, model: type[Record], *, partial: bool = False) -> None:
        self.model = model
        self.columns = {column.name: (column, column.attribute, _quick(column)) for column in model.columns}
        self.required = set() if partial else {column.name for column in model.columns if _is_required(column)}
        # Made only when a value needs more than the quick test: most columns never do.
        self.readers: dict[str, Callable[[Any], Any]] = {}

    def clean(self, data: object, *, pk: int | None = None) -> dict[str, Any]:
        """``{column name: value}`` as ``{attribute: Python value}``. Raises InvalidInput, filed under the columns.

        ``pk`` is the record's id, if it has one: ``data`` may then contain the same ``id``.
        """
        if not isinstance(data, Mapping):
            raise InvalidInput("A record must be a JSON object.", fields={"data": "Give column names and values."})
        cleaned: dict[str, Any] = {}
        fields: dict[str, list[str]] = {}
        inner: list[tuple[Path, str]] = []
        for name, value in data.items():
            known = self.columns.get(name)
            if known is None:
                whole = composed(str(name))
                if whole in self.columns and whole not in data:  # in another normal form; maybe others are, too
                    return self.clean({composed(str(key)): given for key, given in data.items()}, pk=pk)
                if name != "id" or pk is None or value != pk:
                    fields[shown(name)] = [_unknown(name, pk)]
                continue
            column, attribute, quick = known
            if quick is not None and quick(value):
                cleaned[attribute] = value
                continue
            read = self.readers.get(name) or self._reader(column)
            try:
                cleaned[attribute] = read(value)
            except serializers.ValidationError as error:
                fields[name] = _flat(error.detail)
            except ValidationError as error:
                fields[name] = list(error.messages)
            else:
                faults = _faults_within(column, cleaned[attribute])
                if faults:
                    fields[name] = [str(fault) for fault in faults]
                    inner += [((name, *fault.path), fault.message) for fault in faults]
        for name in self.required - data.keys():
            fields[name] = [_REQUIRED]
        if fields:
            name, messages = next(iter(fields.items()))
            message = f"{name}: {messages[0]}" if len(fields) == 1 else "Some values are not valid."
            where = {path[0] for path, _ in inner}
            outer = [((name,), text) for name, texts in fields.items() if name not in where for text in texts]
            raise InvalidInput(message, code="invalid_record", fields=fields, pointers=[*outer, *inner])
        return cleaned

    def _reader(self, column: Column) -> Callable[[Any], Any]:
        self.readers[column.name] = record_field(self.model, column).run_validation
        return self.readers[column.name]


def clean_record(model: type[Record], data: object, *, partial: bool = False, pk: int | None = None) -> dict[str, Any]:
    """Check one record's data (see ``RecordCleaner``). ``partial``: only the given columns are checked."""
    return RecordCleaner(model, partial=partial).clean(data, pk=pk)


def _is_required(column: Column) -> bool:
    return column.required and column.default is None


def _faults_within(column: Column, value: Any) -> Sequence[Fault]:
    return column.kind.faults_within(value, column.constraints) if column.constraints and value is not None else ()


def _quick(column: Column) -> Callable[[Any], bool] | None:
    return None if column.constraints else column.kind.sure_test(column.parameters)


def _unknown(name: object, pk: int | None) -> str:
    if name != "id":
        return "There is no such column."
    return "The id is assigned automatically." if pk is None else "The id of a record cannot be changed."


def _flat(messages: Any) -> list[str]:
    if isinstance(messages, Mapping):
        return [text for entry in messages.values() for text in _flat(entry)]
    if isinstance(messages, list | tuple):
        return [text for entry in messages for text in _flat(entry)]
    return [str(messages)]


# Output --------------------------------------------------------------------------------------------------------------


def representers(columns: Iterable[Column]) -> list[Represent | None]:
    """For each column, the function that turns a value into JSON; None if it already is."""
    return [column.kind.represent for column in columns]


def record_data(record: Record) -> dict[str, Any]:
    """A record as in the API: flat, ``{"id": 1, "name": "John Doe"}``."""
    return next(iter(records_data([record])))


def records_data(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Records of one model as in the API."""
    found = list(records)
    if not found:
        return []
    columns = found[0].columns
    plan = list(zip((c.name for c in columns), (c.attribute for c in columns), representers(columns), strict=True))
    try:
        return [_shown(record, plan) for record in found]
    except (TypeError, ValueError, AttributeError):
        # A column's type was changed between looking at the table and reading from it, or writing into it.
        return [_shown(record, [(name, attribute, plain_json) for name, attribute, _ in plan]) for record in found]


def plain_json(value: object) -> Any:
    """A value as it came from PostgreSQL, whatever its type."""
    return value if isinstance(value, str | int | float | list | dict) else str(value)


def _shown(record: Record, plan: Iterable[tuple[str, str, Represent | None]]) -> dict[str, Any]:
    return {
        "id": record.pk,
        **{
            name: value if represent is None or value is None else represent(value)
            for name, attribute, represent in plan
            for value in (getattr(record, attribute),)
        },
    }
