"""One fix for the same cell of many rejected rows: ``{"kind": "trim"}`` and the like, as users send them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import pyarrow as pa

from dataengine.columns.types import ColumnSpec
from dataengine.columns.types.aspects import NUMBER_KERNELS
from dataengine.exceptions import InvalidInput, together
from dataengine.imports.converting.conversion import KERNELS, target_of
from dataengine.imports.converting.date_formats import BY_NAME, DateFormat, compile_format
from dataengine.imports.converting.kernels import SPACES
from dataengine.imports.converting.number_styles import SEPARATORS, NumberStyle, read_one

from .mended_cells import unstorable

type Text = str | None
type Fix = Callable[[list[Text]], list[Text]]
"""Gives the cells as they are to be; a cell that it does not concern, unchanged."""

PARAMETERS: dict[str, tuple[str, ...]] = {
    "trim": (),
    "null": (),
    "default": ("value",),
    "decimal": ("decimal", "thousands"),
    "date_format": ("format",),
    "replace": ("find", "replace"),
    "map": ("map",),
}
_MOST_PAIRS = 10_000
_NO_WIDTH = "\ufeff\u200b\u200c\u200d\u2060"


def read_fix(given: Mapping[str, Any], spec: ColumnSpec, style: NumberStyle | None) -> Fix:
    """A fix for the cells of a column, whose numbers are written in ``style``.

    Raises InvalidInput that names everything at fault, as ``fix.kind``, ``fix.format`` and so on.
    """
    kind = given.get("kind")
    if not isinstance(kind, str) or kind not in PARAMETERS:
        raise _fault("kind", f"Give one of {', '.join(PARAMETERS)}.")
    known = PARAMETERS[kind]
    strangers = [name for name in given if name != "kind" and name not in known]
    if strangers:
        said = f"It takes {' and '.join(f'“{name}”' for name in known)}." if known else "It takes nothing else."
        raise together([_fault(str(name)[:60], f"“{kind}” has no such key. {said}") for name in strangers], said)
    match kind:
        case "trim":
            return _each(_trimmed)
        case "null":
            return lambda cells: [None] * len(cells)
        case "default":
            value = _default(given, spec)
            return lambda cells: [value] * len(cells)
        case "decimal":
            return _numbers(_style(given, spec), spec, style)
        case "date_format":
            return _dates(_format(given, spec), spec)
        case "replace":
            find, instead = _text(given, "find", least=1), _text(given, "replace")
            return _each(lambda text: text.replace(find, instead))
        case _:
            pairs = _map(given)
            return _each(lambda text: pairs.get(text, text))


def _each(change: Callable[[str], Text]) -> Fix:
    """Change every text by itself; one of which nothing is left is none."""
    return lambda cells: [None if cell is None else change(cell) or None for cell in cells]


def _trimmed(text: str) -> str:
    """Without blanks around it, also those that imports do not know for such: no-break spaces, marks of no width."""
    return text.strip().strip(_NO_WIDTH).strip()


def _default(given: Mapping[str, Any], spec: ColumnSpec) -> str:
    if given.get("value") is not None:
        return _text(given, "value", least=1)
    if spec.default is None:
        raise _fault("value", f"“{spec.name}” has no default; give the value.")
    return str(spec.default)


def _style(given: Mapping[str, Any], spec: ColumnSpec) -> NumberStyle:
    if spec.kind.kernel not in NUMBER_KERNELS:
        raise _fault("kind", f"“{spec.name}” holds no numbers.")
    decimal, thousands = given.get("decimal", ","), given.get("thousands")
    if decimal not in (".", ","):
        raise _fault("decimal", "Give “.” or “,”.")
    if thousands is not None and thousands not in SEPARATORS:
        raise _fault("thousands", "Give “.”, “,”, “'” or a space.")
    if thousands == decimal:
        raise _fault("thousands", "This is already the decimal mark.")
    return NumberStyle(*cast("tuple[Any, Any]", (decimal, thousands)))


def _numbers(written: NumberStyle, spec: ColumnSpec, style: NumberStyle | None) -> Fix:
    """Numbers ``written`` in one style, in that of the column."""
    mark = style.decimal if style else "."
    is_whole = spec.kind.kernel == "integer"

    def number(text: str) -> str:
        bare = text.strip(SPACES)
        if re.fullmatch(written.simple, bare, re.ASCII):
            plain = bare
        elif (found := read_one(bare, written)) is not None:
            plain = found.text
        else:
            return text
        whole, _, decimals = plain.partition(".")
        if is_whole and not decimals.strip("0"):
            return whole
        return whole + mark + decimals if decimals else whole

    return _each(number)


def _format(given: Mapping[str, Any], spec: ColumnSpec) -> DateFormat:
    if spec.kind.kernel not in ("date", "time", "timestamp"):
        raise _fault("kind", f"“{spec.name}” holds neither dates nor times.")
    text = _text(given, "format", least=1)
    try:
        form = BY_NAME.get(text) or compile_format(text)
    except InvalidInput as error:
        raise _fault("format", error.message) from error
    if form.has_date != spec.kind.has_date:
        what = "dates" if spec.kind.has_date else "times of day"
        raise _fault("format", f"“{spec.name}” holds {what}, and this is no format of such.")
    return form


def _dates(form: DateFormat, spec: ColumnSpec) -> Fix:
    """Dates in one format, as every column of them takes them."""
    _, careful = KERNELS[spec.kind.kernel]
    target = target_of(replace(spec, required=False), [form])

    def fixed(cells: list[Text]) -> list[Text]:
        values = careful(pa.array(cells, pa.string()), target).values.to_pylist()
        return [cell if value is None else value.isoformat() for cell, value in zip(cells, values, strict=True)]

    return fixed


def _map(given: Mapping[str, Any]) -> dict[str, Text]:
    pairs = given.get("map")
    if not isinstance(pairs, Mapping) or not pairs:
        raise _fault("map", "Give an object: {“cell”: “what it is to be” or null}.")
    if len(pairs) > _MOST_PAIRS:
        raise _fault("map", f"Give at most {_MOST_PAIRS:,} pairs.")
    found: dict[str, Text] = {}
    for old, new in pairs.items():
        if new is not None and not isinstance(new, str):
            raise _fault("map", f"“{str(old)[:60]}” is to be a text, or null.")
        found[old] = None if new is None else (_storable("map", new) or None)
    return found


def _text(given: Mapping[str, Any], name: str, *, least: int = 0) -> str:
    value = given.get(name)
    if not isinstance(value, str) or len(value) < least:
        raise _fault(name, "Give a text." if not least else "Give a text that is not empty.")
    return _storable(name, value)


def _storable(name: str, text: str) -> str:
    if (reason := unstorable(text)) is not None:
        raise _fault(name, reason)
    return text


def _fault(name: str, reason: str) -> InvalidInput:
    return InvalidInput(f"fix.{name}: {reason}", fields={f"fix.{name}": reason}, pointers=[(("fix", name), reason)])
