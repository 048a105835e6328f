"""Shapes of groups of records."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.api.serializers import MATCH_HELP
from dataengine.columns.api_fields import WholeNumberField
from dataengine.queries.groups import LAST_PAGE


class GroupQuery(serializers.Serializer[Any]):
    """The parameters of a list of groups. Every other parameter is a filter, as in lists of records."""

    group = serializers.CharField(max_length=100, help_text="The column by whose values records are grouped")
    page = WholeNumberField(min_value=1, max_value=LAST_PAGE, default=1)
    order_by = serializers.CharField(
        default="", allow_blank=True, max_length=2_000, help_text="`-` and the column: the largest values come first"
    )
    order_direction = serializers.CharField(default="", allow_blank=True, max_length=10, help_text="ASC or DESC")
    search = serializers.CharField(default="", allow_blank=True, trim_whitespace=False)
    match = serializers.ChoiceField(choices=["all", "any"], default="all", help_text=MATCH_HELP)


class Group(serializers.Serializer[Any]):
    """The records with one value."""

    value = serializers.JSONField(allow_null=True, help_text="As in records; null: those without a value")
    label = serializers.CharField(  # type: ignore[assignment]  # a field of this name, not the serializer's own
        allow_null=True, help_text="Of a reference: what the record is called, if you may see it"
    )
    count = serializers.IntegerField()
    count_exact = serializers.BooleanField()
    records_url = serializers.URLField(allow_null=True, help_text="Its records; null where any filter is enough")


class GroupList(serializers.Serializer[Any]):
    """A page of groups, of a hundred at most."""

    table_name = serializers.CharField()
    group = serializers.CharField()
    page = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)
    results = Group(many=True)
