"""Selects and inputs made without templates equal those of Django's templates, except for blank lines."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe

from webui.form_renderer import Renderer

NASTY = "<b>&\"'"
ATTRS: dict[str, Any] = {"class": "a b", "required": True, "disabled": False, "data-x": NASTY, "maxlength": 5}
CHOICES: list[tuple[Any, Any]] = [
    ("", "---"), ("a", NASTY), (NASTY, mark_safe("<i>safe</i>")), (3, "three"), (None, "none"),
    (NASTY, [("x", "X"), ("y", NASTY)]),
]  # fmt: skip


@pytest.mark.parametrize("value", [None, "", "a", NASTY, 3, 1.5, True])
@pytest.mark.parametrize(
    "widget",
    [
        forms.TextInput(ATTRS), forms.NumberInput(), forms.EmailInput(ATTRS), forms.URLInput(), forms.DateInput(),
        forms.HiddenInput(ATTRS), forms.TimeInput(), forms.CheckboxInput(ATTRS), forms.PasswordInput(),
        forms.Textarea(ATTRS),
        forms.Select(ATTRS, CHOICES), forms.NullBooleanSelect(), forms.SelectMultiple(ATTRS, CHOICES),
    ],
    ids=lambda widget: type(widget).__name__,
)  # fmt: skip
def test_a_widget(widget: forms.Widget, value: Any) -> None:
    given = [value] if isinstance(widget, forms.SelectMultiple) else value
    ours, theirs = (
        widget.render(f"n{NASTY}", given, {"id": "i"}, renderer=renderer)
        for renderer in (Renderer(), DjangoTemplates())
    )
    assert ours == "\n".join(line for line in theirs.splitlines() if line.strip())
