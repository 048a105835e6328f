"""References to records of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from dataengine.columns.identifiers import validate_identifier
from dataengine.columns.types.aspects import EQUALITY, ParameterReader, Parameters
from dataengine.columns.types.numbers import WholeNumber
from dataengine.exceptions import InvalidInput

if TYPE_CHECKING:
    import pyarrow as pa


class Reference(WholeNumber):
    """The id of a record of another table. The constraint is in DDL: record models have no ForeignKey."""

    name, label = "reference", "Reference"
    word, icon = "record", "arrow-up-right"
    group = "Records"
    sample = "a customer"
    sql_names = ("REFERENCES",)
    postgres = "bigint"
    arguments = ("references",)
    details = ("Table", "customers")
    is_reference = True
    constraints = frozenset()
    minimum, maximum = 1, 2**63 - 1
    lookups = EQUALITY
    look = "text"
    chart = "values"
    input_attributes = {}
    lossless = frozenset({"bigint", "numeric"})
    checked = frozenset({"smallint", "integer"})

    def sql_text(self, parameters: Parameters) -> str:
        """``REFERENCES customers``; with double quotes unless the name is a plain word."""
        name = parameters["references"]
        return f"{self.sql_names[0]} {name}" if name.isidentifier() else f'{self.sql_names[0]} "{name}"'

    def sql_text_with(self, details: str) -> str:
        return f'{self.sql_names[0]} "{details}"' if details and '"' not in details else self.sql_names[0]

    def read_parameters(self, reader: ParameterReader) -> dict[str, Any]:
        kind, value = reader.take()
        if kind == "quoted":
            value = value[1:-1].replace('""', '"')
        elif kind != "word":
            raise reader.refuse("REFERENCES needs the name of a table.")
        try:
            validate_identifier(value, what="table")
        except InvalidInput as error:
            raise reader.refuse(f"REFERENCES needs the name of a table. {error.message}") from error
        return {"references": value}

    def holds_all(self, old: Parameters, new: Parameters) -> bool:
        return True  # whether there is such a record in another table is for its constraint to say

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {"type": "integer"}

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.BigIntegerField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.int64()
