"""Shapes of the API: the arguments of operations on imports."""

from __future__ import annotations

from rest_framework import serializers

from dataengine.api.serializers import Arguments, NameField, ObjectField


class StartImport(Arguments):
    """A file, and how to read it."""

    file = serializers.FileField(allow_empty_file=True)
    email = serializers.EmailField(
        required=False, allow_blank=True, max_length=254, help_text="Who is mailed at the end; you, if it is left out"
    )
    options = serializers.CharField(required=False, allow_blank=True, help_text="A JSON object")


class ImportAgain(Arguments):
    """What is to be different the second time."""

    options = ObjectField(help_text='Besides those that the import had: {"types": {"qty": "TEXT"}}')


class UploadCsv(StartImport):
    """The same for the verb endpoint, in which ``table_name`` says which table."""

    table_name = NameField()
