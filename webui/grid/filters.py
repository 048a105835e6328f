"""Filters for users: conditions in words, chips that show the filters, and a form that adds one.

``dataengine.queries.filters`` interprets them; here they are only parameters of the URL.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django import forms
from django.http import QueryDict

from dataengine.columns.types import ID, ColumnType
from dataengine.exceptions import InvalidInput
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.queries.filters import EMPTY_TEXTS, RESERVED
from dataengine.queries.references import Labels
from webui.forms import Styled, style
from webui.grid.reference_inputs import ReferenceInput
from webui.numbers import is_number
from webui.sorting import PAGE_PARAMETERS

WORDS = {
    "icontains": "contains",
    "contains": "contains (same case)",
    "exact": "is",
    "ne": "is not",
    "istartswith": "begins with",
    "startswith": "begins with (same case)",
    "endswith": "ends with",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "range": "is between",
    "in": "is any of",
    "year": "is in the year",
    "month": "is in the month",
    "day": "is on the day of the month",
    "iregex": "matches the pattern",
}
# One lookup gives two conditions without a value.
_MISSING = {"isnull=true": "is missing", "isnull=false": "is present"}


class Chip(NamedTuple):
    """One filter in words, and the query without it."""

    column: str
    condition: str
    value: str
    query: str


def conditions(kind: ColumnType) -> list[tuple[str, str]]:
    """The conditions for a column of this type, as choices, the most useful first."""
    words = {**WORDS, **kind.condition_words}
    chosen = [(lookup, text) for lookup, text in words.items() if lookup in kind.lookups]
    return chosen + (list(_MISSING.items()) if "isnull" in kind.lookups else [])


def referred(params: QueryDict, columns: Iterable[Column]) -> dict[Column, list[int]]:
    """The ids that filters of reference columns name."""
    known = {column.name: column for column in columns}
    found: dict[Column, list[int]] = {}
    for name in params:
        column = known.get(_taken_apart(name, known)[0])
        if column is not None and column.references_id is not None and name not in RESERVED:
            found.setdefault(column, []).extend(
                int(part) for value in params.getlist(name) for part in _parts(value) if _is_id(part)
            )
    return found


def chips(params: QueryDict, columns: Iterable[Column], labels: Labels) -> list[Chip]:
    """The filters among ``params``, except the search, which is in its box. ``labels`` are those of records."""
    titles = {column.name: column for column in columns}
    found = []
    for name in params:
        if name in RESERVED:
            continue
        column_name, lookup = _taken_apart(name, titles)
        column = titles.get(column_name)
        kind = column.kind if column else ID
        value = ", ".join(params.getlist(name))
        words = _MISSING.get(f"{lookup}={value.lower()}") or dict(conditions(kind)).get(lookup, lookup)
        is_empty_text = not value and kind.is_text and lookup in EMPTY_TEXTS
        shown = "" if lookup == "isnull" else "empty text" if is_empty_text else value
        called = labels.get(column.attribute, {}) if column else {}
        if called and shown:
            shown = ", ".join(called.get(int(part), part) if _is_id(part) else part for part in _parts(value))
        if shown or lookup == "isnull":  # a parameter without a value filters nothing
            found.append(Chip(column.title if column else column_name, words, shown, _without(params, name)))
    return found


def filtering(params: QueryDict, column: Column) -> dict[str, str]:
    """The parameters that filter ``column``, by their full names (``<column>__<lookup>``)."""
    found = {}
    for name in params:
        taken = _taken_apart(name, {column.name: column})
        if taken[0] == column.name and name not in RESERVED:
            found["__".join(taken)] = ",".join(params.getlist(name))
    return found


def query_for(params: QueryDict, column: Column) -> list[tuple[str, str]]:
    """``params`` without the filters of ``column`` and without the page: the base for another filter of it."""
    return [
        (name, value)
        for name in params
        for value in params.getlist(name)
        if name not in PAGE_PARAMETERS
        and (name in RESERVED or _taken_apart(name, {column.name: column})[0] != column.name)
    ]


def selecting(params: QueryDict) -> dict[str, Any]:
    """Everything in ``params`` that selects records, including the search, for the bulk services."""
    found: dict[str, Any] = {}
    for name in params:
        values = [value for value in params.getlist(name) if value or name != "search"]
        if values and (name == "search" or name not in RESERVED):
            found[name] = values[0] if len(values) == 1 else values
    return found


class FilterForm(Styled, forms.Form):
    """Adds a filter: column, condition and value."""

    column = forms.ChoiceField(label="Column")
    condition = forms.ChoiceField(label="Condition")
    value = forms.CharField(label="Value", required=False, strip=False)

    def __init__(
        self,
        columns: Sequence[Column],
        data: Mapping[str, Any] | None = None,
        *,
        url: str,
        readable: Mapping[str, Table],
        of: str = "",
    ) -> None:
        """``of`` is the column whose conditions are offered; without a script they have to suit any column.

        ``url`` returns those of another column. ``readable`` are the tables whose records can be named
        (``references.readable``).
        """
        super().__init__(data, initial={"column": of})
        by_name = {column.name: column for column in columns}
        self.texts = {column.name for column in columns if column.kind.is_text}
        self.named = {c.name: readable[c.attribute] for c in columns if c.attribute in readable}
        if of in self.named:
            self.fields["value"].widget = ReferenceInput(self.named[of])
            style(self.fields["value"].widget)
        self._set_choices("column", [*((column.name, column.title) for column in columns), ("id", "id")])
        if of in by_name:
            offered = conditions(by_name[of].kind)
        else:
            offered = conditions(ID) if of == "id" else [*WORDS.items(), *_MISSING.items()]
        self._set_choices("condition", offered)
        # Load the conditions when the column changes, and those of the first column once the form is visible.
        self.fields["column"].widget.attrs |= {
            "hx-get": url,
            "hx-target": "#condition",
            "hx-swap": "innerHTML",
            "hx-trigger": "change, intersect once",
        }

    def parameter(self) -> tuple[str, str]:
        """The filter as a parameter of the URL."""
        column, condition = self.cleaned_data["column"], self.cleaned_data["condition"]
        lookup, _, fixed = condition.partition("=")
        return f"{column}__{lookup}", fixed or self.cleaned_data["value"]

    def clean(self) -> dict[str, Any]:
        """Demand a value, without which a condition would filter nothing, unless the empty text is meant."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        takes_empty = values.get("condition") in EMPTY_TEXTS and values.get("column") in self.texts
        if values.get("condition") in WORDS and not values.get("value") and not takes_empty:
            self.add_error("value", "Give a value.")
        elif values.get("value") and values.get("column") in self.named and values.get("condition") in WORDS:
            self._name_records(self.named[values["column"]], values)
        return values

    def _name_records(self, table: Table, values: dict[str, Any]) -> None:
        """Replace labels of records, which users enter, by ids, which filters need."""
        text = values["value"]
        try:
            parts = _parts(text) if values["condition"] == "in" else [text]
            values["value"] = ",".join(str(references.resolve(table, part)) for part in parts)
        except InvalidInput as error:
            self.add_error("value", error.message)

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # declared above
        field.choices = choices


def _taken_apart(name: str, known: Mapping[str, Any]) -> tuple[str, str]:
    if name in known:
        return name, "exact"
    column, separator, lookup = name.rpartition("__")
    return (column, lookup) if separator else (name, "exact")


def _parts(text: str) -> list[str]:
    """The values of a list in one text: separated by commas, in double quotes if they contain one."""
    return next(csv.reader([text], skipinitialspace=True), [])


def _is_id(text: str) -> bool:
    return is_number(text, digits=19)


def _without(params: QueryDict, name: str) -> str:
    query = params.copy()
    for gone in (name, *PAGE_PARAMETERS):
        query.pop(gone, None)
    return f"?{query.urlencode()}"
