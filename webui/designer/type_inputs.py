"""The choice of a column's type: which types there are, and which other inputs each of them takes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from django import forms
from django.forms.utils import flatatt
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dataengine.columns import displays
from dataengine.columns.types import BY_SQL_NAME, REGISTRY, ColumnType


def takes(kind: ColumnType) -> list[str]:
    """Which of a column's fields apply to a type, by the words of ``data-for`` in the templates."""
    asks = "choices" if "choices" in kind.arguments else "refers" if kind.is_reference else "details"
    found = {
        asks: bool(kind.details),
        "limits": "minimum" in kind.constraints,
        "lengths": "minLength" in kind.constraints,
        "pattern": "pattern" in kind.constraints,
        "schema": "json_schema" in kind.constraints,
        "case": kind.is_text,
        "display": displays.may_have_display(kind),
        "index": kind.can_be_indexed,
    }
    return [word for word, applies in found.items() if applies]


def type_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The registry's types by what they are for: a word, a value, and PostgreSQL's name."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for kind in REGISTRY.values():
        sample = f" — {kind.sample}" if kind.sample else ""
        groups.setdefault(kind.group, []).append((kind.sql_names[0], f"{kind.label}{sample} · {kind.sql_names[0]}"))
    return list(groups.items())


def _told(kind: ColumnType) -> dict[str, str]:
    """What an option of a type says of it to designer.css and designer.js."""
    told = {"data-takes": " ".join(takes(kind))}
    return told | {"data-details": json.dumps(kind.details)} if kind.details else told


class TypeSelect(forms.Select):
    """Each option tells by ``data-takes`` which other fields apply; designer.css shows no others."""

    def create_option(self, name: str, value: Any, label: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, label, *args, **kwargs)
        kind = BY_SQL_NAME.get(str(value))
        if kind is not None:
            option["attrs"] |= _told(kind)
        return option


def short_select(name: str, html_id: str, chosen: str) -> SafeString:
    """A TypeSelect for a row that asks for what the chosen type takes and nothing else.

    So no other option tells what it takes; designer.js asks for the row anew when another one is chosen.
    """
    template = '<select name="{}" class="form-select" id="{}" data-short>{}</select>'
    known = chosen if chosen in BY_SQL_NAME else ""  # else whatever is posted would be kept
    return format_html(template, name, html_id, _short_options(known, tuple(REGISTRY)))


@lru_cache(maxsize=100)
def _short_options(chosen: str, _types: tuple[str, ...]) -> SafeString:
    """Kept, since a form has hundreds of these lists. ``_types`` are those of the registry."""
    groups = ((group, _options(choices, chosen)) for group, choices in type_choices())
    return format_html_join("", '<optgroup label="{}">{}</optgroup>', groups)


def _options(choices: Iterable[tuple[str, str]], chosen: str) -> SafeString:
    told = {value: _told(BY_SQL_NAME[value]) | {"selected": True} for value, _ in choices if value == chosen}
    rows = ((value, flatatt(told.get(value, {})), label) for value, label in choices)
    return format_html_join("", '<option value="{}"{}>{}</option>', rows)
