"""Whole numbers, decimal numbers and floating point."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models.functions import Cast

from dataengine.columns import values
from dataengine.columns.fields import RealField
from dataengine.columns.types.aspects import (
    LIMITS,
    ApiField,
    Chart,
    Finite,
    Look,
    ParameterReader,
    Parameters,
    Recognition,
)
from dataengine.columns.types.base import ColumnType

if TYPE_CHECKING:
    import pyarrow as pa

MAX_PRECISION = 1000
ARROW_DIGITS = 38
"""The number of digits that Arrow's decimals can hold."""

# No leading zeros (they are codes) and no plus (telephone numbers): such columns stay text.
DECIMAL = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)$"
# 1E05 is a code; 1e-05 is what programs write among numbers with a point.
FLOAT = (
    r"^-?(?:(?:0|[1-9][0-9]*)(?:[eE][+-][0-9]{1,3})?"
    r"|(?:(?:0|[1-9][0-9]*)?\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)$"
)
INTEGER = r"^-?(?:0|[1-9][0-9]*)$"


class Number(ColumnType):
    """What all numbers share."""

    group = "Number"
    constraints = LIMITS
    look: ClassVar[Look] = "number"
    is_searched_as_value = True
    chart: ClassVar[Chart] = "numbers"
    finite: ClassVar[Finite] = "numbers"
    input_attributes = {"inputmode": "decimal"}


class WholeNumber(Number):
    """What whole numbers of all sizes share."""

    kernel = "integer"
    expected = "a whole number"
    chart: ClassVar[Chart] = "whole numbers"
    finite = "values"
    input_attributes = {"inputmode": "numeric"}
    minimum: ClassVar[int]
    maximum: ClassVar[int]

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return values.parse_integer(value)

    def parse_searched(self, field: models.Field[Any, Any], text: str) -> Any:
        number = self.parse_value(field, text)
        return values.parse_integer(number, range(self.minimum, self.maximum + 1))

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import WholeNumberField

        return WholeNumberField(**options)

    def sure_test(self, parameters: Parameters) -> Callable[[Any], bool] | None:
        low, high = self.minimum, self.maximum
        return lambda value: type(value) is int and low <= value <= high


class SmallInteger(WholeNumber):
    """Two bytes."""

    name, label = "smallint", "Small integer"
    word, icon = "integer", "hash"
    sample = "12, up to 32,767"
    sql_names = ("SMALLINT", "INT2")
    postgres = "smallint"
    minimum, maximum = -(2**15), 2**15 - 1
    lossless = frozenset({"integer", "bigint", "numeric", "real", "double"})
    checked = frozenset({"boolean", "reference"})

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.SmallIntegerField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.int16()


