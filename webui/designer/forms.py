"""The form of a table's names, and what the designer's forms share. The services interpret what they contain."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.utils.html import format_html

from dataengine.columns.identifiers import validate_identifier
from dataengine.exceptions import InvalidInput
from dataengine.models import Table
from dataengine.models.tables import MAX_DESCRIPTION
from webui.forms import Styled

AS_TYPED = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
"""Attributes of inputs for names and the like, which browsers should not correct."""


def description_field() -> forms.CharField:
    """What a table or a column is for."""
    return forms.CharField(
        label="Description", required=False, max_length=MAX_DESCRIPTION, widget=forms.Textarea(attrs={"rows": 2})
    )


def identifier(name: str, *, what: str) -> str:
    """The name in normal form. Raises Django's ValidationError."""
    try:
        return validate_identifier(name, what=what)
    except InvalidInput as error:
        raise forms.ValidationError(error.message) from error


class TableForm(Styled, forms.Form):
    """The name and label of a table."""

    table_name = forms.CharField(
        label="Table name",
        strip=True,
        help_text=format_html("Used in PostgreSQL and in the API, for example <code>{}</code>.", "customers"),
        error_messages={"required": "A table needs a name."},
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    label = forms.CharField(label="Label", required=False, max_length=200, help_text="Shown instead of the name.")
    description = description_field()

    def clean_table_name(self) -> str:
        """Report an invalid name together with all other errors; the service checks whether it is taken."""
        return identifier(self.cleaned_data["table_name"], what="table")


class NamesForm(TableForm):
    """The names of a table that is there, and by what its records are named where others refer to them."""

    named_by = forms.ChoiceField(label="Records are named by", required=False)

    @classmethod
    def of(cls, table: Table, data: Any = None) -> NamesForm:
        """The form filled with ``table``, or with what was sent."""
        initial = {
            "table_name": table.name,
            "label": table.label,
            "description": table.description,
            "named_by": str(table.naming_column_id or ""),
        }
        form = cls(data, initial=initial)
        able = [column for column in table.all_columns() if column.kind.can_name_records]
        first = f"the first text, {able[0].title}" if able else "their ids: there is no text column"
        choices = [("", first), *((str(column.pk), column.title) for column in able)]
        cast("forms.ChoiceField", form.fields["named_by"]).choices = choices
        form.fields["named_by"].help_text = "Where columns of other tables refer to them."
        return form


class DuplicateForm(Styled, forms.Form):
    """What a copy of a table is called, and whether it has the records."""

    # Not “Table name”: that is the table's own.
    table_name = forms.CharField(
        label="Name of the copy",
        error_messages={"required": "The copy needs a name."},
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    with_records = forms.BooleanField(label="With its records", required=False, initial=True)

    def clean_table_name(self) -> str:
        return identifier(self.cleaned_data["table_name"], what="table")
