"""The form of a table's names, and what the designer's forms share. The services interpret what they contain."""

from __future__ import annotations

from django import forms

from dataengine.columns.identifiers import validate_identifier
from dataengine.exceptions import InvalidInput
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
        help_text="Used in PostgreSQL and in the API, for example <code>customers</code>.",
        error_messages={"required": "A table needs a name."},
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    label = forms.CharField(label="Label", required=False, max_length=200, help_text="Shown instead of the name.")
    description = description_field()

    def clean_table_name(self) -> str:
        """Report an invalid name together with all other errors; the service checks whether it is taken."""
        return identifier(self.cleaned_data["table_name"], what="table")


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
