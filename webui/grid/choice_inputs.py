"""Checkboxes for a column of several choices; as its editor in the grid, too (``checklists.js``)."""

from __future__ import annotations

from html import escape
from typing import Any

from django import forms
from django.utils.safestring import SafeString, mark_safe

from dataengine.columns import text_lists


class Checklist(forms.CheckboxSelectMultiple):
    """A box for each choice; its value is the text that editors have (``text_lists.written``)."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """One element that holds all of them: the caller names the group."""
        ticked = set(_items(value))
        boxes = "".join(
            f'<label class="check"><input type="checkbox" class="form-check-input" name="{escape(name)}"'
            f' value="{escape(str(choice))}"{" checked" if choice in ticked else ""}>'
            f" <span>{escape(str(label))}</span></label>"
            for choice, label in self.choices
        )
        known = {**self.attrs, **(attrs or {})}
        place = f' id="{escape(str(known["id"]))}"' if known.get("id") else ""
        return mark_safe(f'<div class="checklist" role="group"{place}>{boxes}</div>')  # noqa: S308  escaped above


class ChoicesField(forms.MultipleChoiceField):
    """Some of the choices, in the order in which they are offered; the value is their text, '' for none."""

    widget = Checklist

    def clean(self, value: Any) -> Any:
        """Their text, which is read back as the same list."""
        chosen = super().clean(value)
        return text_lists.as_json(chosen) if chosen else ""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """The order is no change: the boxes do not tell it."""
        return set(_items(initial)) != set(_items(data))


def _items(value: Any) -> list[str]:
    return text_lists.read(value) if isinstance(value, str) else list(value or ())
