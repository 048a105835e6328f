"""Checkboxes for a column of several choices; as its editor in the grid, too (``checklists.js``)."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dataengine.columns import text_lists

_CHECKED = SafeString(" checked")


class Checklist(forms.CheckboxSelectMultiple):
    """A box for each choice; its value is the text that editors have (``text_lists.written``)."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        """One element that holds all of them: the caller names the group."""
        ticked = set(_items(value))
        boxes = format_html_join(
            "",
            '<label class="check"><input type="checkbox" class="form-check-input" name="{}" value="{}"{}>'
            " <span>{}</span></label>",
            ((name, choice, _CHECKED if choice in ticked else "", label) for choice, label in self.choices),
        )
        known = {**self.attrs, **(attrs or {})}
        place = format_html(' id="{}"', known["id"]) if known.get("id") else ""
        return format_html('<div class="checklist" role="group"{}>{}</div>', place, boxes)


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
