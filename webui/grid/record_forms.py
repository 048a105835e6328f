"""The form of one record. It collects text; what the text means is the record services' affair, for API and console."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from dataengine.columns import displays
from dataengine.exceptions import DataEngineError, InvalidInput
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.records.model import Record
from webui.errors import add_errors
from webui.forms import Styled
from webui.grid.reference_inputs import ReferenceField

if TYPE_CHECKING:
    from django.contrib.auth.models import User


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
            else {column.attribute: text_of(column, getattr(record, column.attribute)) for column in columns}
        )
        if copied is not None:
            kept = [column for column in columns if not column.unique]
            values |= {column.attribute: text_of(column, getattr(copied, column.attribute)) for column in kept}
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
    made = _input(column, referred)
    made.widget.attrs |= column.kind.input_attributes
    # What templates say of it: beside the label, and to the scripts that edit cells.
    if (write := displays.writer(column.display)) is not None:
        made.help_text = f"A plain number; {_EXAMPLE} is shown as {write(_EXAMPLE)}."
    made.sql_text, made.is_text, made.is_required = column.sql_text, column.kind.is_text, column.required  # type: ignore[attr-defined]
    if column.required:
        made.widget.attrs["aria-required"] = "true"
    return made


_EXAMPLE = "0.25"


def _input(column: Column, referred: Table | None) -> forms.Field:
    kind = column.kind
    common: dict[str, Any] = {"label": column.title, "required": False}
    options = kind.options(column.parameters)
    if options is not None:
        return forms.ChoiceField(choices=[("", "no value"), *options], **common)
    if referred is not None:
        return ReferenceField(referred, **common)
    if kind.holds_lines:
        return _LongText(widget=forms.Textarea(attrs={"rows": 1}), strip=False, **common)
    return forms.CharField(strip=not kind.is_text, **common)


def _default(column: Column) -> str:
    return column.default or ""


def text_of(column: Column, value: Any) -> str:
    """A stored value as the text that reads back as itself."""
    return "" if value is None else column.kind.editor_text(value)


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
    try:
        return column.kind.from_editor(text)
    except ValidationError as error:
        reason = " ".join(error.messages)
        raise InvalidInput(reason, code="invalid_record", fields={column.name: reason}) from error
