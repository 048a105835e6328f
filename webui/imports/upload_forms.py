"""Uploads in the console: the form with its options, and what the page's script requests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.http import HttpRequest, QueryDict

from dataengine.columns.identifiers import derive_identifier
from dataengine.imports.reading.kinds import ACCEPTED, SUFFIXES
from dataengine.models import Recipe, Table
from dataengine.services.imports import pasted_file
from webui.forms import Styled, style
from webui.htmx import ConsoleRequest
from webui.imports import drafts, mode_fields, recipe_fields
from webui.imports.mode_fields import ModeFields
from webui.imports.recipe_fields import RecipeFields, filled_by
from webui.imports.reference_controls import MATCH, MISSING, without_contradictions
from webui.imports.sheet_choices import SheetChoice

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_CONTROLS = {
    "type": ("types", ""),
    "bad": ("on_bad_cell", "reject"),
    "dates": ("date_formats", ""),
    "decimal": ("decimal", ""),
}
"""The preview's controls of columns: which option each is, and what it says where it says nothing."""
_SOURCES = {"draft", "file", "pasted", "url"}
_ELSEWHERE = {*_SOURCES, "table_name", *mode_fields.NAMES, *recipe_fields.NAMES}
"""Fields that do not stand under “Options”."""
_MOST_DIGITS = 18
"""Python refuses to read numbers of thousands of digits; so many are too many rows already."""
_ENCODINGS = ("utf-8", "utf-16", "cp1252", "iso-8859-1", "shift_jis", "gb18030")


def asks_for_address(request: HttpRequest) -> bool:
    """Whether upload.js sent the file: it wants the URL in the answer, not a redirect."""
    return request.headers.get("X-Requested-With") == "tablekeep-upload"


def name_from_file(filename: str) -> str:
    """A valid and free table name, made from a file's name: ``Sales 2024.csv.gz`` -> ``sales_2024``."""
    path = PurePath(filename)
    while path.suffix.lower() in SUFFIXES:
        path = path.with_suffix("")
    # Names are unique in the installation, so other users' tables count too, without being revealed.
    return derive_identifier(path.name, what="table", taken=Table.objects.values_list("name", flat=True))


def _with(initial: dict[str, Any], given: QueryDict) -> QueryDict:
    """What a page's address says, and for the rest what the form begins with."""
    values = QueryDict(mutable=True)
    for name, value in initial.items():
        values.setlist(name, [str(one) for one in (value if isinstance(value, list | tuple) else [value])])
    for name, several in given.lists():
        values.setlist(name, several)
    return values


def _with_suggestion(posted: QueryDict) -> QueryDict:
    """The form with the column that the preview suggested and somebody took: ``3:email`` for the fourth header."""
    place, _, column = posted.get("suggest", "").partition(":")
    if not column:
        return posted
    values = posted.copy()
    values[f"column-{place}"] = column
    return values


