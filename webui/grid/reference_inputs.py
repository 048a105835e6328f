"""Inputs that name a record of another table: it searches by label or id, and offers what it finds.

Without a script they accept an id, or a label that only one record has.
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
    """A text input with suggestions from ``table``; its id must be set, as in a form's fields."""

    def __init__(self, table: Table, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"placeholder": f"Find in {table.title}", "autocomplete": "off"} | (attrs or {}))
        self.table = table

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """The input and the list that receives the suggestions."""
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
    """Names a record of ``table``; the value is the record's id as text, or ''.

    ``leads_to`` is the URL of the record that it already names.
    """

    def __init__(self, table: Table, **kwargs: Any) -> None:
        super().__init__(widget=ReferenceInput(table), **kwargs)
        self.table = table
        self.leads_to = ""

    def clean(self, value: Any) -> str:
        """The id. Errors in the text are reported here, before a service sees it."""
        text = super().clean(value)
        if not text:
            return ""
        try:
            return str(references.resolve(self.table, text))
        except InvalidInput as error:
            raise ValidationError(error.message) from error
