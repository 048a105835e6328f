"""Lists of texts in one text, as cells of files, editors and filters have them. Pure.

One rule reads them all: an array in JSON, or as PostgreSQL writes it (``{a,"b, c"}``); else one text a line, if there
are several lines; else texts separated by semicolons, if there is one, or by commas. Then spaces around texts do not
count, nothing between two separators is no text, and a text in double quotes may hold separators.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Collection, Sequence

EXPECTED = "texts separated by commas, semicolons or line breaks, or a JSON array of texts"
NOT_TEXTS = "Every item has to be a text without null characters."
REPEATED = "A choice is given twice."
SPACES = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
"""What does not count around a text in a list."""
_POSTGRES_SPACES = " \t\n\v\f\r"  # others are texts of its arrays
_QUOTED, _BARE = r'"(?:[^"\\]|\\.)*"', r'[^\s",{}\\](?:[^",{}\\]*[^\s",{}\\])?'
_LITERAL = re.compile(rf"\s*(?:{_QUOTED}|{_BARE})\s*(?:,\s*(?:{_QUOTED}|{_BARE})\s*)*", re.DOTALL | re.ASCII)
_LITERAL_ITEM = re.compile(rf"({_QUOTED})|({_BARE})", re.DOTALL | re.ASCII)
BREAKS = "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"
"""What ends a line."""


class NotAList(ValueError):
    """A text that is no list of texts; its message is a whole sentence."""


class NotOffered(NotAList):
    """A list with a text that is not among the choices, or twice."""


def read(text: str, whole: Collection[str] = ()) -> list[str]:
    """The texts that ``text`` lists; one that is among ``whole`` is itself the only one. Raises NotAList."""
    bare = text.strip()
    if bare in whole:
        return [bare]
    if bare.startswith("[") and bare.endswith("]"):
        return _from_json(bare)
    if bare.startswith("{") and bare.endswith("}"):
        return _from_literal(bare)
    lines = bare.splitlines()
    if len(lines) > 1:
        return [line.strip() for line in lines if line.strip()]
    return _separated(bare)


def one_or_array(text: str) -> list[str]:
    """A text as it is, or the texts of an array in JSON."""
    try:
        return _from_json(text) if text.startswith("[") else [text]
    except NotAList:
        return [text]


def as_operand(item: str) -> str:
    """The text from which ``one_or_array`` reads this one item."""
    return as_json([item]) if item.startswith("[") else item


def checked(items: object) -> list[str]:
    """A JSON array as a list of texts. Raises NotAList."""
    if not isinstance(items, list):
        raise NotAList("Give an array of texts.")
    if not all(type(item) is str and "\0" not in item and _is_unicode(item) for item in items):
        raise NotAList(NOT_TEXTS)
    return items


def offered(items: Sequence[str], choices: Sequence[str]) -> list[str]:
    """``items`` if all are among ``choices``, and none twice. Raises NotOffered."""
    known = frozenset(choices)
    for item in items:
        if item not in known:
            raise NotOffered(f"“{item[:80]}” is not one of the choices.")
    if len(set(items)) != len(items):
        raise NotOffered(REPEATED)
    return list(items)


def written(items: Sequence[str]) -> str:
    """One a line where that is read as the same list, and JSON where it is not."""
    if not items:
        return "[]"  # nothing at all would be no value
    lines = "\n".join(items)
    try:
        is_same = read(lines) == list(items)
    except NotAList:
        is_same = False
    return lines if is_same else as_json(items)


def as_json(items: Sequence[str]) -> str:
    return json.dumps(list(items), ensure_ascii=False)


def literal(items: Sequence[str]) -> str:
    """As PostgreSQL writes and reads its arrays: ``{"a","b"}``."""
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"


def _from_json(text: str) -> list[str]:
    try:
        return checked(json.loads(text))
    except RecursionError as error:
        raise NotAList(NOT_TEXTS) from error
    except ValueError as error:
        if isinstance(error, NotAList):
            raise
        raise NotAList("This is not valid JSON. Put texts in double quotes.") from error


def _from_literal(text: str) -> list[str]:
    inner = text[1:-1]
    if not inner.strip(_POSTGRES_SPACES):
        return []
    if not _LITERAL.fullmatch(inner):
        raise NotAList("This is no array as PostgreSQL writes it.")
    items = []
    for quoted, bare in _LITERAL_ITEM.findall(inner):
        if not quoted and bare.strip(_POSTGRES_SPACES).upper() == "NULL":
            raise NotAList(NOT_TEXTS)
        items.append(re.sub(r"(?s)\\(.)", r"\1", quoted[1:-1] if quoted else bare.strip(_POSTGRES_SPACES)))
    return items


def _separated(line: str) -> list[str]:
    mark = ";" if ";" in line else ","
    if '"' not in line:
        return [part for part in map(str.strip, line.split(mark)) if part]
    try:
        parts = next(csv.reader([line], delimiter=mark, skipinitialspace=True, strict=True), [])
    except csv.Error as error:
        raise NotAList("Close the double quotes.") from error
    return [part for part in map(str.strip, parts) if part]


def _is_unicode(text: str) -> bool:
    """Whether PostgreSQL can hold it: no half of a surrogate pair."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
