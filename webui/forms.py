"""Forms of the console. ``Styled`` makes them look alike; the services interpret what they contain."""

from __future__ import annotations

from typing import Any

from django import forms


class Styled(forms.BaseForm):
    """Gives each widget its CSS class."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            style(field.widget)


def style(widget: forms.Widget) -> None:
    """Set the class by which console.css and Tabler style ``widget``."""
    match widget:
        case forms.CheckboxInput():
            css = "form-check-input"
        case forms.Select():
            css = "form-select"
        case forms.HiddenInput() | forms.RadioSelect() | forms.CheckboxSelectMultiple() | forms.MultiWidget():
            return
        case _:
            css = "form-control"
    widget.attrs["class"] = " ".join(filter(None, (widget.attrs.get("class"), css)))
