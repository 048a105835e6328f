"""JSON. PostgreSQL stores both kinds as ``jsonb``, which is faster to compare and read."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models

from dataengine.columns.exact_numbers import ExactEncoder, ExactFloat, exact_json, exact_json_as_written
from dataengine.columns.fields import JSONDecoder
from dataengine.columns.json_texts import SURE_BYTES, SURE_DOCUMENTS, fault_of
from dataengine.columns.schema_faults import Fault
from dataengine.columns.types.aspects import DOCUMENTS, ApiField, Parameters, Recognition, Represent
from dataengine.columns.types.base import ColumnType
from dataengine.columns.value_schemas import value_schema

if TYPE_CHECKING:
    import pyarrow as pa

DOCUMENT_PATTERN = r"^[\[{](?s:.*)[\]}]$"
"""What objects and arrays look like from afar."""


class Json(ColumnType):
    """JSON of any shape."""

    name, label = "json", "JSON"
    word, icon = "JSON", "braces"
    group = "For programs"
    sample = '{"a": [1, 2]}'
    sql_names = ("JSON",)
    postgres = "jsonb"
    can_be_unique = False
    can_be_sorted = False
    constraints = DOCUMENTS
    lookups = ("isnull",)
    kernel = "json"
    expected = "JSON"
    equality = "documents"
    look = "json"
    holds_lines = True
    sheet_text = staticmethod(exact_json_as_written)
    cell_text = sheet_text
    lossless = frozenset({"jsonb"})
    checked = frozenset({"texts", "choices"})

    @property
    def noun(self) -> str:
        return "JSON"

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {}  # anything is JSON

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.JSONField(encoder=ExactEncoder, decoder=JSONDecoder, **options)

    def faults_within(self, value: Any, constraints: Parameters) -> Sequence[Fault]:
        schema = constraints.get("json_schema")
        return () if schema is None else value_schema(schema).faults(value)

    def default_value(self, field: models.Field[Any, Any], literal: str) -> Any:
        json.loads(literal)
        return partial(json.loads, literal)  # fresh each time: JSON values can be changed in place

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return str(value)

    def to_text(self) -> Represent | None:
        return exact_json

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from rest_framework.serializers import JSONField

        return JSONField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.string()

    def copy_encoder(self, field: pa.Field) -> Any | None:
        from pgpq import encoders, schema

        return encoders.StringEncoderBuilder.new_with_output(field, schema.Jsonb())

    @staticmethod
    def editor_text(value: Any) -> str:
        match value:
            case dict() | list():
                return exact_json_as_written(value, indent=2)
            case bool():
                return "true" if value else "false"
            case float():
                return repr(value)
            case _:
                return str(value)

    def from_editor(self, text: str) -> Any:
        try:
            return json.loads(text, parse_float=_number, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            where = f", line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
            raise ValidationError(f"This is not valid JSON{where}. Put texts in double quotes.") from error

    def may_be_long(self, parameters: Parameters) -> bool:
        return True


class Jsonb(Json):
    """JSON under PostgreSQL's name."""

    name, label = "jsonb", "JSON (binary)"
    word, icon = "JSON", "braces"
    sql_names = ("JSONB",)
    json_forms = (("object", None), ("array", None))
    lossless = frozenset({"json"})
    recognition = Recognition(
        "cells", 70, "a JSON object or array", pattern=DOCUMENT_PATTERN, sure=SURE_DOCUMENTS, sure_bytes=SURE_BYTES
    )

    def is_recognised(self, text: str) -> bool:
        return not fault_of(text)


def _number(text: str) -> float:
    number = ExactFloat(text)
    return number if math.isfinite(number) else float(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
