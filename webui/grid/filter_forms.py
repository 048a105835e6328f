"""The form that makes a filter or changes one: column, condition and value, or any of the column's commonest values."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django import forms
from django.http import QueryDict

from dataengine.columns.types import ID
from dataengine.exceptions import InvalidInput
from dataengine.models import Column, Table
from dataengine.queries import references
from dataengine.queries.filters import EMPTY_TEXTS
from webui.forms import Styled, style
from webui.grid.choice_inputs import Checklist
from webui.grid.filters import HALF_OPEN, NULL, WORDS, conditions, parts, taken_apart
from webui.grid.reference_inputs import ReferenceInput
from webui.sorting import PAGE_PARAMETERS

_OF_TWO = ("range", HALF_OPEN)


class Suggestion(NamedTuple):
    """A value that the column has, as filters read it and as people do."""

    value: str
    words: str


class PickedField(forms.MultipleChoiceField):
    """Some of the values that were suggested when the form was made, which may be others by now."""

    widget = Checklist

    def valid_value(self, value: Any) -> bool:
        """Whether there are such records is none of its business."""
        return True


class FilterForm(Styled, forms.Form):
    """Makes a filter: column, condition and value, or some of the values that are suggested."""

    column = forms.ChoiceField(label="Column")
    condition = forms.ChoiceField(label="Condition")
    value = forms.CharField(label="Value", required=False, strip=False)
    until = forms.CharField(label="To", required=False, strip=False)
    picked = PickedField(label="Or any of the commonest", required=False)

    def __init__(
        self,
        columns: Sequence[Column],
        data: Mapping[str, Any] | None = None,
        *,
        url: str,
        query: str = "",
        readable: Mapping[str, Table],
        of: str = "",
        suggested: Sequence[Suggestion] = (),
        place: str = "",
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        """``of`` is the column whose conditions are offered; without a script they have to suit any column.

        ``url`` returns those of another column, and the inputs of another condition; ``query`` is the grid's, whose
        records have the values that are suggested. ``readable`` are the tables whose
        records can be named (``references.readable``). ``place`` begins the ids of a form that is on a page with
        another; ``suggested`` are values of the column ``of``.
        """
        super().__init__(data, initial={"column": of, **(initial or {})}, auto_id=f"{place}id_%s")
        by_name = {column.name: column for column in columns}
        self.place, self.suggested = place, suggested
        self.texts = {column.name for column in columns if column.kind.is_text}
        self.named = {c.name: readable[c.attribute] for c in columns if c.attribute in readable}
        if of in self.named:
            self.fields["value"].widget = ReferenceInput(self.named[of])
            style(self.fields["value"].widget)
        self._set_choices("column", [*((column.name, column.title) for column in columns), ("id", "id")])
        if of in by_name:
            offered = conditions(by_name[of].kind)
        else:
            offered = conditions(ID) if of == "id" else [*WORDS.items(), *NULL.items()]
            if not of:  # the first column is chosen: so is the condition that is its first
                self.initial.setdefault("condition", conditions(columns[0].kind if columns else ID)[0][0])
        self._set_choices("condition", offered)
        self._set_choices("picked", [(one.value, one.words) for one in suggested])
        if suggested and of not in self.named:
            self.fields["value"].widget.attrs["list"] = f"{place}suggested"
        in_grid = urlencode({"query": query})
        # Load the conditions when the column changes, and those of the first column once the form is visible.
        self.fields["column"].widget.attrs |= {
            "hx-get": f"{url}?{in_grid}",
            "hx-target": f"#{place}condition",
            "hx-swap": "innerHTML",
            "hx-trigger": "change, intersect once",
        }
        # And the inputs when the condition does.
        self.fields["condition"].widget.attrs |= {
            "hx-get": f"{url}?shape=1&{in_grid}",
            "hx-include": "closest form",
            "hx-target": f"#{place}values",
            "hx-disable": f"#{place}values",
            "hx-swap": "innerHTML",
            "hx-trigger": "change",
        }
        chosen = data.get("condition", "") if data else self.initial.get("condition") or offered[0][0]
        self.takes_value, self.takes_two = chosen not in NULL, chosen in _OF_TWO
        if self.takes_two:
            self.fields["value"].label = "From"
        if chosen == HALF_OPEN:
            self.fields["until"].label = "To below"

    def parameters(self) -> dict[str, str]:
        """The filter as parameters of the URL, of which the first is of ``value``, the second of ``until``."""
        column, picked = self.cleaned_data["column"], self.cleaned_data["picked"]
        if picked:
            return {f"{column}__exact": picked[0]} if len(picked) == 1 else {f"{column}__in": _joined(picked)}
        condition = self.cleaned_data["condition"]
        lookup, _, fixed = condition.partition("=")
        value, until = self.cleaned_data["value"], self.cleaned_data["until"]
        if condition == HALF_OPEN:
            return {f"{column}__gte": value, f"{column}__lt": until}
        if lookup == "range" and until:
            value = _joined([value, until])
        return {f"{column}__{lookup}": fixed or value}

    def clean(self) -> dict[str, Any]:
        """Demand a value, without which a condition would filter nothing, unless the empty text is meant."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("picked"):
            return values
        takes_empty = values.get("condition") in EMPTY_TEXTS and values.get("column") in self.texts
        if values.get("condition") in WORDS and not values.get("value") and not takes_empty:
            self.add_error("value", "Give a value.")
        elif values.get("condition") == HALF_OPEN and not values.get("until"):
            self.add_error("until", "Give a value.")
        elif values.get("value") and values.get("column") in self.named and values.get("condition") in WORDS:
            self._name_records(self.named[values["column"]], values)
        return values

    def _name_records(self, table: Table, values: dict[str, Any]) -> None:
        """Replace labels of records, which users enter, by ids, which filters need."""
        text = values["value"]
        try:
            named = parts(text) if values["condition"] == "in" else [text]
            values["value"] = ",".join(str(references.resolve(table, part)) for part in named)
            if values.get("until"):
                values["until"] = str(references.resolve(table, values["until"]))
        except InvalidInput as error:
            self.add_error("value", error.message)

    def _set_choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # declared above
        field.choices = choices


