"""Shapes of the API: rejected rows, and what is done with them."""

from __future__ import annotations

from rest_framework import serializers

from dataengine.api.serializers import Arguments, ListShape, NameField, ObjectField, PageQuery
from dataengine.columns.api_fields import WholeNumberField
from dataengine.models.shapes import RowError
from dataengine.services.rejected_rows import Fixed, RowData


class RowErrorShape(serializers.Serializer[RowError]):
    """One error of a row; ``column`` is ``*`` for errors of the whole row."""

    column = serializers.CharField()
    code = serializers.CharField()
    message = serializers.CharField()


class RejectedRowShape(serializers.Serializer[RowData]):
    """A rejected row: its physical line, its raw text, its cells, every error in it."""

    line = serializers.IntegerField()
    raw = serializers.CharField(help_text="As in the file")
    cells = serializers.DictField(
        child=serializers.CharField(allow_null=True),
        help_text="By column, with what was written into them since; null: empty, or the text is no row",
    )
    mended = serializers.BooleanField(help_text="Whether anybody has written into its cells")
    errors = RowErrorShape(many=True, help_text="None once it is good: it waits to be tried again")  # type: ignore[assignment]
    version = serializers.IntegerField(help_text="For `version` or If-Match: it changes whenever the row does")


class RejectedQuery(PageQuery):
    """Which rejected rows."""

    limit = WholeNumberField(min_value=1, max_value=10_000, default=1_000)
    column = NameField(required=False, default="", help_text="Only rows with an error in this column (`*`: as a whole)")
    code = serializers.CharField(required=False, default="", help_text="Only rows with such an error")
    ready = serializers.BooleanField(
        required=False, allow_null=True, default=None, help_text="`true`: only rows without errors, `false`: the others"
    )


class RejectedList(ListShape):
    """A page of rejected rows."""

    results = RejectedRowShape(many=True)


class MendRow(Arguments):
    """What is written into a row."""

    cells = ObjectField(help_text='By column, as texts: {"qty": "12"}; null or an empty text: no value')
    version = serializers.IntegerField(
        required=False, min_value=0, max_value=2**31 - 1,
        help_text="Of the row that was seen (or If-Match): 409 if somebody has changed it since",
    )  # fmt: skip


class FixRows(Arguments):
    """One fix for a column's cell in all rows that have an error there."""

    column = NameField()
    code = serializers.CharField(max_length=60)
    fix = ObjectField(
        help_text=(
            "`kind` and what it takes: `trim` · `null` · `default` (`value`, else the column's default) · `decimal` "
            "(`decimal`: the mark in the cells, by default `,`; `thousands`) · `date_format` (`format`, such as "
            "`%d.%m.%Y`) · `replace` (`find`, `replace`) · `map` (`map`: {cell: what it is to be, or null}). With the "
            "column `*`: `pad` (`too_few_fields`) · `drop_empty` · `join` (`too_many_fields`)"
        )
    )


class RetryRows(Arguments):
    """Which rejected rows are tried again."""

    lines = serializers.ListField(
        child=WholeNumberField(min_value=1, max_value=2**63 - 1), required=False, allow_empty=False, max_length=10_000,
        help_text="Only the rows of these lines; without it, all",
    )  # fmt: skip


class FixedShape(serializers.Serializer[Fixed]):
    """What a fix did."""

    changed = serializers.IntegerField(help_text="Rows whose cell is another now")
    now_good = serializers.IntegerField(help_text="Of these, rows without an error")
    left = serializers.IntegerField(help_text="Rows beyond those that are fixed at a time (50,000): ask again")
