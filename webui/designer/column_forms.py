"""Forms for columns: of a new table, added to one, changed in one. The services interpret what they contain."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, cast

from django import forms
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dataengine.columns import displays, value_schemas
from dataengine.columns.limits import are_numbers, read_limit, shown_limit
from dataengine.columns.payloads import check_constraints
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import BY_SQL_NAME, EXACT, IGNORE_CASE, ColumnSpec, ColumnType
from dataengine.exceptions import DataEngineError, InvalidInput
from webui.designer.forms import AS_TYPED, description_field, identifier
from webui.designer.type_inputs import TypeSelect, short_select, takes, type_choices
from webui.forms import Styled

CASES = [(IGNORE_CASE, "whatever the case"), (EXACT, "letter for letter")]
_LIMIT = re.compile(r"([<>]=?)?\s*(.*)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_BLAMED = {
    "invalid_default": "default", "invalid_pattern": "pattern", "unknown_reference": "references",
    "invalid_type": "unique",
}  # fmt: skip
_PATTERN_HELP = "A regular expression that each value matches, for example <code>{}</code>."
_BOUND_HELP = "{0}, 2024-01-31 or 1:30:00; {1} {0} for {2} than {0}."
_LENGTHS = {"min_length": "minLength", "max_length": "maxLength"}
_TOLD_THERE = (
    "label", "description", "default", "display", "indexed", "minimum", "maximum", *_LENGTHS, "pattern", "json_schema",
)  # fmt: skip


def blamed(error: DataEngineError, otherwise: str = "name") -> str:
    """The input for an error filed under the column's name: services name columns, forms name inputs."""
    return _BLAMED.get(error.error_code, otherwise)


def rule_input(kind: ColumnType) -> str:
    """The input for an error of the rules as a whole."""
    return (
        "minimum"
        if "minimum" in kind.constraints
        else "json_schema"
        if "json_schema" in kind.constraints
        else "pattern"
    )


def _display_choices(*codes: str) -> list[Any]:
    """How numbers can be shown; ``codes`` are currencies in use, besides those that have a sign."""
    known = dict.fromkeys([*displays.SIGNS, *filter(None, codes)])
    money = [(code, f"{code} ({displays.SIGNS[code]})" if code in displays.SIGNS else code) for code in known]
    return [("", "a plain number"), ("percent", "per cent: 0.125 as 12.5%"), ("Currency", money)]


def _display_word(display: Mapping[str, str]) -> str:
    """A column's display as the form's choice."""
    return display.get("currency", display.get("style", ""))


def _display_of(word: str) -> dict[str, str]:
    return {"style": "percent"} if word == "percent" else {"style": "currency", "currency": word} if word else {}


