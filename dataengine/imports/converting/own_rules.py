"""What a column demands of its values beyond their type: that there is one, lengths, limits. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns.limits import limit_in_words
from dataengine.columns.types.aspects import INDEXABLE_BYTES
from dataengine.columns.value_schemas import value_schema

from . import kernels as k
from .kernels import Converted, Problem, Target
from .shapes import Mask


def own_rules(converted: Converted, target: Target) -> list[Problem]:
    """Required, length and limits: what the column demands beyond its type."""
    values = converted.values
    problems: list[Problem] = []
    if target.required and values.null_count:
        missing = ~k.present(values)
        for problem in converted.problems:
            missing[problem.rows] = False
        problems += k.fault(missing, "missing_value", "expected a value, found nothing")
    if target.unique and (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        too_long = k.mask_of(pc.greater(pc.binary_length(values), INDEXABLE_BYTES))
        expected = f"at most {INDEXABLE_BYTES:,} bytes, since the column is unique"
        problems += k.fault(too_long, "value_too_long", expected)
    length = target.parameters.get("length")
    limits = target.constraints
    if target.kind.is_text and (length or "maxLength" in limits or "minLength" in limits):
        sizes = pc.utf8_length(values)
        if length:
            problems += k.fault(k.mask_of(pc.greater(sizes, length)), "value_too_long", f"at most {length} characters")
        if "maxLength" in limits:
            most = limits["maxLength"]
            problems += k.fault(k.mask_of(pc.greater(sizes, most)), "constraint_failed", f"at most {most} characters")
        if "minLength" in limits:
            least = limits["minLength"]
            problems += k.fault(k.mask_of(pc.less(sizes, least)), "constraint_failed", f"at least {least} characters")
    for name, compare in _LIMITS.items():
        if name in limits and name in target.kind.constraints:
            mask = _beyond(values, target, limits[name], compare)
            problems += k.fault(mask, "constraint_failed", limit_in_words(target.kind, name, limits[name]))
    if "json_schema" in limits:
        problems += _unlike_schema(values, limits["json_schema"])
    return problems


_MOST_FAULTS = 5
"""A message names at most so many faults of one value."""


def _unlike_schema(values: pa.Array, schema: Mapping[str, Any]) -> list[Problem]:
    """Where JSON values do not meet the column's schema, with the places in each that do not."""
    rule = value_schema(schema)
    encoded = values.dictionary_encode()  # what repeats is looked at once
    broken = np.array([not rule.allows(text) for text in encoded.dictionary.to_pylist()], dtype=np.bool_)
    if not broken.any():
        return []
    mask = k.mask_of(pa.array(broken).take(encoded.indices))

    def places(cell: str) -> str:
        faults = rule.faults_in(cell.strip(k.SPACES))
        more = ["And more."] if len(faults) > _MOST_FAULTS else []
        return " ".join([*map(str, faults[:_MOST_FAULTS]), *more])

    return k.fault(mask, "constraint_failed", "JSON that meets the column's schema", places)


_LIMITS = {"minimum": "lt", "maximum": "gt", "exclusiveMinimum": "le", "exclusiveMaximum": "ge"}
_COMPARE: dict[str, Any] = {"lt": pc.less, "gt": pc.greater, "le": pc.less_equal, "ge": pc.greater_equal}
_PYTHON: dict[str, Any] = {
    "lt": lambda a, b: a < b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "ge": lambda a, b: a >= b,
}


def _beyond(values: pa.Array, target: Target, limit: Any, compare: str) -> Mask:
    """Where values break a limit, compared exactly: floats as float8, other numbers as decimals."""
    if isinstance(limit, str):
        bound = pa.scalar(target.kind.limit(limit), values.type)
        return k.mask_of(_COMPARE[compare](values, bound))
    if pa.types.is_floating(values.type):
        return k.mask_of(_COMPARE[compare](pc.cast(values, pa.float64()), float(limit)))
    number = Decimal(str(limit))
    if pa.types.is_integer(values.type) and number == number.to_integral_value() and abs(number) < 2**63:
        return k.mask_of(_COMPARE[compare](pc.cast(values, pa.int64()), int(number)))
    if target.kind.limits_need_postgres(target.parameters):
        return np.zeros(len(values), dtype=np.bool_)  # the loader asks PostgreSQL
    pairs = (value is not None and _PYTHON[compare](Decimal(value), number) for value in values.to_pylist())
    return np.fromiter(pairs, dtype=np.bool_, count=len(values))