class UploadForm(Styled, ModeFields, RecipeFields):
    """A file or its draft, and how to read it. Fields left empty are detected."""

    draft = forms.CharField(required=False, widget=forms.HiddenInput)
    file = forms.FileField(
        label="CSV file",
        required=False,
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
        help_text="CSV, TSV, text or JSON, also as .gz or .zip; workbooks (.xlsx, .xls, .ods); Parquet.",
        error_messages={"empty": "This file is empty."},
        max_length=255,
    )
    pasted = forms.CharField(
        label="Rows",
        required=False,
        # Spaces and separators at either end are cells.
        strip=False,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "autocomplete": "off"}),
        help_text="From a spreadsheet, a text or a mail: separated by tabs, commas or semicolons, or JSON.",
    )
    # Text, so that the service, which knows more about it, says what is wrong.
    url = forms.CharField(
        label="Address",
        required=False,
        max_length=2000,
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "spellcheck": "false"}),
        help_text="https://, or s3:// in a bucket that this installation reads.",
    )
    table_name = forms.CharField(label="Table name", required=False, help_text="If empty, the file name is used.")
    on_error = forms.ChoiceField(
        label="If a row has errors",
        required=False,
        choices=[("skip_rows", "Import the other rows"), ("abort", "Import nothing")],
    )
    delimiter = forms.ChoiceField(
        label="Separator between cells",
        required=False,
        choices=[("", "Detect"), (",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Bar")],
    )
    encoding = forms.ChoiceField(
        label="Encoding", required=False, choices=[("", "Detect"), *((name, name) for name in _ENCODINGS)]
    )
    has_header = forms.ChoiceField(
        label="First line",
        required=False,
        choices=[("", "Detect"), ("yes", "Names of the columns"), ("no", "Data")],
    )
    sheet = forms.CharField(
        label="Sheet",
        required=False,
        max_length=255,
        help_text="For workbooks: name or number. If empty, the first sheet with a table is used.",
    )
    null_values = forms.CharField(
        label="Words for null",
        required=False,
        help_text="Separated by commas. If empty: NA, null and the like, unless these are values in a text column.",
    )
    decimal = forms.ChoiceField(
        label="Decimal mark", required=False, choices=[("", "Detect"), (".", "Point"), (",", "Comma")]
    )
    trim = forms.ChoiceField(
        label="Spaces around cells",
        required=False,
        choices=[("", "Keep in plain text only"), ("yes", "Drop everywhere"), ("no", "Keep everywhere")],
    )
    email = forms.EmailField(label="Send the result to", required=False)

    user: User

    @classmethod
    def for_new_table(cls, request: ConsoleRequest) -> UploadForm:
        """For a file that becomes a table; there are no existing records."""
        form = cls._of(request)
        form.drop_modes()
        form.offer_recipes([])
        return form

    @classmethod
    def for_table(cls, request: ConsoleRequest, table: Table) -> UploadForm:
        """For a file to be imported into ``table``, by whose columns records are found."""
        columns = list(table.columns.all())
        unique = [column.name for column in columns if column.unique]
        recipes = list(table.recipes.all())
        form = cls._of(request, key=unique if len(unique) == 1 else [], recipes=recipes)
        del form.fields["table_name"]
        form.offer_columns(columns)
        form.offer_recipes([recipe.name for recipe in recipes])
        return form

    @classmethod
    def _of(cls, request: ConsoleRequest, *, key: Sequence[str] = (), recipes: Sequence[Recipe] = ()) -> UploadForm:
        initial = {
            "email": request.user.email, "mode": "add", "key": key, "missing": "delete", "max_delete_percent": 10,
        }  # fmt: skip
        if request.method == "POST":
            form = cls(_with_suggestion(request.POST), request.FILES, initial=initial)
        elif "draft" in request.GET:
            # On the draft's page the earlier choices are in the URL.
            taken = next((recipe for recipe in recipes if recipe.name == request.GET.get("recipe")), None)
            filled = filled_by(taken.name, taken.options) if taken else {}
            form = cls(_with({**initial, **filled}, request.GET), initial=initial)
        else:
            form = cls(initial={**initial, "recipe": request.GET.get("recipe", "")})
        form.user = request.user
        if not settings.REMOTE_SOURCES:
            del form.fields["url"]
        return form

    def clean(self) -> dict[str, Any]:
        """Open the draft if there is one, and find a name for the table if none is given."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        if values.get("draft") and not values.get("file"):
            values["file"] = drafts.find(self.user, values["draft"])
        pasted = values.get("pasted", "")
        if values.get("file") and pasted.strip():
            self.add_error("pasted", "Choose a file or paste rows, not both.")
        elif pasted.strip():
            values["file"] = pasted_file(pasted)
        if values.get("file") and values.get("url"):
            self.add_error("url", "Choose one: a file, rows or an address.")
        elif not (values.get("file") or values.get("url") or {"file", "url"} & set(self.errors)):
            self.add_error("file", "Choose a file, or paste rows.")
        if "table_name" in self.fields and not values.get("table_name") and values.get("file"):
            values["table_name"] = name_from_file(values["file"].name)
        self.check_modes()
        return values

    @property
    def option_fields(self) -> list[forms.BoundField]:
        """The fields under “Options”."""
        return [field for field in self if field.name not in _ELSEWHERE]

    def offer_sheets(self, sheets: Sequence[SheetChoice]) -> None:
        """Let people choose among the sheets of the workbook that they have uploaded."""
        choices = [("", "The first with a table"), *((sheet.name, sheet.label) for sheet in sheets)]
        widget = forms.Select(choices=choices)
        style(widget)
        self.fields["sheet"].widget = widget

    def chosen(self) -> dict[str, list[str]]:
        """The choices besides the file, to be passed to the preview page."""
        asked = [name for name in self.changed_data if name in self.data and name not in {*_SOURCES, "recipe_shown"}]
        return {name: self._all(name) for name in asked}

    @property
    def has_option_errors(self) -> bool:
        return any(field.errors for field in self.option_fields)

    def mapping(self) -> dict[str, str | None]:
        """The choices in the preview: the column for each header, or None."""
        places = [name.removeprefix("header-") for name in self.data if name.startswith("header-")]
        return {self.data[f"header-{place}"]: self.data.get(f"column-{place}") or None for place in places}

    def _by_column(self) -> dict[str, Any]:
        """What the preview's controls say of single columns, as options."""
        options: dict[str, dict[str, Any]] = {}
        for name, value in self.data.items():
            control, _, place = name.partition("-")
            target = self.data.get(f"column-{place}")
            if target and value and control in (MATCH, MISSING):
                options.setdefault("references", {}).setdefault(target, {})[control] = value
            if not target or not value or control not in _CONTROLS:
                continue
            option, default = _CONTROLS[control]
            if value != default:
                options.setdefault(option, {})[target] = [value] if option == "date_formats" else value
        if "references" in options:
            options["references"] = without_contradictions(options["references"])
        return options

    def _unique(self) -> list[str]:
        """The columns of a new table that the preview offered as unique and somebody ticked."""
        places = [name.removeprefix("unique-") for name in self.data if name.startswith("unique-")]
        return [column for place in places if (column := self.data.get(f"column-{place}"))]

    def _all(self, name: str) -> list[str]:
        """Every value of a field of the page that may stand there several times."""
        return [str(text) for text in self.data.getlist(name)] if isinstance(self.data, QueryDict) else []

    def _offered_words(self) -> list[str]:
        """The words for missing values that the preview offered and somebody ticked."""
        words: list[str] = []
        for text in self._all("null_words"):
            with suppress(ValueError, RecursionError, TypeError):
                words += [word for word in json.loads(text) if isinstance(word, str)]
        return words

    def options(self) -> dict[str, Any]:
        """The options for the service, without those left to detection and defaults."""
        given = self.cleaned_data
        options: dict[str, Any] = {
            name: given[name] for name in ("on_error", "delimiter", "encoding", "sheet") if given.get(name)
        }
        options |= self.mode_options()
        if given.get("has_header"):
            options["has_header"] = given["has_header"] == "yes"
        if self._all("has_units"):
            options["has_units"] = False
        written = given.get("null_values")
        words = [word.strip() for word in written.split(",")] if written else []
        if words := list(dict.fromkeys([*words, *self._offered_words()])):
            options["null_values"] = words
        if rows := [int(text[:_MOST_DIGITS]) for text in self._all("skip_last") if text.isdecimal()]:
            options["skip_last"] = max(rows)
        mapping = self.mapping()
        if mapping:
            options["mapping"] = mapping
        if unique := self._unique():
            options["unique"] = unique
        options |= self._by_column()
        if general := given.get("decimal"):
            # What is said of single columns goes before what is said of all.
            turned = options.get("decimal")
            others = dict.fromkeys(filter(None, mapping.values()), general)
            options["decimal"] = {**others, **turned} if turned else general
        if given.get("trim"):
            options["trim"] = given["trim"] == "yes"
        if "table_name" in self.fields:
            options["create_table"] = True
        return self.with_recipe(options)