class Integer(WholeNumber):
    """Four bytes."""

    name, label = "integer", "Integer"
    word, icon = "integer", "hash"
    sample = "1,234"
    sql_names = ("INTEGER", "INT", "INT4")
    postgres = "integer"
    json_forms = (("integer", "int32"), ("number", "int32"))
    minimum, maximum = -(2**31), 2**31 - 1
    recognition = Recognition("integers", 10, "a whole number", pattern=INTEGER)
    lossless = frozenset({"bigint", "numeric", "double"})
    checked = frozenset({"smallint", "real", "boolean", "reference"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.IntegerField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.int32()


class BigInteger(WholeNumber):
    """Eight bytes."""

    name, label = "bigint", "Big integer"
    word, icon = "integer", "hash"
    sample = "9,000,000,000"
    sql_names = ("BIGINT", "INT8")
    postgres = "bigint"
    json_forms = (("integer", None), ("integer", "int64"), ("number", "int64"))
    minimum, maximum = -(2**63), 2**63 - 1
    recognition = Recognition("integers", 11, "a whole number", pattern=INTEGER)
    lossless = frozenset({"numeric"})
    checked = frozenset({"smallint", "integer", "real", "double", "boolean", "reference"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.BigIntegerField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.int64()


class Numeric(Number):
    """Exact decimals: up to a precision or, without one, as many decimals as each value has."""

    name, label = "numeric", "Decimal number"
    word, icon = "decimal", "decimal"
    sample = "12.50"
    sql_names = ("NUMERIC", "DECIMAL")
    postgres = "numeric"
    arguments = ("precision", "scale")
    details = ("Digits, decimals", "12, 2")
    json_forms = (("number", None),)
    kernel = "numeric"
    expected = "a decimal number"
    equality = "decimals"
    recognition = Recognition("decimals", 20, "a decimal number", pattern=DECIMAL)
    json_sql = "{}::text"
    checked = frozenset({"smallint", "integer", "bigint", "real", "double"})

    def checked_sizes(self, sizes: dict[str, int], reader: ParameterReader) -> dict[str, int]:
        if not 1 <= sizes["precision"] <= MAX_PRECISION:
            raise reader.refuse(f"The precision must be between 1 and {MAX_PRECISION}.")
        if not 0 <= sizes.setdefault("scale", 0) <= sizes["precision"]:
            raise reader.refuse("The scale cannot be greater than the precision.")
        return sizes

    def postgres_type(self, parameters: Parameters) -> str:
        precision, scale = parameters.get("precision"), parameters.get("scale")
        return f"numeric({int(precision)},{int(scale or 0)})" if precision else "numeric"

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        precision, scale = parameters.get("precision"), parameters.get("scale")
        return models.DecimalField(max_digits=precision, decimal_places=scale, **options)

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        # Shown as text, so that no digit is lost on the way; taken as either.
        return {"type": ["number", "string"]}

    def limit(self, value: Any) -> Any:
        # As PostgreSQL sees it: the decimal 0.1 is not below the limit 0.1, whose nearest float is a little above it.
        return Decimal(str(value))

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return values.parse_decimal(value)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import DecimalField

        return DecimalField(**{"max_digits": None, "decimal_places": None} | options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        """Decimal128, or, for types that do not fit into it, binary in PostgreSQL's own format."""
        import pyarrow as pa

        precision = parameters.get("precision")
        if precision is not None and precision <= ARROW_DIGITS:
            return pa.decimal128(precision, parameters.get("scale") or 0)
        return pa.binary()

    def holds_all(self, old: Parameters, new: Parameters) -> bool:
        before, after = old.get("precision"), new.get("precision")
        if not before or not after:
            return not after
        decimals, kept = old.get("scale") or 0, new.get("scale") or 0
        return bool(decimals <= kept and before - decimals <= after - kept)

    def is_stored_alike(self, old: Parameters, new: Parameters) -> bool:
        same_scale = (old.get("scale") or 0) == (new.get("scale") or 0)
        return self.holds_all(old, new) and (not new.get("precision") or same_scale)

    def limits_need_postgres(self, parameters: Parameters) -> bool:
        precision = parameters.get("precision")
        return not precision or precision > ARROW_DIGITS

    def may_be_long(self, parameters: Parameters) -> bool:
        # Without a precision it has up to 147,455 digits.
        return "precision" not in parameters

    @staticmethod
    def represent(value: Decimal) -> str:
        return format(value, "f")

    cell_text = represent
    editor_text = represent


class Float(Number):
    """What the two sizes of floating point share."""

    kernel = "float"
    expected = "a number"
    equality = "floats"
    represent = staticmethod(values.json_float)
    editor_text = staticmethod(repr)
    is_real = False

    def json_schema(self, parameters: Parameters) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, {"enum": ["NaN", "Infinity", "-Infinity"]}]}  # as JSON has it

    def parse(self, field: models.Field[Any, Any], value: object) -> Any:
        return values.parse_float(value, real=self.is_real)

    def api_field(self, field: models.Field[Any, Any], options: dict[str, Any]) -> ApiField:
        from dataengine.columns.api_fields import FloatField

        return FloatField(real=self.is_real, **options)


class Real(Float):
    """32 bits."""

    name, label = "real", "Real (32 bit)"
    word, icon = "real", "math-function"
    sample = "0.1234567"
    sql_names = ("REAL", "FLOAT4")
    postgres = "real"
    json_forms = (("number", "float"), ("integer", "float"))
    is_real = True
    cell_text = staticmethod("{:.9g}".format)
    lossless = frozenset({"double"})
    checked = frozenset({"smallint", "integer", "bigint", "numeric"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return RealField(**options)

    def comparable(self, field: models.Field[Any, Any], value: Any) -> Any:
        return Cast(models.Value(value, models.FloatField()), RealField())

    def operand(self, field: models.Field[Any, Any], value: Any) -> Any:
        return self.comparable(field, value)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.float32()


class Double(Float):
    """64 bits."""

    name, label = "double", "Real (64 bit)"
    word, icon = "real", "math-function"
    sample = "6.02e23"
    sql_names = ("DOUBLE PRECISION", "FLOAT", "FLOAT8", "DOUBLE")
    postgres = "double precision"
    json_forms = (("number", "double"), ("integer", "double"))
    cell_text = staticmethod(repr)
    recognition = Recognition("floats", 30, "a number", pattern=FLOAT)
    checked = frozenset({"smallint", "integer", "bigint", "numeric", "real"})

    def make_field(self, parameters: Parameters, **options: Any) -> models.Field[Any, Any]:
        return models.FloatField(**options)

    def arrow_type(self, parameters: Parameters) -> pa.DataType:
        import pyarrow as pa

        return pa.float64()
