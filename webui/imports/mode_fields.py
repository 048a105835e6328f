"""What becomes of a table's records, as the page before an import asks it: five modes, keys, what a mirror removes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django import forms
from django.forms.boundfield import BoundWidget

from dataengine.models import Column

MODES = {
    "add": ("Add", "Every row becomes a new record. What a unique column has already is rejected."),
    "skip": ("Add what is new", "Rows whose record is there already are skipped; the others become new records."),
    "update": (
        "Add and update",
        "A row is written over its record, where it differs; the others become new records.",
    ),
    "update_only": ("Update only", "The same, but rows without a record are skipped."),
    "replace": ("Replace everything", "All records are taken out, and every row becomes a new one."),
    "mirror": (
        "Mirror the file",
        "Add and update, and remove or mark the records that the file does not have, as far as you allow below.",
    ),
}
_WITH_KEY = frozenset({"update", "update_only", "mirror"})
NAMES = frozenset(
    {"mode", "key", "missing", "mark_column", "mark_value", "scope_column", "scope_value", "max_delete_percent",
     "allow_rejected"}
)  # fmt: skip


class ShownMode(NamedTuple):
    """A mode to choose: its radio button, what it is called and what it does."""

    radio: BoundWidget
    name: str
    words: str


ALL_RECORDS, AS_KEPT = ":all", ":recipe"
"""Choices beside the columns, whose names have no colon; the second: a recipe's filter that the fields cannot say."""


class ModeFields(forms.Form):
    """The fields of a form with a choice of what becomes of the records."""

    mode = forms.ChoiceField(
        label="What becomes of the records",
        required=False,
        choices=[(value, name) for value, (name, _) in MODES.items()],
        widget=forms.RadioSelect(attrs={"class": "form-check-input"}),
    )
    key = forms.MultipleChoiceField(
        label="Columns that tell which record a row belongs to",
        required=False,
        widget=forms.CheckboxSelectMultiple(attrs={"class": "form-check-input"}),
    )
    missing = forms.ChoiceField(
        label="Records that the file does not have",
        required=False,
        choices=[("delete", "Delete them"), ("set", "Keep them, and mark them")],
    )
    mark_column = forms.ChoiceField(label="Mark them in the column", required=False)
    mark_value = forms.CharField(label="with the value", required=False, max_length=10_000)
    scope_column = forms.ChoiceField(label="Only records whose column", required=False)
    scope_value = forms.CharField(label="has the value", required=False, max_length=10_000)
    max_delete_percent = forms.DecimalField(
        label="Change nothing if more are missing than (%)", required=False, min_value=0, max_value=100
    )
    allow_rejected = forms.BooleanField(label="Do so even if rows are rejected", required=False)

    def offer_columns(self, columns: list[Column]) -> None:
        """Let people choose among the table's columns; unique ones come first."""
        named = [(column.name, column.title) for column in sorted(columns, key=lambda column: not column.unique)]
        self._offer("key", [*named, ("id", "id (of an export)")])
        marked = [(column.name, column.title) for column in columns if not column.unique]
        self._offer("mark_column", [("", "–"), *marked])
        # With a recipe it is said in so many words that its filter does not hold: an empty field says nothing.
        every = ALL_RECORDS if self.data.get("recipe_shown") else ""
        kept = [(AS_KEPT, "(as the recipe says)")] if self.data.get("scope_column") == AS_KEPT else []
        self._offer("scope_column", [(every, "(all records)"), *kept, *named])

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # declared above
        field.choices = choices

    def drop_modes(self) -> None:
        """There are no records yet."""
        for name in NAMES:
            del self.fields[name]

    @property
    def shown_modes(self) -> Iterator[ShownMode]:
        """The modes to choose from."""
        for radio, (name, words) in zip(self["mode"], MODES.values(), strict=True):
            yield ShownMode(radio, name, words)

    def check_modes(self) -> None:
        """Ask for what a mode needs, once all fields are clean."""
        given = self.cleaned_data
        mode = given.get("mode")
        if mode in _WITH_KEY and not given.get("key"):
            self.add_error("key", "Choose at least one column.")
        if mode == "mirror" and given.get("missing") == "set" and not given.get("mark_column"):
            self.add_error("mark_column", "Choose a column.")

    def mode_options(self) -> dict[str, Any]:
        """The choice as options of an import."""
        given = self.cleaned_data
        key = list(given.get("key") or ())
        match given.get("mode"):
            case "replace":
                return {"replace": True}
            case "mirror":
                return {"key": key, "on_conflict": "update", **self._mirror()}
            case "skip":
                return {"on_conflict": "skip", **({"key": key} if key else {})}
            case "update" | "update_only" as conflict:
                return {"on_conflict": conflict, "key": key}
            case _:
                return {}

    def _mirror(self) -> dict[str, Any]:
        given = self.cleaned_data
        options: dict[str, Any] = {"on_missing": "delete"}
        if given.get("missing") == "set":
            options["on_missing"] = {"set": {given["mark_column"]: given["mark_value"] or None}}
        if (column := given.get("scope_column")) and column not in (ALL_RECORDS, AS_KEPT):
            value = given.get("scope_value")
            options["scope"] = {f"{column}__exact": value} if value else {f"{column}__isnull": True}
        if (percentage := given.get("max_delete_percent")) is not None:
            options["max_delete_share"] = float(percentage) / 100
        if given.get("allow_rejected"):
            options["allow_rejected"] = True
        return options
