"""Inputs that name a record of another table: what is typed is searched for, by label or id, and offered to choose.

Without a script they take an id, or a label that one record has.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dataengine.exceptions import InvalidInput
from dataengine.models import Table
from dataengine.queries import references


class ReferenceInput(forms.TextInput):
    """A text input with suggestions out of ``table``; its id must be set, as a form's fields have it."""

    def __init__(self, table: Table, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"placeholder": f"Find in {table.title}", "autocomplete": "off"} | (attrs or {}))
        self.table = table

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The input and the list that suggestions are swapped into."""
        found = f"{(attrs or {})['id']}-found"
        searching = {
            "list": found,
            "hx-get": reverse("console:lookup", args=[self.table.name]),
            "hx-target": f"#{found}",
            "hx-swap": "innerHTML",
            "hx-trigger": "focus once, input delay:200ms",
            "hx-sync": "this:replace",
        }
        drawn = super().render(name, value, {**(attrs or {}), **searching}, renderer)
        return format_html('{}<datalist id="{}"></datalist>', drawn, found)


class ReferenceField(forms.CharField):
    """Text that names a record of ``table``; its value is the record's id as text, or '' for none.

    ``leads_to`` is where the record stands that it names already.
    """

    def __init__(self, table: Table, **kwargs: Any) -> None:
        super().__init__(widget=ReferenceInput(table), **kwargs)
        self.table = table
        self.leads_to = ""

    def clean(self, value: Any) -> str:
        """The id. What is wrong with the text is said here, before a service sees it."""
        text = super().clean(value)
        if not text:
            return ""
        try:
            return str(references.resolve(self.table, text))
        except InvalidInput as error:
            raise ValidationError(error.message) from error
