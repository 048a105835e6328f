"""The form of one record. It collects text; what the text means is the record services' affair, for API and console."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.urls import reverse

from dataengine.exceptions import DataEngineError, InvalidInput
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.records.model import Record
from webui.errors import add_errors
from webui.forms import Styled
from webui.grid.reference_inputs import ReferenceField

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_YES_NO = [("", "no value"), ("true", "yes"), ("false", "no")]
# ``data-picker`` is for fields.js, which adds a calendar to what is text without it.
_WIDGETS: dict[str, dict[str, str]] = {
    "date": {"placeholder": "2024-12-31", "data-picker": "date"},
    "time": {"placeholder": "23:59:00", "data-picker": "time"},
    "timestamp": {"placeholder": "2024-12-31 23:59:00", "data-picker": "datetime-local"},
    "timestamptz": {"placeholder": "2024-12-31 23:59:00Z", "data-picker": "datetime-local"},
    "uuid": {"placeholder": "00000000-0000-0000-0000-000000000000"},
    "email": {"inputmode": "email"},
    "url": {"inputmode": "url", "placeholder": "https://"},
}


class _LongText(forms.CharField):
    """Text of many lines. Browsers post every line break as CR LF, so these say nothing about what was typed."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(initial), self.to_python(data))


class RecordForm(Styled, forms.Form):
    """Fields by the columns' attributes (``c12``), so that no user's word meets one of Django's."""

    def __init__(
        self,
        columns: Sequence[Column],
        data: Any = None,
        *,
        user: User,
        record: Record | None = None,
        copied: Record | None = None,
    ) -> None:
        """``user`` is who fills it in: records of tables that they may see go by their labels.

        ``copied`` is what a new record begins with, but for what must be unique.
        """
        self.columns = columns
        self.is_change = record is not None
        # What BaseForm copies its fields from; a class per table would say no more.
        tables = references.readable(user, columns)
        self.base_fields = {  # type: ignore[misc]
            column.attribute: _field(column, tables.get(column.attribute)) for column in columns
        }
        values = (
            {column.attribute: _default(column) for column in columns}
            if record is None
            else {column.attribute: text_of(getattr(record, column.attribute)) for column in columns}
        )
        if copied is not None:
            kept = [column for column in columns if not column.unique]
            values |= {column.attribute: text_of(getattr(copied, column.attribute)) for column in kept}
        shown = record or copied
        if shown is not None and tables:
            for attribute, called in references.labels(user, [shown]).items():
                values[attribute] = _called(self.base_fields[attribute], called)
        super().__init__(data, initial=values)

    def clean(self) -> dict[str, Any]:
        """A required column left empty: what was empty before and is not touched stays as it is."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        for column in self.columns:
            untouched = self.is_change and column.attribute not in self.changed_data
            if column.required and values.get(column.attribute) == "" and not untouched:
                self.add_error(column.attribute, "This column needs a value.")
        return values

    def service_data(self) -> dict[str, Any]:
        """``{column name: text or None}`` as the record services take it; of a change, only what was changed."""
        return {
            column.name: _value(column, self.cleaned_data[column.attribute])
            for column in self.columns
            if not self.is_change or column.attribute in self.changed_data
        }

    def add_service_errors(self, error: DataEngineError) -> None:
        """Write what a record service refused at the columns that it names."""
        add_errors(self, error, {column.name: column.attribute for column in self.columns})

    def add_theirs(self, message: str) -> None:
        """Write at each column what it says now, where that is not what the form says: somebody was faster."""
        self.add_error(None, f"{message} Save again to write what stands here.")
        for attribute in self.changed_data:
            if attribute in self.cleaned_data:
                theirs = self.get_initial_for_field(self.fields[attribute], attribute)
                self.add_error(attribute, f"Now it says “{str(theirs)[:200]}”." if theirs else "Now it has no value.")


def _called(field: forms.Field, called: Mapping[int, str]) -> str:
    """What a form says of the one record that a reference is to; the field gets a link to it."""
    [(pk, label)] = called.items()
    assert isinstance(field, ReferenceField)
    field.leads_to = reverse("console:record-edit", args=[field.table.name, pk])
    return references.written(pk, label)


def _field(column: Column, referred: Table | None) -> forms.Field:
    common: dict[str, Any] = {"label": column.title, "required": False}
    attrs: dict[str, str] = {}
    match column.type:
        case "boolean":
            made: forms.Field = forms.ChoiceField(choices=_YES_NO, **common)
        case "choice":
            choices = [("", "no value"), *((choice, choice) for choice in column.parameters["choices"])]
            made = forms.ChoiceField(choices=choices, **common)
        case "reference" if referred is not None:
            made = ReferenceField(referred, **common)
        case "text" | "varchar" | "json" | "jsonb":  # what may hold line breaks, which an input would drop
            made = _LongText(widget=forms.Textarea(attrs={"rows": 1}), strip=False, **common)
        case _:
            made = forms.CharField(strip=not column.kind.is_text, **common)
            if column.kind.group == "Number":
                attrs["inputmode"] = "numeric" if column.kind.kernel == "integer" else "decimal"
    made.widget.attrs |= attrs | _WIDGETS.get(column.type, {})
    # What templates say of it: beside the label, and to the scripts that edit cells.
    made.sql_text, made.is_text, made.is_required = column.sql_text, column.kind.is_text, column.required  # type: ignore[attr-defined]
    if column.required:
        made.widget.attrs["aria-required"] = "true"
    return made


def _default(column: Column) -> str:
    return column.default or ""


def text_of(value: Any) -> str:
    """A stored value as the text that reads back as itself."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ") + "Z"
        case datetime():
            return value.isoformat(sep=" ")
        case Decimal():
            return format(value, "f")
        case float():
            return repr(value)
        case dict() | list():
            return json.dumps(value, ensure_ascii=False, indent=2)
        case _:
            return str(value)


def cell_value(column: Column, text: str, *, is_null: bool, referred: Table | None) -> Any:
    """What was typed into one cell, as the record services take it. An empty text is a value where texts are.

    ``referred`` is the table that the column refers to, if its records may be named. Raises InvalidInput where a
    required column would be left without a value, or no record is called so.
    """
    if text == "" and not is_null and column.kind.is_text:
        return text
    value = None if is_null else _value(column, text)
    if referred is not None and value is not None:
        return references.resolve(referred, text)
    if value is None and column.required:
        reason = "This column needs a value."
        raise InvalidInput(reason, code="invalid_record", fields={column.name: reason})
    return value


def _value(column: Column, text: str) -> Any:
    if text == "":
        return None
    if column.kind.kernel == "json":
        try:
            return json.loads(text, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            where = f", line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            reason = f"This is not valid JSON{where}. A text stands in double quotes."
            raise InvalidInput(reason, code="invalid_record", fields={column.name: reason}) from error
    return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
