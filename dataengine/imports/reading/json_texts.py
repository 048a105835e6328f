"""JSON text taken apart into objects, one after the other, with their numbers as they are written. Pure.

An array's elements are numbered, JSON Lines have their lines. What is malformed costs itself: a line, or of an array
the element; where that does not end in what is left of it, it ends where the next line begins as the element began.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from json.decoder import scanstring  # type: ignore[attr-defined]  # there, and all that takes a text alone
from typing import Any

from .rejected_lines import RAW_LIMIT, RejectCode

MAX_OBJECT = 16 << 20
"""Characters of an object."""
_SPACE = re.compile(r"[ \t\r\n]*")
_BETWEEN = re.compile(r"[ \t\r\n,]*")
_TOKEN = re.compile(r'"(?:[^"\\\r\n]|\\.)*+"?|[{}\[\],]|\n([ \t]*)\{')
_NEAR_END = 16
"""What may be cut at the end of a buffer: the beginning of a word or an escape."""


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class Pairs(list[tuple[str, Any]]):
    """The members of an object. Of the outermost one ``text`` is what it was read from, from ``start`` on."""

    text = ""
    start = 0
    is_nested = False

    @property
    def names(self) -> Iterator[str]:
        return (key for key, _ in self)


@dataclass(frozen=True, slots=True)
class Nested:
    """An object or array within an object, as it is written."""

    text: str


@dataclass(frozen=True, slots=True)
class Refused:
    """What is no object."""

    raw: str
    code: RejectCode
    message: str


_decoder = json.JSONDecoder(object_pairs_hook=Pairs, parse_float=Number, parse_int=Number, parse_constant=Number)
_scan = _decoder.scan_once  # type: ignore[attr-defined]


def read_lines(chunks: Iterator[bytes]) -> Iterator[tuple[int, int, Pairs | Refused]]:
    """The objects of JSON Lines: their line, how many characters were read with them, and what they are."""
    number = read = 0
    pending = b""
    is_skipping = False
    for chunk in _with_end(chunks):
        pending = pending + chunk if pending else chunk
        cut = pending.rfind(b"\n") + 1
        if not cut:
            if len(pending) > MAX_OBJECT:
                if not is_skipping:
                    yield number + 1, read, _too_long(_decoded(pending[:RAW_LIMIT]))
                is_skipping, pending = True, b""
            continue
        for line in _decoded(pending[:cut]).split("\n")[:-1]:
            number += 1
            read += len(line) + 1
            if is_skipping:
                is_skipping = False
            elif line and not line.isspace():
                yield number, read, _read_line(line)
        pending = pending[cut:]


def spans_lines(head: str, *, is_whole: bool) -> bool:
    """Whether a text that begins with an object goes on with it after the first line: then its lines are no objects."""
    start = _SPACE.match(head).end()  # type: ignore[union-attr]
    value, end = _read_value(head, start)
    if isinstance(value, Refused) and not value.raw and (is_whole or end < len(head) - _NEAR_END):
        return False
    return "\n" in head[start:end]


def _with_end(chunks: Iterator[bytes]) -> Iterator[bytes]:
    yield from chunks
    yield b"\n"


def _decoded(data: bytes) -> str:
    return data.decode("utf-8", "tablekeep-mark")


def _read_line(line: str) -> Pairs | Refused:
    if len(line) > MAX_OBJECT:
        return _too_long(line)
    value, end = _read_value(line, _SPACE.match(line).end())  # type: ignore[union-attr]  # it matches anything
    if isinstance(value, Refused):
        return value if value.raw else Refused(line, value.code, value.message)
    if line[end:].strip(" \t\r"):
        return Refused(line, "invalid_type", f"something follows the object at character {end + 1}")
    return value


def _read_value(text: str, start: int) -> tuple[Pairs | Refused, int]:
    """The object that begins at ``start``, and where it ends; of what is malformed, without its text, where it is."""
    try:
        value, end = _scan(text, start)
    except StopIteration as stop:
        return _malformed("a value is missing", stop.value, start), stop.value
    except json.JSONDecodeError as error:
        return _malformed(error.msg, error.pos, start), error.pos
    except RecursionError:
        return Refused("", "invalid_type", "it is nested too deeply"), start
    if not isinstance(value, Pairs):
        return Refused(text[start:end], "invalid_type", "expected a JSON object"), end
    names = dict(value)
    if len(names) != len(value):
        twice = Counter(key for key, _ in value).most_common(1)[0][0]
        return Refused(text[start:end], "invalid_type", f"the object has the key “{twice[:60]}” twice"), end
    if any(isinstance(item, list) for item in names.values()):
        value.is_nested, value.text, value.start = True, text, start
    return value, end


def _malformed(why: str, place: int, start: int) -> Refused:
    why = why[:1].lower() + why[1:]
    return Refused("", "invalid_type", f"malformed JSON at character {place - start + 1}: {why}")


def _too_long(start: str) -> Refused:
    return Refused(start[:RAW_LIMIT], "value_too_long", f"the object is longer than {MAX_OBJECT:,} characters")


def members(item: Pairs) -> Iterator[tuple[str, Any]]:
    """The members of an outermost object, with nested values as the text that they are."""
    text = item.text
    at = item.start + 1
    for key, value in item:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]
        _, at = scanstring(text, at + 1, True)
        at = _SPACE.match(text, at).end() + 1  # type: ignore[union-attr]
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
        _, end = _scan(text, at)
        yield (key, Nested(text[at:end]) if isinstance(value, list) else value)
        at = end


def read_array(chunks: Iterator[bytes]) -> Iterator[tuple[int, int, Pairs | Refused]]:
    """The elements of a JSON array: their number, how many characters were read with them, and what they are."""
    buffer = _Window(_texts(chunks))
    buffer.skip(_SPACE)
    buffer.at += 1  # its bracket
    number = 0
    is_cut = False
    while buffer.skip(_BETWEEN):
        number += 1
        if buffer.text[buffer.at] == "]":
            buffer.at += 1
            if buffer.skip(_SPACE):
                rest = buffer.text[buffer.at : buffer.at + RAW_LIMIT]
                yield number, buffer.passed, Refused(rest, "invalid_type", "something follows the end of the array")
            return
        item = buffer.element()
        # What is cut off is one element, not two: the one that the file ends in says so.
        if isinstance(item, Refused) and buffer.is_over:
            is_cut = True
            item = replace(item, message=f"{item.message}; the file ends within the array")
        yield number, buffer.passed, item
    if not is_cut:
        yield number + 1, buffer.passed, Refused("", "invalid_type", "the file ends within the array")


def _texts(chunks: Iterator[bytes]) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("tablekeep-mark")
    for chunk in chunks:
        yield decoder.decode(chunk)
    yield decoder.decode(b"", True)


class _Window:
    """The part of a text that is being looked at. ``at`` is a place in it, ``passed`` that place in the whole text."""

    def __init__(self, chunks: Iterator[str]) -> None:
        self.text = ""
        self.at = 0
        self._chunks = chunks
        self._dropped = 0
        self._is_final = False

    @property
    def passed(self) -> int:
        return self._dropped + self.at

    @property
    def is_over(self) -> bool:
        """Whether nothing but spaces and commas follows."""
        return not self.skip(_BETWEEN)

    def skip(self, pattern: re.Pattern[str]) -> bool:
        """Pass over what matches; False at the end of the text."""
        while True:
            found = pattern.match(self.text, self.at)
            self.at = found.end() if found else self.at
            if self.at < len(self.text):
                return True
            if not self._grow():
                return False

    def element(self) -> Pairs | Refused:
        """The element that begins here, passed over."""
        while True:
            value, end = _read_value(self.text, self.at)
            is_whole = not isinstance(value, Refused) or bool(value.raw)
            if is_whole and (end < len(self.text) or self._is_final):
                self.at = end
                return value
            if not self._may_be_cut(end, value) or len(self.text) - self.at > MAX_OBJECT or not self._grow():
                break
        assert isinstance(value, Refused) or len(self.text) - self.at > MAX_OBJECT
        return self._refused(value if isinstance(value, Refused) else _too_long(""))

    def _may_be_cut(self, end: int, value: Pairs | Refused) -> bool:
        """Whether the fault at ``end`` may be none, since the text goes on: a string may end there, or a word."""
        if self._is_final:
            return False
        is_string = isinstance(value, Refused) and "unterminated string" in value.message
        return is_string or end > len(self.text) - _NEAR_END

    def _refused(self, why: Refused) -> Refused:
        """The malformed element that begins here, as far as it goes, passed over."""
        start = self.at
        while True:
            end = self._end_of_damage(start)
            if end is not None or len(self.text) - start > MAX_OBJECT or not self._grow_from(start):
                break
            start = self.at
        if end is None:
            end = len(self.text)
        raw = self.text[start:end].rstrip(" \t\r\n,")
        if why.code == "value_too_long" or len(raw) > MAX_OBJECT:
            why = _too_long("")
        self.at = max(end, start + 1)
        return Refused(raw[:RAW_LIMIT], why.code, why.message)

    def _end_of_damage(self, start: int) -> int | None:
        """Where brackets are even again, or a line begins as the element did; strings end with their line."""
        near = max(0, start - 1000)
        line = max(self.text.rfind("\n", near, start) + 1, near)
        indent = self.text[line:start]
        own = indent if not indent.strip(" \t,[") else None
        depth = 0
        for token in _TOKEN.finditer(self.text, start):
            mark = token.group()
            if mark[0] == "\n":
                if own is not None and token.group(1) == own.lstrip(",["):
                    return token.start()
                depth += 1
            elif mark in "{[":
                depth += 1
            elif mark == "," and not depth:
                return token.start()
            elif mark in "}]":
                depth -= 1
                if depth <= 0:
                    return token.end() if depth == 0 else token.start()
        return None

    def _grow_from(self, start: int) -> bool:
        self.at = start
        return self._grow()

    def _grow(self) -> bool:
        """Read more; what was passed over is dropped, but for the line that ``at`` stands in."""
        if self._is_final:
            return False
        keep = self.text.rfind("\n", max(0, self.at - 1000), self.at) + 1 or self.at
        text, self.at = self.text[keep:], self.at - keep
        self._dropped += keep
        wanted = max(len(text), 256 << 10)
        parts, size = [text], 0
        while size < wanted:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._is_final = True
                break
            parts.append(chunk)
            size += len(chunk)
        self.text = "".join(parts)
        return True
