"""Fields of the API's arguments that the framework does not have."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from dataengine.columns.types import EXACT, IGNORE_CASE


@extend_schema_field({"oneOf": [{"type": "boolean"}, {"type": "string", "enum": [IGNORE_CASE, EXACT]}]})
class UniqueField(serializers.BooleanField):
    """How a column is unique (``types.Unique``)."""

    default_error_messages = {"invalid": f"Give true, false, “{IGNORE_CASE}” or “{EXACT}”."}

    def __init__(self, **options: Any) -> None:
        described = (
            "`true`: no value twice, for e-mail addresses whatever the case; "
            f"`{IGNORE_CASE}`: no text twice, whatever the case; `{EXACT}`: letter for letter"
        )
        super().__init__(**{"help_text": described, **options})

    def to_internal_value(self, data: Any) -> Any:
        return data if data in (IGNORE_CASE, EXACT) else super().to_internal_value(data)


class SwitchField(serializers.BooleanField):
    """True or false, and no text for either."""

    TRUE_VALUES = {True}
    FALSE_VALUES = {False}