class ColumnForm(Styled, forms.Form):
    """One column of a new table, or one to be added to a table. What applies to no column of its type is ignored."""

    name = forms.CharField(
        label="Column name",
        error_messages={"required": "A column needs a name."},
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    label = forms.CharField(label="Label", required=False, max_length=200, help_text="Shown instead of the name.")
    description = description_field()
    default = forms.CharField(
        label="Default", required=False, strip=False, help_text="What a record has that says nothing."
    )
    unique = forms.BooleanField(label="Unique", required=False)
    case = forms.ChoiceField(label="Upper and lower case", choices=CASES, required=False)
    required = forms.BooleanField(label="Required", required=False)
    display = forms.ChoiceField(label="Shown as", choices=_display_choices(), required=False)
    indexed = forms.BooleanField(
        label="Index", required=False, help_text="Sorting and filtering by it stay fast in large tables."
    )
    type = forms.ChoiceField(label="Type", initial="TEXT", widget=TypeSelect)
    details = forms.CharField(label="Details", required=False, widget=forms.TextInput(attrs=AS_TYPED))
    choices = forms.CharField(
        label="Choices",
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "data-choices": ""}),
        help_text="One a line, in the order in which they are offered.",
    )
    references = forms.CharField(
        label="Refers to",
        required=False,
        help_text="A table. Its own design says by which column its records are named.",
        widget=forms.TextInput(attrs={**AS_TYPED, "list": "referable"}),
    )
    minimum = forms.CharField(
        label="At least", required=False, max_length=60, help_text=_BOUND_HELP.format(5, ">", "more")
    )
    maximum = forms.CharField(
        label="At most", required=False, max_length=60, help_text=_BOUND_HELP.format(9, "<", "less")
    )
    min_length = forms.CharField(label="Shortest", required=False, max_length=9, help_text="In characters.")
    max_length = forms.CharField(label="Longest", required=False, max_length=9, help_text="In characters.")
    pattern = forms.CharField(
        label="Pattern",
        required=False,
        max_length=1_000,
        strip=False,
        help_text=format_html(_PATTERN_HELP, "^[A-Z]{2}[0-9]+$"),
        widget=forms.TextInput(attrs=AS_TYPED),
    )
    json_schema = forms.CharField(
        label="JSON Schema",
        required=False,
        max_length=value_schemas.MAX_CHARACTERS,
        help_text="What each value must meet, as a JSON Schema (draft 2020-12).",
        widget=forms.Textarea(attrs={**AS_TYPED, "rows": 4}),
    )

    # HTML's `required` would block the button that removes the row.
    use_required_attribute = False

    is_one_of_many = False
    """Whether the page has so many rows that those who say no more leave out the part that is closed at first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("forms.ChoiceField", self.fields["type"]).choices = type_choices()
        cast("forms.ChoiceField", self.fields["case"]).choices = [("", "case as usual"), *CASES]
        # A text that describes the table may bring a currency that is not offered otherwise.
        code = self.data.get(self.add_prefix("display"), "") if self.is_bound else self.initial.get("display", "")
        if re.fullmatch("[A-Z]{3}", str(code)):
            cast("forms.ChoiceField", self.fields["display"]).choices = _display_choices(str(code))
        for name in _LENGTHS:
            self.fields[name].widget.attrs["inputmode"] = "numeric"

    def clean_name(self) -> str:
        """Report an invalid name together with all other errors."""
        return identifier(self.cleaned_data["name"], what="column")

    @contextmanager
    def errors_at(self, field: str) -> Iterator[None]:
        """File what is wrong with the column under one of the inputs."""
        try:
            yield
        except InvalidInput as error:
            reasons = [text for texts in error.fields.values() for text in texts] or [error.message]
            self.add_error(field, reasons[0])

    def clean(self) -> dict[str, Any]:
        """Read the column with the same readers as the API."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        kind = BY_SQL_NAME.get(values.get("type", ""))
        if kind is None or "name" not in values:
            return values
        if kind.is_reference and not values.get("references", "").strip():
            self.add_error("references", "Give the table to which it refers.")
            return values
        if "choices" in kind.arguments and not values.get("choices", "-").strip():
            self.add_error("choices", "Give at least one choice.")
            return values
        spec = None
        asked = "choices" if "choices" in kind.arguments else "references" if kind.is_reference else "details"
        with self.errors_at(asked if kind.details else "type"):
            spec = parse_sql_type(values["name"], _type_text(kind, values))
        if spec is not None and (made := self._completed(spec, values)) is not None:
            values["spec"] = made
        return values

    def _completed(self, spec: ColumnSpec, values: Mapping[str, Any]) -> ColumnSpec | None:
        """The column with all that is said besides its type; None if something is wrong."""
        kind, before = spec.kind, len(self.errors)
        with self.errors_at("case" if values.get("case") == IGNORE_CASE and not kind.is_text else "unique"):
            spec = spec.made_unique(values.get("unique", False) and (values.get("case") or True))
        constraints = dict(self._constraints(kind, values))
        with self.errors_at(rule_input(kind)):
            constraints = check_constraints(spec, constraints)
        with self.errors_at("display"):
            word = values.get("display", "") if displays.may_have_display(kind) else ""
            spec = replace(spec, display=displays.checked(kind, spec.name, _display_of(word)))
        if len(self.errors) > before:
            return None
        return replace(
            spec,
            required=values.get("required", False),
            default=values.get("default") or None,
            label=values.get("label", ""),
            description=values.get("description", "").replace("\r\n", "\n"),
            constraints=constraints,
        )

    def _constraints(self, kind: ColumnType, values: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        """The rules that apply to the type; others were typed before it was chosen, and are ignored."""
        for name, above in (("minimum", ">"), ("maximum", "<")):
            text = values.get(name, "").strip()
            if not text or name not in kind.constraints:
                continue
            found = _LIMIT.fullmatch(text)
            sign, said = (found[1] or "", found[2]) if found is not None else ("", "")
            value = _read_bound(kind, said)
            if value is None or (sign or above)[0] != above:
                noun = "a number" if are_numbers(kind) else kind.expected
                self.add_error(name, f"Give {noun}, or {above} and {noun}.")
            elif isinstance(value, float) and math.isinf(value):
                self.add_error(name, "This number is too large.")
            else:
                yield (f"exclusive{name.title()}" if sign == above else name), value
        for name, keyword in _LENGTHS.items():
            text = values.get(name, "").strip()
            if text and keyword in kind.constraints:
                if text.isascii() and text.isdecimal():
                    yield keyword, int(text)
                else:
                    self.add_error(name, "Give a whole number.")
        if values.get("pattern") and "pattern" in kind.constraints:
            yield "pattern", values["pattern"]
        if (text := values.get("json_schema", "").strip()) and "json_schema" in kind.constraints:
            with suppress(ValueError, RecursionError):
                schema = json.loads(text)
                if isinstance(schema, dict):
                    yield "json_schema", schema
                    return
            self.add_error("json_schema", "Give a JSON object.")

    @property
    def says_more(self) -> bool:
        """Whether something is said, or wrong, in the part of the row that is closed at first."""
        if self.is_bound:
            return any(self.data.get(self.add_prefix(name)) or name in self.errors for name in _TOLD_THERE)
        return any(self.initial.get(name) for name in _TOLD_THERE)

    @property
    def is_opened(self) -> bool:
        """Whether the user asked for the part that a short row leaves out."""
        return bool(self.data.get(self.add_prefix("more")) if self.is_bound else self.initial.get("more"))

    @property
    def is_short(self) -> bool:
        """Whether a button stands in for the part that is closed at first, and only what applies is asked for."""
        return self.is_one_of_many and not self.is_opened and not self.says_more

    @property
    def asked(self) -> set[str]:
        """Of the fields that apply to some types only, those that the row has, by the words of ``data-for``."""
        kind = BY_SQL_NAME.get(str(self["type"].value()))
        if kind is None or not self.is_short:
            return {"details", "refers", "choices", "case"}
        fields = {"details": "details", "references": "refers", "choices": "choices", "case": "case"}
        wrong = self.errors if self.is_bound else {}
        return {word for field, word in fields.items() if field in wrong} | set(takes(kind))

    @property
    def short_type(self) -> SafeString | None:
        """The choice of a short row's type; None if there is something to be said of it."""
        field = self["type"]
        if not self.is_short or field.errors:
            return None
        return short_select(field.html_name, field.id_for_label, str(field.value()))


def _read_bound(kind: ColumnType, text: str) -> Any:
    """A bound as the catalog keeps it; None if the text is none."""
    if not are_numbers(kind):
        with suppress(ValueError):
            return read_limit(kind, text)
        return None
    if not _NUMBER.fullmatch(text):
        return None
    number = text.lstrip("+")
    return int(number) if re.fullmatch("-?[0-9]+", number) else float(number)


def _type_text(kind: ColumnType, values: Mapping[str, Any]) -> str:
    """The SQL-style type with what was typed for its parameters."""
    if "choices" in kind.arguments:
        choices = [line.strip() for line in values.get("choices", "").splitlines() if line.strip()]
        return kind.sql_text({"choices": choices}) if choices else kind.sql_names[0]
    if kind.is_reference:
        return kind.sql_text_with(values.get("references", "").strip())
    return kind.sql_text_with(values.get("details", "").strip() if kind.arguments else "")


def initial_of(spec: ColumnSpec, *, indexed: bool = False) -> dict[str, Any]:
    """A column as a ColumnForm shows it."""
    limits, kind = spec.constraints, spec.kind
    shown: dict[str, Any] = {
        "name": spec.name,
        "label": spec.label,
        "description": spec.description,
        "type": kind.sql_names[0],
        "default": spec.default or "",
        "unique": spec.unique,
        "case": spec.how_unique if isinstance(spec.how_unique, str) else "",
        "required": spec.required,
        "display": _display_word(spec.display),
        "indexed": indexed,
        "minimum": _shown_limit(spec, "minimum", "exclusiveMinimum", ">"),
        "maximum": _shown_limit(spec, "maximum", "exclusiveMaximum", "<"),
        "min_length": str(limits.get("minLength", "")),
        "max_length": str(limits.get("maxLength", "")),
        "pattern": limits.get("pattern", ""),
        "json_schema": _shown_schema(limits.get("json_schema")),
    }
    if "choices" in kind.arguments:
        shown["choices"] = "\n".join(spec.parameters.get("choices", ()))
    elif kind.is_reference:
        shown["references"] = spec.parameters.get("references", "")
    else:
        shown["details"] = _shown_parameters(kind.arguments, spec.parameters)
    return shown


def _shown_schema(schema: Mapping[str, Any] | None) -> str:
    return "" if schema is None else json.dumps(schema, ensure_ascii=False, indent=2)


def _shown_limit(spec: ColumnSpec, name: str, exclusive: str, sign: str) -> str:
    limits = spec.constraints
    if exclusive in limits:
        return f"{sign} {shown_limit(spec.kind, limits[exclusive])}"
    return shown_limit(spec.kind, limits[name]) if name in limits else ""


def _shown_parameters(names: Iterable[str], parameters: Mapping[str, Any]) -> str:
    return ", ".join(str(parameters[name]) for name in names if parameters.get(name) is not None)
