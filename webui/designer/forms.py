"""Forms for tables and columns. The services interpret what they contain."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from django import forms

from dataengine.columns import displays
from dataengine.columns.identifiers import validate_identifier
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import BY_SQL_NAME, EXACT, IGNORE_CASE, REGISTRY, ColumnSpec
from dataengine.exceptions import InvalidInput
from dataengine.models import Column
from dataengine.models.shapes import ColumnChanges
from dataengine.models.tables import MAX_DESCRIPTION
from webui.forms import Styled


def description_field() -> forms.CharField:
    """What a table or a column is for."""
    return forms.CharField(
        label="Description", required=False, max_length=MAX_DESCRIPTION, widget=forms.Textarea(attrs={"rows": 2})
    )


class TableForm(Styled, forms.Form):
    """The name and label of a table."""

    table_name = forms.CharField(
        label="Table name",
        strip=True,
        help_text="Used in PostgreSQL and in the API, for example <code>customers</code>.",
        error_messages={"required": "A table needs a name."},
    )
    label = forms.CharField(label="Label", required=False, max_length=200, help_text="Shown instead of the name.")
    description = description_field()

    def clean_table_name(self) -> str:
        """Report an invalid name together with all other errors; the service checks whether it is taken."""
        return _identifier(self.cleaned_data["table_name"], what="table")


def _identifier(name: str, *, what: str) -> str:
    try:
        return validate_identifier(name, what=what)
    except InvalidInput as error:
        raise forms.ValidationError(error.message) from error


def type_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """The registry's types by group, under their SQL names."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for kind in REGISTRY.values():
        groups.setdefault(kind.group, []).append((kind.sql_names[0], kind.label))
    return list(groups.items())


_CASES = [(IGNORE_CASE, "whatever the case"), (EXACT, "letter for letter")]


def _case_field(*usual: tuple[str, str]) -> forms.ChoiceField:
    """Which texts of a unique column count as the same."""
    return forms.ChoiceField(label="Upper and lower case", choices=[*usual, *_CASES], required=False)


class ColumnForm(Styled, forms.Form):
    """One column of a new table, or one to be added to a table."""

    name = forms.CharField(label="Column name", error_messages={"required": "A column needs a name."})
    type = forms.ChoiceField(label="Type", initial="TEXT")
    details = forms.CharField(label="Details", required=False)
    default = forms.CharField(label="Default", required=False, strip=False)
    unique = forms.BooleanField(label="Unique", required=False)
    case = _case_field(("", "case as usual"))
    required = forms.BooleanField(label="Required", required=False)

    # HTML's `required` would block the button that removes the row.
    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type_field = self.fields["type"]
        assert isinstance(type_field, forms.ChoiceField)  # declared above
        type_field.choices = type_choices()
        details = {kind.sql_names[0]: [*kind.details, kind.is_reference] for kind in REGISTRY.values() if kind.details}
        type_field.widget.attrs["data-type"] = json.dumps(details)
        self.fields["details"].widget.attrs["data-details"] = ""
        self.fields["name"].widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}

    def clean_name(self) -> str:
        """Report an invalid name together with all other errors."""
        return _identifier(self.cleaned_data["name"], what="column")

    def clean(self) -> dict[str, Any]:
        """Read the column with the same reader as the API."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if "name" in values and "type" in values:
            try:
                values["spec"] = column_spec(values)
            except InvalidInput as error:
                reasons = [text for texts in error.fields.values() for text in texts] or [error.message]
                self.add_error(_to_blame(values), reasons[0])
        return values


def _to_blame(values: dict[str, Any]) -> str:
    """The input to show the error at if the column is not valid."""
    if values["unique"] and values.get("case") == IGNORE_CASE and not BY_SQL_NAME[values["type"]].is_text:
        return "case"
    return "details" if values.get("details") or _takes_details(values["type"]) else "type"


def _takes_details(sql_name: str) -> bool:
    return bool(BY_SQL_NAME[sql_name].arguments)


def column_spec(values: dict[str, Any]) -> ColumnSpec:
    """The column of a filled ColumnForm. Raises InvalidInput if type and details do not fit."""
    sql_name, details = values["type"], values.get("details", "").strip() if _takes_details(values["type"]) else ""
    spec = parse_sql_type(values["name"], BY_SQL_NAME[sql_name].sql_text_with(details))
    spec = spec.made_unique(values["unique"] and (values.get("case") or True))
    return replace(spec, required=values["required"], default=values.get("default") or None)


def _display_word(display: Mapping[str, str]) -> str:
    """A column's display as the form's choice."""
    return display.get("currency", display.get("style", ""))


class ColumnChangeForm(Styled, forms.Form):
    """The changes that an existing column allows; its type cannot be changed."""

    name = forms.CharField(label="Column name", error_messages={"required": "A column needs a name."})
    label = forms.CharField(label="Label", required=False, max_length=200)
    description = description_field()
    default = forms.CharField(label="Default", required=False, strip=False)
    unique = forms.BooleanField(label="Unique", required=False)
    case = _case_field()
    required = forms.BooleanField(label="Required", required=False)
    display = forms.ChoiceField(label="Shown as", required=False)

    @classmethod
    def of(cls, column: Column, data: Any = None) -> ColumnChangeForm:
        """The form filled with ``column``."""
        initial = {name: getattr(column, name) for name in ("name", "label", "description", "unique", "required")}
        ignores_case = column.unique_ignores_case if column.unique else column.kind.unique_ignores_case
        initial |= {"default": column.default or "", "case": IGNORE_CASE if ignores_case else EXACT}
        initial |= {"display": _display_word(column.display)}
        form = cls(data, initial=initial, auto_id=f"id_{column.pk}_%s")
        if not column.kind.is_text:
            del form.fields["case"]
        if not displays.may_have_display(column.kind):
            del form.fields["display"]
            return form
        shown = form.fields["display"]
        assert isinstance(shown, forms.ChoiceField)  # declared above
        codes = dict.fromkeys([*displays.SIGNS, *filter(None, [column.display.get("currency")])])
        money = [(code, f"{code} ({displays.SIGNS[code]})" if code in displays.SIGNS else code) for code in codes]
        shown.choices = [("", "A plain number"), ("percent", "Per cent"), ("Currency", money)]
        return form

    def changes(self) -> ColumnChanges:
        """The actual changes, as ``services.tables.alter_column`` accepts them."""
        changed = {name: self.cleaned_data[name] for name in self.changed_data}
        if "default" in changed:
            changed["default"] = changed["default"] or None
        case = changed.pop("case", "") or self.initial["case"]
        is_said = "unique" in changed or case != self.initial["case"]
        if is_said and "case" in self.fields and self.cleaned_data["unique"]:
            changed["unique"] = case
        if "display" in changed:
            word = changed["display"]
            money = {"style": "currency", "currency": word} if word else {}
            changed["display"] = {"style": "percent"} if word == "percent" else money
        return cast("ColumnChanges", changed)
