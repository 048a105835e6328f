"""Arrow's values as CSV cells, column by column, and Arrow's types as those of tables. Pure; loads pyarrow."""

from __future__ import annotations

import json
import math
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from .sheet_cells import span_text

_QUOTE, _NOTHING, _COMMA = (pa.scalar(text, pa.large_string()) for text in ('"', "", ","))


def sql_type(kind: pa.DataType) -> str | None:
    """The column type of a new table, or None where there is none."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        named = {"arrow.uuid": "UUID", "arrow.json": "JSONB"}
        return named.get(kind.extension_name) or sql_type(kind.storage_type)
    if types.is_dictionary(kind):
        return sql_type(kind.value_type)
    if types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{kind.scale})" if 0 <= kind.scale <= kind.precision else "NUMERIC"
    if types.is_timestamp(kind):
        return "TIMESTAMPTZ" if kind.tz else "TIMESTAMP"
    if is_nested(kind):
        return None if any(sql_type(part) is None for part in _parts(kind)) else "JSONB"
    for holds, said in (
        (types.is_boolean, "BOOLEAN"),
        (types.is_date, "DATE"),
        (types.is_time, "TIME"),
        (types.is_duration, "DURATION"),
        (types.is_uint64, "NUMERIC"),
        (types.is_int64, "BIGINT"),
        (types.is_uint32, "BIGINT"),
        (types.is_int32, "INTEGER"),
        (types.is_uint16, "INTEGER"),
        (types.is_integer, "SMALLINT"),
        (types.is_float64, "DOUBLE PRECISION"),
        (types.is_floating, "REAL"),
        (types.is_string, "TEXT"),
        (types.is_large_string, "TEXT"),
        (types.is_string_view, "TEXT"),
        (types.is_null, "TEXT"),
    ):
        if holds(kind):
            return said
    return None


def _parts(kind: pa.DataType) -> list[pa.DataType]:
    """What a nested type is made of."""
    if pa.types.is_map(kind):
        return [kind.key_type, kind.item_type]
    if pa.types.is_struct(kind):
        return [field.type for field in kind]
    return [kind.value_type] if hasattr(kind, "value_type") else [pa.binary()]  # unions have no text


def is_nested(kind: pa.DataType) -> bool:
    return bool(pa.types.is_nested(kind)) and not pa.types.is_dictionary(kind)


def quoted_names(names: Iterable[str]) -> bytes:
    """The line of names."""
    return (",".join('"' + name.replace('"', '""') + '"' for name in names) + "\n").encode("utf-8", "surrogatepass")


def lines_of(columns: Sequence[pa.Array], null: str, limit: int) -> Iterator[bytes]:
    """The rows of some columns as lines, in pieces of at most about ``limit`` bytes; ``null`` for rows of nothing."""
    count = len(columns[0])
    if count > 1 and sum(map(_text_bytes, columns)) > limit:
        half = count // 2
        yield from lines_of([column[:half] for column in columns], null, limit)
        yield from lines_of([column[half:] for column in columns], null, limit)
        return
    cells = [_cells(column) for column in columns]
    is_empty = pa.array([True] * count)
    for column in cells:
        is_empty = pc.and_(is_empty, pc.is_null(column))
    if pc.any(is_empty).as_py():
        cells[0] = pc.if_else(is_empty, pa.scalar(null, pa.large_string()), cells[0])
    filled = [pc.fill_null(column, _NOTHING) for column in cells]
    rows = pc.binary_join_element_wise(*filled, _COMMA) if len(filled) > 1 else filled[0]
    yield b"\n".join([*rows.cast(pa.large_binary()).to_pylist(), b""])


def _text_bytes(column: pa.Array) -> int:
    """How many bytes the texts of a column take once each is written out."""
    if pa.types.is_dictionary(column.type):
        lengths = pc.binary_length(column.dictionary) if is_text(column.type.value_type) else None
        return 0 if lengths is None else pc.sum(pc.take(lengths.cast(pa.int64()), column.indices)).as_py() or 0
    if is_text(column.type):
        return pc.sum(pc.binary_length(column).cast(pa.int64())).as_py() or 0
    return 0


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _cells(column: pa.Array) -> pa.Array:
    """CSV cells as large strings, null where there is nothing."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        if kind.extension_name == "arrow.uuid":
            texts = [None if value is None else str(uuid.UUID(bytes=value)) for value in column.storage.to_pylist()]
            return pa.array(texts, pa.large_string())
        return _cells(column.storage)
    if pa.types.is_dictionary(kind):
        return _cells(column.dictionary_decode())
    if is_nested(kind):
        listed = [None if value is None else _json(value, kind) for value in column.to_pylist()]
        return _quoted(pa.array(listed, pa.large_string()))
    if is_text(kind) or pa.types.is_string_view(kind):
        return _quoted(column.cast(pa.large_string()))
    if pa.types.is_null(kind):
        return column.cast(pa.large_string())
    if pa.types.is_float16(kind):
        column = column.cast(pa.float32())
    if pa.types.is_date64(kind):
        column = column.cast(pa.date32())
    if pa.types.is_timestamp(kind):
        column = _shortest(column, lambda unit: pa.timestamp(unit, "UTC" if kind.tz else None))
    if pa.types.is_time(kind):
        column = _shortest(column, lambda unit: pa.time64(unit) if unit in ("us", "ns") else pa.time32(unit))
    if pa.types.is_duration(kind):
        listed = [None if value is None else _length(value, kind.unit) for value in column.cast(pa.int64()).to_pylist()]
        return pa.array(listed, pa.large_string())
    if pa.types.is_decimal(kind):
        # Arrow writes 1E+3 where a scale is negative or zeros are many.
        listed = [None if value is None else format(value, "f") for value in column.to_pylist()]
        return pa.array(listed, pa.large_string())
    return column.cast(pa.string()).cast(pa.large_string())


