"""Reads SQL-style column types: ``VARCHAR(20) UNIQUE NOT NULL DEFAULT 'none'`` -> ColumnSpec. Pure.

No part of the text ever reaches SQL: it is split into registry entries, integers and literals here, and DDL is
written from those.
"""

from __future__ import annotations

import re

from dataengine.columns.identifiers import composed
from dataengine.columns.types import BY_SQL_NAME, ColumnSpec, ColumnType
from dataengine.exceptions import InvalidInput

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d]\w*(?:-\w+)*(?:\[\])?)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
_OUTSIDE = re.compile(r"'(?:[^']|'')*'|[^']+")
_MAX_TEXT = 20_000


def parse_sql_type(name: str, text: object, *, label: str = "") -> ColumnSpec:
    """Return the column that ``text`` describes. Raises InvalidInput filed under ``name``."""
    return _Reader(name, text).read(label)


class _Reader:
    def __init__(self, name: str, text: object) -> None:
        self.name = name
        if not isinstance(text, str) or not text.strip() or len(text) > _MAX_TEXT:
            raise self.refuse("Give a type, for example TEXT or INTEGER NOT NULL.")
        self.text = text
        self.tokens = self._tokens(text)
        self.position = 0

    def refuse(self, reason: str) -> InvalidInput:
        return InvalidInput(f"Column “{self.name}”: {reason}", code="invalid_type", fields={self.name: reason})

    def _tokens(self, text: str) -> list[tuple[str, str]]:
        tokens, position = [], 0
        # Names are kept in normal form C; texts in quotes stay as they are.
        text = _OUTSIDE.sub(lambda part: part[0] if part[0].startswith("'") else composed(part[0]), text.strip())
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self.refuse(f"“{text[position : position + 40]}” is not part of a column type.")
            tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()
        return tokens

    def peek_word(self) -> str:
        kind, value = self.tokens[self.position] if self.position < len(self.tokens) else ("end", "")
        return value.upper() if kind == "word" else ""

    def take(self) -> tuple[str, str]:
        if self.position >= len(self.tokens):
            raise self.refuse(f"“{self.text}” ends too early.")
        self.position += 1
        return self.tokens[self.position - 1]

    def read(self, label: str) -> ColumnSpec:
        entry = self._type()
        parameters = entry.read_parameters(self)
        unique = required = False
        default: str | None = None
        while self.position < len(self.tokens):
            word = self.peek_word()
            self.position += 1
            if word == "UNIQUE":
                unique = True
            elif word == "NULL":
                pass  # no effect: columns may be NULL unless stated otherwise
            elif word == "NOT" and self.peek_word() == "NULL":
                self.position += 1
                required = True
            elif word == "DEFAULT":
                default = self._literal()
            else:
                found = self.tokens[self.position - 1][1]
                raise self.refuse(f"“{found}” is not allowed here; after a type come UNIQUE, NOT NULL or DEFAULT.")
        if unique and not entry.can_be_unique:
            raise self.refuse(f"{entry.sql_names[0]} columns cannot be unique.")
        spec = ColumnSpec(
            name=self.name, type=entry.name, parameters=parameters, required=required, default=default, label=label
        )
        return spec.made_unique(unique)

    def _type(self) -> ColumnType:
        longest = max(len(name.split()) for name in BY_SQL_NAME)
        for count in range(longest, 0, -1):
            words = self.tokens[self.position : self.position + count]
            if len(words) == count and all(kind == "word" for kind, _ in words):
                entry = BY_SQL_NAME.get(" ".join(value for _, value in words).upper())
                if entry is not None:
                    self.position += count
                    return entry
        raise self.refuse(f"“{self.text.strip()[:80]}” is not a column type.")

    def has_list(self) -> bool:
        return self.position < len(self.tokens) and self.tokens[self.position] == ("mark", "(")

    def listed(self) -> list[tuple[str, str]]:
        self.position += 1
        values = []
        while True:
            values.append(self.take())
            mark = self.take()
            if mark == ("mark", ")"):
                return values
            if mark != ("mark", ","):
                raise self.refuse("Separate the values in parentheses by commas.")

    def _literal(self) -> str | None:
        kind, value = self.take()
        if kind == "string":
            return value[1:-1].replace("''", "'")
        if kind == "number":
            return value
        if kind == "word" and value.upper() in {"TRUE", "FALSE"}:
            return value.lower()
        if kind == "word" and value.upper() == "NULL":
            return None
        raise self.refuse(f"DEFAULT needs a literal: a number, 'text', TRUE, FALSE or NULL, not {value}.")
