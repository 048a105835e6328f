"""Identifiers of things: UUIDs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from dataengine.columns.types.aspects import EQUALITY, ApiField, Parameters, Recognition
from dataengine.columns.types.base import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

UUID_PATTERN = r"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\})$"  # noqa: E501


class Uuid(ColumnType):
    """A UUID."""

    name, label = "uuid", "UUID"
    word, icon = "UUID", "fingerprint"
    group = "For programs"
    sample = "9f1b4c0e-…"
    sql_names = ("UUID",)
    postgres = "uuid"
    json_forms = (("string", "uuid"),)
    lookups = EQUALITY
    is_searched_as_value = True
    represent = staticmethod(str)
    kernel = "uuid"
    expected = "a UUID"
    recognition = Recognition("pattern", 70, "a UUID", pattern=UUID_PATTERN)
    look = "figures"
    input_attributes = {"placeholder": "00000000-0000-0000-0000-000000000000"}

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.UUIDField(**options)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import UUIDField

        return UUIDField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.binary(16)