def _length(value: int, unit: str) -> str:
    """A length of time, given as so many of a unit, as ``25:00:00.5``."""
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    seconds, rest = divmod(abs(value), 10**digits)
    fraction = f"{rest:0{digits}}".rstrip("0") if rest else ""
    return f"{'-' * (value < 0)}{span_text(seconds)}{'.' * bool(fraction)}{fraction}"


def _shortest(column: pa.Array, of_unit: Any) -> pa.Array:
    """With as few decimals as hold every value: PostgreSQL keeps six, and others write nine."""
    for unit in ("s", "us", "ns"):
        try:
            return column.cast(of_unit(unit))
        except pa.ArrowInvalid:
            continue
    return column


def _quoted(texts: pa.Array) -> pa.Array:
    if pc.any(pc.match_substring(texts, '"')).as_py():
        texts = pc.replace_substring(texts, '"', '""')
    return pc.binary_join_element_wise(_QUOTE, texts, _QUOTE, _NOTHING, null_handling="emit_null")


def _json(value: Any, kind: pa.DataType) -> str:
    """A nested value as JSON text; what JSON has no word for is a text in it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f'"{value}"'
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return json.dumps((value.astimezone(UTC) if value.tzinfo else value).isoformat())
    if isinstance(value, date | time):
        return json.dumps(value.isoformat())
    if isinstance(value, dict):
        return _json_object(((name, item, kind.field(name).type) for name, item in value.items()))
    if pa.types.is_map(kind):
        if is_text(kind.key_type):
            return _json_object((key, item, kind.item_type) for key, item in value)
        pairs = (f"[{_json(key, kind.key_type)}, {_json(item, kind.item_type)}]" for key, item in value)
        return f"[{', '.join(pairs)}]"
    if isinstance(value, list):
        return f"[{', '.join(_json(item, kind.value_type) for item in value)}]"
    return json.dumps(str(value))


def _json_object(members: Iterable[tuple[str, Any, pa.DataType]]) -> str:
    inner = (f"{json.dumps(name, ensure_ascii=False)}: {_json(item, kind)}" for name, item, kind in members)
    return f"{{{', '.join(inner)}}}"
