"""JSON Lines, and JSON arrays of objects, as CSV text, streamed. Pure.

Every object is a row, and every key a column: texts are quoted, so no word is taken for a missing value; numbers keep
their digits; null, and a key that is not there, is NULL; what is nested stays the JSON text that it is. A row that is
no object, or names a key twice, is refused by itself (``refusals``). The keys are those of the beginning of the file;
where another one turns up later, reading breaks off (``ColumnsAppeared``), ``survey`` looks for all, and it begins
anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping

from dataengine.columns.identifiers import MAX_COLUMNS
from dataengine.exceptions import InvalidInput

from .json_texts import Number, Pairs, Refused, members, read_array, read_lines, spans_lines
from .reader import NULL, ColumnsAppeared, Reader
from .refusals import refusal
from .refusals import refused as as_it_was
from .rejected_lines import RejectedLine

HEAD_CHARACTERS = 2 << 20
"""How much of the file is read for the names of its columns before the first row is handed on."""
_OUT = 256 << 10
_BOOLEAN, _NUMBER, _POWER, _TEXT, _NESTED = 1, 2, 4, 8, 16
_BLANK = " \t\r\n"


class JsonRows(Reader):
    """``text`` begins reading the file anew: its text as UTF-8, in chunks. Raises InvalidInput ``not_csv``."""

    first_line = 0

    def __init__(self, text: Callable[[], Iterator[bytes]]) -> None:
        self._text = text
        self._places: dict[str, int] = {}
        self._kinds: list[int] = []
        self._as_json: frozenset[str] = frozenset()
        self._is_whole = False
        """Whether all of the file has been read at least once."""
        head, is_whole = self._beginning()
        self._is_array = head.lstrip(_BLANK).startswith("[")
        if not self._is_array and spans_lines(head, is_whole=is_whole):
            raise InvalidInput(
                "The file holds one JSON object: give an array of objects, or one object a line.", code="not_csv"
            )
        self.survey(HEAD_CHARACTERS)
        if not self._places:
            raise InvalidInput(
                "The file holds no JSON objects: give an array of objects, or one object a line.", code="not_csv"
            )

    @property
    def types(self) -> Mapping[str, str]:
        """Known once all of the file was read: what JSON has types for, and CSV has not."""
        if not self._is_whole:
            return {}
        said = {_BOOLEAN: "BOOLEAN", _NESTED: "JSONB", _NUMBER | _POWER: "NUMERIC"}
        return {key: said[kind] for key, kind in zip(self._places, self._kinds, strict=True) if kind in said}

    def survey(self, limit: int | None = None) -> None:
        """Find the keys of all objects, or of those that begin within ``limit`` characters."""
        for _, end, item in self._items():
            if not isinstance(item, Refused):
                for key in item.names:
                    if key not in self._places:
                        self._add(key)
            if limit is not None and end >= limit:
                break

    def keep_json(self, names: Collection[str]) -> None:
        self._as_json = frozenset(names)

    def refused(self, line: RejectedLine) -> RejectedLine:
        return as_it_was(line)

    def csv_chunks(self, read: Callable[[int], None]) -> Iterator[bytes]:
        lines = [",".join(map(_quoted, self._places))]
        size, at = 0, 1
        for number, _, item in self._items():
            if number > at:
                lines.append("\n" * (number - at - 1))  # blank lines
            at = number + 1
            line = refusal(item.raw, item.code, item.message) if isinstance(item, Refused) else self._line(item)
            lines.append(line)
            size += len(line)
            if size > _OUT:
                yield _encoded(lines)
                lines, size = [], 0
        self._is_whole = True
        if lines:
            yield _encoded(lines)

    def _items(self) -> Iterator[tuple[int, int, Pairs | Refused]]:
        return (read_array if self._is_array else read_lines)(self._text())

    def _beginning(self) -> tuple[str, bool]:
        """The first text, and whether it is all."""
        parts: list[bytes] = []
        size = 0
        for chunk in self._text():
            parts.append(chunk)
            size += len(chunk)
            if size >= HEAD_CHARACTERS:
                return b"".join(parts).decode("utf-8", "replace"), False
        return b"".join(parts).decode("utf-8", "replace"), True

    def _add(self, key: str) -> None:
        if len(self._places) >= MAX_COLUMNS:
            raise InvalidInput(
                f"The objects have more than {MAX_COLUMNS:,} keys in all; a table can have at most so many columns.",
                code="too_many_columns",
            )
        self._places[key] = len(self._places)
        self._kinds.append(0)

    def _line(self, item: Pairs) -> str:
        places, kinds = self._places, self._kinds
        cells = [""] * len(places)
        pairs = members(item) if item.is_nested else item
        seen = 0
        for key, value in pairs:
            place = places.get(key)
            if place is None:
                raise ColumnsAppeared(key)
            if value is None:
                continue
            kind = type(value)
            if kind is str:
                cells[place] = _quoted(json.dumps(value) if key in self._as_json else value)
                kinds[place] |= _TEXT
            elif kind is Number:
                cells[place] = value
                kinds[place] |= _NUMBER if value.isdecimal() or not _has_power(value) else _NUMBER | _POWER
            elif kind is bool:
                cells[place] = "true" if value else "false"
                kinds[place] |= _BOOLEAN
            else:
                cells[place] = _quoted(value.text)
                kinds[place] |= _NESTED
            seen += 1
        if not seen:
            cells[0] = NULL
        return ",".join(cells)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _has_power(number: str) -> bool:
    return "e" in number or "E" in number


def _encoded(lines: list[str]) -> bytes:
    lines.append("")
    return "\n".join(lines).encode("utf-8", "surrogatepass")
