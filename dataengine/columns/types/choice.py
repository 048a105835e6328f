"""One of several texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import models

from dataengine.columns.types.aspects import EQUALITY, ApiField, ParameterReader, Parameters
from dataengine.columns.types.base import ColumnType
from dataengine.columns.types.text import TextType


class Offering(ColumnType):
    """What types share whose columns offer texts to choose from."""

    group = "Text"
    arguments = ("choices",)
    details = ("Choices", "red, green, blue")

    def sql_text(self, parameters: Parameters) -> str:
        """``CHOICE('a','b')``."""
        quoted = ",".join("'" + choice.replace("'", "''") + "'" for choice in parameters["choices"])
        return f"{self.sql_names[0]}({quoted})"

    def sql_text_with(self, details: str) -> str:
        choices = [part.strip().strip("'") for part in details.split(",") if part.strip()]
        return self.sql_text({"choices": choices}) if choices else self.sql_names[0]

    def read_parameters(self, reader: ParameterReader) -> dict[str, Any]:
        name = self.sql_names[0]
        if not reader.has_list():
            raise reader.refuse(f"{name} needs its values: {name}('a','b').")
        values = reader.listed()
        if any(kind != "string" for kind, _ in values):
            raise reader.refuse(f"Put the values of {name} in single quotes: {name}('a','b').")
        choices = [value[1:-1].replace("''", "'") for _, value in values]
        if len(set(choices)) != len(choices):
            raise reader.refuse("A choice is listed twice.")
        if not all(choice and choice.isprintable() for choice in choices):
            raise reader.refuse("A choice cannot be empty or contain control characters.")
        return {"choices": choices}

    def choices(self, parameters: Parameters) -> Sequence[str] | None:
        offered: Sequence[str] = parameters["choices"]
        return offered

    def holds_all(self, old: Parameters, new: Parameters) -> bool:
        return set(old["choices"]) <= set(new["choices"])


class Choice(Offering, TextType):
    """One of the texts that the column offers, letter for letter."""

    name, label = "choice", "Choice"
    word, icon = "choice", "selector"
    sample = "red, green or blue"
    sql_names = ("CHOICE",)
    can_name_records = False
    constraints = frozenset()
    json_forms = (("enum", None),)
    lookups = EQUALITY
    kernel = "choice"
    has_few_values = True

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {"enum": list(parameters["choices"])}

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.TextField(choices=[(choice, choice) for choice in parameters["choices"]], **options)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from rest_framework.serializers import ChoiceField

        options.pop("allow_blank", None)
        return ChoiceField(**options)

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        offered = frozenset(parameters["choices"])
        return lambda value: type(value) is str and value in offered
