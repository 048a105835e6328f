"""Renders Django's simplest widgets like its own templates, but without templates.

The selects and inputs of a grid took a third of its time (measured): each option is two templates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

type Widget = Mapping[str, Any]

_INPUTS = ("text", "number", "email", "url", "hidden", "date", "time", "input")


class Renderer(DjangoTemplates):
    """Django's own renderer, except for selects and inputs."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        """Render ``context`` like the template with this name."""
        made = _MADE.get(template_name)
        return made(context["widget"]) if made else super().render(template_name, context, request)


def _input(widget: Widget) -> SafeString:
    value = widget["value"]
    shown = "" if value is None else f' value="{_text(value)}"'
    name, kind = conditional_escape(widget["name"]), conditional_escape(widget["type"])
    return _safe(f'<input type="{kind}" name="{name}"{shown}{_attributes(widget)}>')


def _select(widget: Widget) -> SafeString:
    parts = [f'<select name="{conditional_escape(widget["name"])}"{_attributes(widget)}>']
    for group, options, _ in widget["optgroups"]:
        parts += [f'\n  <optgroup label="{conditional_escape(group)}">'] if group else []
        parts += [f"\n  {_option(option)}" for option in options]
        parts += ["\n  </optgroup>"] if group else []
    return _safe("".join([*parts, "\n</select>"]))


def _option(option: Widget) -> str:
    label = conditional_escape(option["label"])
    return f'<option value="{_text(option["value"])}"{_attributes(option)}>{label}</option>'


def _attributes(widget: Widget) -> str:
    return "".join(
        f" {conditional_escape(name)}" if value is True else f' {conditional_escape(name)}="{_text(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _text(value: Any) -> str:
    return escape(str(value))


def _safe(html: str) -> SafeString:
    return mark_safe(html)  # noqa: S308  all that is not ours in it has been escaped


_MADE: dict[str, Callable[[Widget], SafeString]] = {
    "django/forms/widgets/select.html": _select,
    **{f"django/forms/widgets/{kind}.html": _input for kind in _INPUTS},
}
