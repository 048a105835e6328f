"""Shapes of the API about changing columns: arguments and answers."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.api.fields import UniqueField
from dataengine.api.serializers import (
    DISPLAY,
    Arguments,
    ColumnArguments,
    ColumnSerializer,
    NameField,
    ObjectField,
    description_field,
)
from dataengine.columns.api_fields import WholeNumberField
from dataengine.columns.identifiers import MAX_COLUMNS


class RehearseColumn(Arguments):
    """What may be changed of a column, to see what it would do."""

    fixed = frozenset({"type", "index_state", "index_reason", "unique_ignores_case"})

    column_name = NameField(required=False)
    # Fields of these names are not the serializer's own attributes, which the stubs take them for.
    label = serializers.CharField(required=False, allow_blank=True, max_length=200)  # type: ignore[assignment]
    description = description_field()
    position = WholeNumberField(
        required=False, min_value=0, max_value=MAX_COLUMNS, help_text="Its place among the columns, from 0"
    )
    unique = UniqueField(required=False)
    required = serializers.BooleanField(required=False)  # type: ignore[assignment]
    default = serializers.JSONField(required=False, allow_null=True)
    display = ObjectField(required=False, allow_null=True, help_text=DISPLAY)
    column_type = serializers.CharField(
        required=False, max_length=20_000, help_text="SQL-style; UNIQUE, NOT NULL and DEFAULT in it are changes as well"
    )
    constraints = ObjectField(required=False, help_text='All of them, for example {"minimum": 0}')
    choices = serializers.ListField(
        child=serializers.CharField(trim_whitespace=False, allow_blank=True, max_length=20_000),
        required=False,
        allow_empty=False,
        max_length=10_000,
        help_text="Of CHOICE and CHOICES: all that are offered",
    )
    on_failure = serializers.ChoiceField(
        choices=["stop", "null", "default", "keep"],
        required=False,
        help_text="What becomes of values that do not fit: `keep` puts them into a new text column <name>_before",
    )


class ChangeColumn(RehearseColumn):
    """The same, to be done."""

    indexed = serializers.BooleanField(required=False, help_text="Build or drop an index in the background")
    plan = serializers.CharField(required=False, max_length=2_000_000, help_text="Of a rehearsal: do exactly that")


class UpdateColumn(ColumnArguments, ChangeColumn):
    """The same for the verb endpoint, in which ``column_name`` says which column."""

    new_name = NameField(required=False)


class ChangedColumn(ColumnSerializer):
    """A column after a change."""

    undo = serializers.URLField(required=False, help_text="POST here takes the change back")


class ExampleSerializer(serializers.Serializer[Any]):
    """A value that fails."""

    id = serializers.IntegerField(help_text="Of the record")
    value = serializers.CharField(allow_null=True, help_text="As text")
    same_as = serializers.IntegerField(required=False, help_text="The record that has the value first")


class CauseSerializer(serializers.Serializer[Any]):
    """Values that fail for one reason."""

    code = serializers.CharField()
    message = serializers.CharField()
    count = serializers.IntegerField()
    examples = ExampleSerializer(many=True)


class RehearsalSerializer(serializers.Serializer[Any]):
    """What a change of a column would do to its values."""

    plan = serializers.CharField(help_text="To be sent with PATCH, once, within ten minutes")
    expires_at = serializers.DateTimeField()
    records = serializers.IntegerField()
    converted = serializers.IntegerField(help_text="Values that become another, or one of another type")
    unchanged = serializers.IntegerField(help_text="Values that say the same afterwards, missing ones included")
    failing = serializers.IntegerField()
    causes = CauseSerializer(many=True)
    rewrites_table = serializers.BooleanField()
    seconds_blocked = serializers.FloatField(help_text="About how long others would wait to write")
    notes = serializers.ListField(child=serializers.CharField())
