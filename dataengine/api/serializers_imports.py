"""Shapes of the API: the arguments of operations on imports."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from dataengine.api.serializers import Arguments, ListShape, NameField, ObjectField, PageQuery
from dataengine.models import ImportJob
from dataengine.queries.import_changes import KINDS, Change
from dataengine.services.imports import pasted_file


class OptionsField(ObjectField):
    """Options as an object, or as text in a form; the service checks their content."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            return super().to_internal_value(data)
        try:
            options = json.loads(data) if data.strip() else {}
        except (ValueError, RecursionError) as error:
            raise serializers.ValidationError("Give a JSON object.") from error
        return super().to_internal_value(options)


class StartImport(Arguments):
    """A file, and how to read it."""

    file = serializers.FileField(
        required=False,
        allow_empty_file=True,
        error_messages={"invalid": "Send a file, with its name, as multipart/form-data; rows alone go into “text”."},
    )
    text = serializers.CharField(
        required=False, trim_whitespace=False, help_text="In place of a file: the rows themselves, as CSV, TSV or JSON"
    )
    url = serializers.CharField(
        required=False, help_text="In place of a file: where it is fetched from, https://… or s3://…"
    )
    email = serializers.EmailField(
        required=False, allow_blank=True, max_length=254, help_text="Who is mailed at the end; you, if it is left out"
    )
    options = OptionsField(required=False, help_text="In a form a JSON object as text")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("file", "text", "url") if name in attrs]
        if not given:
            raise serializers.ValidationError({"file": "Send a file."})
        if len(given) > 1:
            raise serializers.ValidationError({given[-1]: "Send a file, a text or a URL, one of them."})
        if "text" in attrs:
            attrs["file"] = pasted_file(attrs.pop("text"))
        return attrs


class ImportAgain(Arguments):
    """What is to be different the second time."""

    options = ObjectField(help_text='Besides those that the import had: {"types": {"qty": "TEXT"}}')


class ImportsQuery(PageQuery):
    """Which imports: all, or those in one state."""

    state = serializers.ChoiceField(choices=ImportJob.State.choices, default="", allow_blank=True)


class ChangesQuery(PageQuery):
    """Which changes of records: all kinds, or one."""

    kind = serializers.ChoiceField(choices=KINDS, default="", allow_blank=True)


class ImportChange(serializers.Serializer[Change]):
    """What an import did to one record. A changed one has only the columns of the file."""

    id = serializers.IntegerField(allow_null=True, help_text="Null in a dry run, which makes no records")
    kind = serializers.ChoiceField(choices=KINDS)
    line = serializers.IntegerField(allow_null=True, help_text="Of the file; null if no line of it says so")
    before = ObjectField(allow_null=True, help_text="Null of a new record")
    after = ObjectField(allow_null=True, help_text="Null of a removed record")


class ImportChanges(ListShape):
    """A page of them."""

    results = ImportChange(many=True)


class Receipt(serializers.Serializer[Any]):
    """What was imported, how, by whom and when."""

    id = serializers.IntegerField()
    table_name = serializers.CharField()
    state = serializers.CharField()
    filename = serializers.CharField()
    source_url = serializers.CharField(allow_null=True)
    bytes = serializers.IntegerField()
    sha256 = serializers.CharField()
    dialect = ObjectField()
    mapping = ObjectField()
    types = ObjectField()
    null_values = serializers.ListField(child=serializers.CharField())
    options = ObjectField()
    counts = ObjectField()
    errors = serializers.ListField(child=ObjectField())  # type: ignore[assignment]
    error = serializers.CharField(allow_null=True)
    user = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    undone_at = serializers.DateTimeField(allow_null=True)
    undone_by = serializers.CharField(allow_null=True)


class UploadCsv(StartImport):
    """The same for the verb endpoint, in which ``table_name`` says which table."""

    table_name = NameField()
