"""Shapes of the API: the trash."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from dataengine.api.serializers import Arguments, ColumnSerializer, ListShape, NameField, TableSerializer
from dataengine.models import TrashItem


class RestoreTrash(Arguments):
    """Under which name something comes back."""

    name = NameField(required=False, help_text="Another name, if the old one is taken")


class TrashItemSerializer(serializers.Serializer[TrashItem]):
    """A deleted table or column.

    ``records`` is about how many records there were. At ``purged_at`` it is deleted for good.
    """

    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=["table", "column"])
    name = serializers.CharField()
    table_name = serializers.CharField(source="table.name")
    records = serializers.IntegerField()
    deleted_at = serializers.DateTimeField()
    deleted_by = serializers.CharField(source="deleted_by.username", default=None, allow_null=True)
    purged_at = serializers.DateTimeField()


class RestoredSerializer(serializers.Serializer[Any]):
    """What was restored; ``notes`` say what of it could not be as it was."""

    kind = serializers.ChoiceField(choices=["table", "column"])
    table = TableSerializer()
    column = ColumnSerializer(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())


class TrashList(ListShape):
    """One page of the trash."""

    results = TrashItemSerializer(many=True)