def present(params: QueryDict, names: Sequence[str], column: Column) -> dict[str, Any]:
    """The filter that ``params`` has under ``names`` as the form's initial values; {} for none.

    Two names are a lower and an upper limit.
    """
    lookups = [taken_apart(name, {column.name: column})[1] for name in names]
    values = [", ".join(params.getlist(name)) for name in names if name in params]
    if len(values) == 2:
        condition = HALF_OPEN if lookups[1] == "lt" else "range"
        return {"condition": condition, "value": values[0], "until": values[1]}
    if len(values) != 1:
        return {}
    [lookup] = lookups
    if lookup == "isnull":
        return {"condition": f"isnull={values[0].lower()}"}
    if lookup == "range" and len(ends := parts(values[0])) == 2:
        return {"condition": "range", "value": ends[0], "until": ends[1]}
    if lookup == "in":
        return {"condition": "in", "value": values[0], "picked": parts(values[0])}
    return {"condition": lookup, "value": values[0], "picked": values if lookup == "exact" else []}


def changed(query: str, gone: Sequence[str], parameters: Mapping[str, str]) -> QueryDict:
    """The grid's ``query`` with the filter of ``parameters``, without those named ``gone``, from its first page."""
    made = QueryDict(query, mutable=True)
    for name in (*PAGE_PARAMETERS, *gone):
        made.pop(name, None)
    for name, value in parameters.items():
        made[name] = value
    return made


def _joined(values: Sequence[str]) -> str:
    """One text for several values, which ``parts`` takes apart."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()
