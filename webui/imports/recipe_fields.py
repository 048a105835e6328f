"""Recipes on the page before an import: which one is taken, and its options as what the form's fields say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from dataengine.imports.planning import modes
from webui.imports.mode_fields import ALL_RECORDS, AS_KEPT

_COVERED = modes.KEYS | {"on_error", "delimiter", "encoding", "sheet", "has_header", "null_values", "decimal", "trim"}
"""Options that the form has fields for: with a recipe, what they say holds, and nothing where they say nothing."""
NAMES = frozenset({"recipe", "recipe_shown"})


class RecipeFields(forms.Form):
    """The fields of a form with a choice among recipes. ``recipe_shown`` is the one that the others were filled by."""

    recipe = forms.ChoiceField(label="Recipe", required=False)
    recipe_shown = forms.CharField(required=False, widget=forms.HiddenInput)

    def offer_recipes(self, names: Sequence[str]) -> None:
        """Let people choose a recipe, if there are any."""
        if not names:
            for name in NAMES:
                del self.fields[name]
            return
        field = self.fields["recipe"]
        assert isinstance(field, forms.ChoiceField)  # declared above
        field.choices = [("", "none"), *((name, name) for name in names)]

    def turned_recipe(self) -> str | None:
        """The recipe that is to be taken from now on, '' for none; None where it stays as it was."""
        if "recipe" not in self.fields:
            return None
        shown = str(self.cleaned_data.get("recipe_shown") or "")
        chosen = str(self.cleaned_data.get("recipe") or "")
        offered = str(self.data.get("take_recipe") or "")
        wanted = offered if offered and chosen == shown else chosen
        return None if wanted == shown else wanted

    def with_recipe(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The form's options, beside those of the recipe that it was filled by."""
        shown = self.cleaned_data.get("recipe_shown") if "recipe" in self.fields else None
        if not shown:
            return dict(options)
        given = {**dict.fromkeys(_COVERED), **options, "recipe": shown}
        cleared = self.cleaned_data.get("scope_column") == ALL_RECORDS
        if options.get("on_missing") and "scope" not in options and not cleared:
            del given["scope"]
        return given


def filled_by(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the form's fields say for the recipe with that name and these options."""
    fields: dict[str, Any] = {"recipe": name, "recipe_shown": name}
    for option in ("on_error", "delimiter", "encoding", "sheet"):
        if options.get(option) is not None:
            fields[option] = str(options[option])
    for option in ("has_header", "trim"):
        if options.get(option) is not None:
            fields[option] = "yes" if options[option] else "no"
    if isinstance(words := options.get("null_values"), list):
        fields["null_values"] = ", ".join(map(str, words))
    if isinstance(mark := options.get("decimal"), str):
        fields["decimal"] = mark
    return fields | _mode(options)


def _mode(options: Mapping[str, Any]) -> dict[str, Any]:
    key = options.get("key") or []
    fields: dict[str, Any] = {"mode": "add", "key": [key] if isinstance(key, str) else list(key)}
    if options.get("replace"):
        return {**fields, "mode": "replace"}
    missing = options.get("on_missing") or "keep"
    if missing == "keep":
        conflict = options.get("on_conflict") or "reject"
        return {**fields, "mode": "add" if conflict == "reject" else conflict}
    fields["mode"] = "mirror"
    if isinstance(missing, Mapping):
        column, value = next(iter(missing["set"].items()), ("", None))
        fields |= {"missing": "set", "mark_column": column, "mark_value": "" if value is None else str(value)}
    for lookup, value in (options.get("scope") or {}).items():
        column, _, kind = lookup.partition("__")
        said = "" if kind == "isnull" and value is True else str(value)
        if len(options["scope"]) == 1 and (kind in ("", "exact") or not said):
            fields |= {"scope_column": column, "scope_value": said}
        else:
            fields["scope_column"] = AS_KEPT
    if options.get("max_delete_share") is not None:
        fields["max_delete_percent"] = f"{options['max_delete_share'] * 100:g}"
    if options.get("allow_rejected"):
        fields["allow_rejected"] = "on"
    return fields
