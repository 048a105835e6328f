"""Renders Django's simplest widgets like its own templates, but without templates.

The selects and inputs of a grid took a third of its time (measured): each option is two templates, and so is an empty
list of errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.forms.utils import ErrorList
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe

type Widget = Mapping[str, Any]

_INPUTS = ("text", "number", "email", "url", "hidden", "date", "time", "input", "checkbox")


class Renderer(DjangoTemplates):
    """Django's own renderer, except for selects, inputs and empty lists of errors."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """Render ``context`` like the template with this name."""
        made = _MADE.get(template_name)
        if made:
            return made(context["widget"])
        if template_name == ErrorList.template_name and not context["errors"]:
            return _safe("")
        return super().render(template_name, context, request)


def _input(widget: Widget) -> SafeString:
    value = widget["value"]
    shown = "" if value is None else f' value="{_text(value)}"'
    name, kind = _escaped(widget["name"]), _escaped(widget["type"])
    return _safe(f'<input type="{kind}" name="{name}"{shown}{_attributes(widget)}>')


def _textarea(widget: Widget) -> SafeString:
    value = _escaped(widget["value"]) if widget["value"] else ""
    # Browsers drop a line break at the beginning of the text.
    return _safe(f'<textarea name="{_escaped(widget["name"])}"{_attributes(widget)}>\n{value}</textarea>')


def _select(widget: Widget) -> SafeString:
    parts = [f'<select name="{_escaped(widget["name"])}"{_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        parts += [f'\n  <optgroup label="{_escaped(group)}">'] if group else []
        parts += [f"\n  {_option(option)}" for option in options]
        parts += ["\n  </optgroup>"] if group else []
    return _safe("".join([*parts, "\n</select>"]))


def _option(option: Widget) -> str:
    label = _escaped(option["label"])
    return f'<option value="{_text(option["value"])}"{_attributes(option)}>{label}</option>'


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {_escaped(name)}" if value is True else f' {_escaped(name)}="{_text(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _text(value: Any) -> str:
    return escape(str(value))


def _escaped(value: Any) -> str:
    """Django's ``conditional_escape``, whose support for lazy texts takes longer than the escaping (measured)."""
    text: str = value.__html__() if hasattr(value, "__html__") else escape(str(value))
    return text


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308  all that is not ours in it has been escaped


_MADE: dict[str, Callable[[Widget], SafeString]] = {
    "django/forms/widgets/select.html": _select,
    "django/forms/widgets/textarea.html": _textarea,
    **{f"django/forms/widgets/{kind}.html": _input for kind in _INPUTS},
}
