"""What the pages of a Parquet file say they unpack to, before anybody unpacks them. Pure.

Metadata at the file's end may lie about it; what counts is the header before each page (Thrift's compact protocol).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from dataengine.exceptions import InvalidInput

_HEADER_BYTES = 64 << 10
_BOOLEANS = (1, 2)
_STOP, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = 0, 3, 7, 8, 9, 10, 11, 12
_MAX_DEPTH = 8


@dataclass(frozen=True, slots=True)
class Page:
    """``values`` counts nulls and the elements of lists."""

    unpacked: int
    values: int


def pages(file: BinaryIO, start: int, length: int) -> Iterator[Page]:
    """The pages of a column's chunk, which takes ``length`` bytes from ``start``. Raises InvalidInput."""
    at, end = start, start + length
    while at < end:
        file.seek(at)
        header = _Compact(file.read(_HEADER_BYTES))
        fields = header.struct()
        unpacked, stored = fields.get(2), fields.get(3)
        if not isinstance(unpacked, int) or not isinstance(stored, int) or unpacked < 0 or stored < 0:
            raise broken()
        details = fields.get(5) or fields.get(8) or {}
        values = details.get(1, 0) if isinstance(details, dict) else 0
        yield Page(unpacked, values if isinstance(values, int) else 0)
        at += header.at + stored


def broken() -> InvalidInput:
    return InvalidInput("The Parquet file is damaged.", code="broken_archive")


type _Value = int | dict[int, _Value] | None


class _Compact:
    """Reads numbers and structs; of all else it knows how long it is."""

    def __init__(self, data: bytes) -> None:
        self.at = 0
        self._data = data

    def struct(self, depth: int = 0) -> dict[int, _Value]:
        if depth > _MAX_DEPTH:
            raise broken()
        fields: dict[int, _Value] = {}
        number = 0
        while (head := self._byte()) & 15 != _STOP:
            number = number + (head >> 4) if head >> 4 else self._signed()
            fields[number] = self._value(head & 15, depth)
        return fields

    def _value(self, kind: int, depth: int) -> _Value:
        if kind in _BOOLEANS:
            return int(kind == 1)
        if kind == _BYTE:
            return self._byte()
        if kind < _DOUBLE:
            return self._signed()
        if kind == _STRUCT:
            return self.struct(depth + 1)
        if kind == _DOUBLE:
            self._skip(8)
        elif kind == _BINARY:
            self._skip(self._unsigned())
        elif kind in (_LIST, _SET):
            head = self._byte()
            count = head >> 4 if head >> 4 < 15 else self._unsigned()
            for _ in range(min(count, _HEADER_BYTES)):
                self._element(head & 15, depth)
        else:
            raise broken()
        return None

    def _element(self, kind: int, depth: int) -> None:
        if kind in _BOOLEANS:
            self._byte()
        else:
            self._value(kind, depth + 1)

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)

    def _unsigned(self) -> int:
        value = shift = 0
        while (byte := self._byte()) & 128:
            value |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise broken()
        return value | byte << shift

    def _byte(self) -> int:
        if self.at >= len(self._data):
            raise broken()
        self.at += 1
        return self._data[self.at - 1]

    def _skip(self, count: int) -> None:
        self.at += count
        if self.at > len(self._data):
            raise broken()
