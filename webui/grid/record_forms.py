"""The form of one record. It collects text, which the record services interpret, as for the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from dataengine.columns import displays
from dataengine.columns.limits import limits_in_words, shown_limit
from dataengine.exceptions import DataEngineError, InvalidInput
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.records.model import Record, record_model
from dataengine.records.serializers import RecordCleaner
from webui.errors import add_errors
from webui.forms import Styled
from webui.grid.choice_inputs import ChoicesField
from webui.grid.reference_inputs import ReferenceField

if TYPE_CHECKING:
    from django.contrib.auth.models import User


NEEDS_VALUE = "This column needs a value."


class _LongText(forms.CharField):
    """Multi-line text. Browsers post every line break as CR LF, whatever was typed."""

    def to_python(self, value: Any) -> str:
        return (super().to_python(value) or "").replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(initial), self.to_python(data))


class RecordForm(Styled, forms.Form):
    """Fields by the columns' attributes (``c12``), so that no user's name clashes with one of Django's."""

    def __init__(
        self,
        columns: Sequence[Column],
        data: Any = None,
        *,
        user: User,
        record: Record | None = None,
        copied: Record | None = None,
    ) -> None:
        """``user`` fills it in: records of tables that the user may see are shown by their labels.

        ``copied`` has the initial values of a new record, except unique ones.
        """
        self.columns = columns
        self.is_change = record is not None
        # BaseForm copies its fields from here; there is no need for a class per table.
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
        """Demand values in required columns, unless they were empty before and have not been touched; read the others.

        What the record services would refuse is found here if they are not going to be asked: all faults at once.
        """
        values: dict[str, Any] = super().clean() or self.cleaned_data
        self.read: dict[str, Any] = {}
        for column in self.columns:
            if column.attribute in self.errors or (self.is_change and column.attribute not in self.changed_data):
                continue
            if column.required and values.get(column.attribute) == "":
                self.add_error(column.attribute, NEEDS_VALUE)
                continue
            try:
                self.read[column.name] = _value(column, values[column.attribute])
            except InvalidInput as error:
                self.add_service_errors(error)
        if self.errors:
            try:
                RecordCleaner(record_model(self.columns[0].table, self.columns), partial=True).clean(self.read)
            except InvalidInput as error:
                self.add_service_errors(error)
        return values

    def service_data(self) -> dict[str, Any]:
        """``{column name: text or None}`` for the record services; for an existing record only the changes."""
        return self.read

    def add_service_errors(self, error: DataEngineError) -> None:
        """Add the errors of a record service to the columns that they name."""
        add_errors(self, error, {column.name: column.attribute for column in self.columns})

    def add_theirs(self, message: str) -> None:
        """Add to each column its present value where it differs from the form's: somebody else was faster."""
        self.add_error(None, f"{message} Save again to keep what you entered.")
        for attribute in self.changed_data:
            if attribute in self.cleaned_data:
                theirs = self.get_initial_for_field(self.fields[attribute], attribute)
                self.add_error(attribute, f"It is now “{str(theirs)[:200]}”." if theirs else "It now has no value.")


def _called(field: forms.Field, called: Mapping[int, str]) -> str:
    """The text that a form shows for the referenced record; the field gets a link to it."""
    [(pk, label)] = called.items()
    assert isinstance(field, ReferenceField)
    field.leads_to = reverse("console:record-edit", args=[field.table.name, pk])
    return references.written(pk, label)


def _field(column: Column, referred: Table | None) -> forms.Field:
    made = _input(column, referred)
    made.widget.attrs |= column.kind.input_attributes
    made.help_text = column.description
    if words := "; ".join(limits_in_words(column.kind, column.constraints)):
        made.help_text = f"{made.help_text} {words[0].upper()}{words[1:]}.".strip()
    for rule, attribute in _ENDS.items():
        if rule in column.constraints:  # in a text input it is for the calendar that fields.js opens
            made.widget.attrs[attribute] = shown_limit(column.kind, column.constraints[rule])
    if (write := displays.writer(column.display)) is not None:
        made.help_text = f"{made.help_text} {_EXAMPLE} or {write(_EXAMPLE)}, which is how it is shown.".strip()
    # Attributes for templates: shown beside the label, and passed to the scripts that edit cells.
    made.sql_text, made.kind_label = column.sql_text, column.kind.label  # type: ignore[attr-defined]
    made.is_text, made.is_required = column.kind.is_text, column.required  # type: ignore[attr-defined]
    if column.required:
        made.widget.attrs["aria-required"] = "true"
    return made


_EXAMPLE = "0.25"
_ENDS = {"minimum": "min", "maximum": "max"}


def _input(column: Column, referred: Table | None) -> forms.Field:
    kind = column.kind
    common: dict[str, Any] = {"label": column.title, "required": False}
    options = kind.options(column.parameters)
    if options is not None and kind.is_list:
        return ChoicesField(choices=options, **common)
    if options is not None:
        return forms.ChoiceField(choices=[("", "no value"), *options], **common)
    if referred is not None:
        return ReferenceField(referred, **common)
    if kind.holds_lines:
        return _LongText(widget=forms.Textarea(attrs={"rows": kind.editor_lines}), strip=False, **common)
    return forms.CharField(strip=not kind.is_text, **common)


def _default(column: Column) -> str:
    return column.default or ""


def text_of(column: Column, value: Any) -> str:
    """A stored value as text that is read back as the same value."""
    return "" if value is None else column.kind.editor_text(value)


def cell_value(column: Column, text: str, *, is_null: bool, referred: Table | None) -> Any:
    """What was typed into a cell, for the record services. An empty text is a value in text columns.

    ``referred`` is the table to which the column refers, if the user may see its records. Raises InvalidInput if a
    required column would be left without a value, or if no record has this label.
    """
    if text == "" and not is_null and column.kind.is_text:
        return text
    value = None if is_null else _value(column, text)
    if referred is not None and value is not None:
        return references.resolve(referred, text)
    if value is None and column.required:
        raise InvalidInput(NEEDS_VALUE, code="invalid_record", fields={column.name: NEEDS_VALUE})
    return value


def _value(column: Column, text: str) -> Any:
    if text == "":
        return None
    if (read := displays.reader(column.display)) is not None:
        text = read(text)
    try:
        return column.kind.from_editor(text)
    except ValidationError as error:
        reason = " ".join(error.messages)
        raise InvalidInput(reason, code="invalid_record", fields={column.name: reason}) from error
