"""Reads SQL-style column types: ``VARCHAR(20) UNIQUE NOT NULL DEFAULT 'none'`` -> ColumnSpec. Pure.

Nothing of the text ever reaches SQL: it is taken apart into registry entries, integers and literals here, and DDL is
written from those.
"""

from __future__ import annotations

import re
from typing import Any

from dataengine.columns.identifiers import validate_identifier
from dataengine.columns.types import BY_SQL_NAME, ColumnSpec, ColumnType
from dataengine.exceptions import InvalidInput

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")+")
      | (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<word>[^\W\d]\w*(?:-\w+)*)
      | (?P<mark>[(),])
    )""",
    re.VERBOSE,
)
MAX_LENGTH = 10_485_760  # PostgreSQL's own limit of varchar(n)
MAX_PRECISION = 1000
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
        text = text.strip()
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self.refuse(f"“{text[position : position + 40]}” is not understood.")
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
        parameters = self._parameters(entry)
        unique = required = False
        default: str | None = None
        while self.position < len(self.tokens):
            word = self.peek_word()
            self.position += 1
            if word == "UNIQUE":
                unique = True
            elif word == "NULL":
                pass  # says nothing: columns may hold NULL unless told otherwise
            elif word == "NOT" and self.peek_word() == "NULL":
                self.position += 1
                required = True
            elif word == "DEFAULT":
                default = self._literal()
            else:
                found = self.tokens[self.position - 1][1]
                raise self.refuse(f"“{found}” is not understood; a type may be followed by UNIQUE, NOT NULL, DEFAULT.")
        if unique and not entry.can_be_unique:
            raise self.refuse(f"{entry.sql_names[0]} columns cannot be unique.")
        return ColumnSpec(
            name=self.name, type=entry.name, parameters=parameters, unique=unique, required=required, default=default,
            label=label,
        )  # fmt: skip

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

    def _parameters(self, entry: ColumnType) -> dict[str, Any]:
        if entry.name == "reference":
            kind, value = self.take()
            if kind == "quoted":
                value = value[1:-1].replace('""', '"')
            elif kind != "word":
                raise self.refuse("REFERENCES needs the name of a table.")
            try:
                validate_identifier(value, what="table")
            except InvalidInput as error:
                raise self.refuse(f"REFERENCES needs the name of a table. {error.message}") from error
            return {"references": value}
        has_list = self.position < len(self.tokens) and self.tokens[self.position] == ("mark", "(")
        if not has_list:
            if entry.name == "choice":
                raise self.refuse("CHOICE needs its values: CHOICE('a','b').")
            return {}
        if not entry.arguments:
            raise self.refuse(f"{entry.sql_names[0]} takes nothing in parentheses.")
        values = self._list()
        return self._choices(values) if entry.name == "choice" else self._sizes(entry, values)

    def _list(self) -> list[tuple[str, str]]:
        self.position += 1
        values = []
        while True:
            values.append(self.take())
            mark = self.take()
            if mark == ("mark", ")"):
                return values
            if mark != ("mark", ","):
                raise self.refuse("Values in parentheses are separated by commas.")

    def _choices(self, values: list[tuple[str, str]]) -> dict[str, Any]:
        if any(kind != "string" for kind, _ in values):
            raise self.refuse("The values of CHOICE stand in single quotes: CHOICE('a','b').")
        choices = [value[1:-1].replace("''", "'") for _, value in values]
        return {"choices": self.checked_choices(choices)}

    def checked_choices(self, choices: list[str]) -> list[str]:
        if len(set(choices)) != len(choices):
            raise self.refuse("A choice is named twice.")
        if not all(choice and choice.isprintable() for choice in choices):
            raise self.refuse("A choice cannot be empty or hold control characters.")
        return choices

    def _sizes(self, entry: ColumnType, values: list[tuple[str, str]]) -> dict[str, Any]:
        if len(values) > len(entry.arguments) or any(not (k == "number" and v.isdecimal()) for k, v in values):
            raise self.refuse(f"{entry.sql_names[0]} takes {' and '.join(entry.arguments)} as whole numbers.")
        sizes = [int(value) for _, value in values]
        return self.checked_sizes(dict(zip(entry.arguments, sizes, strict=False)))

    def checked_sizes(self, sizes: dict[str, int]) -> dict[str, Any]:
        if not 1 <= sizes.get("length", 1) <= MAX_LENGTH:
            raise self.refuse(f"The length must lie between 1 and {MAX_LENGTH}.")
        if not 1 <= sizes.get("precision", 1) <= MAX_PRECISION:
            raise self.refuse(f"The precision must lie between 1 and {MAX_PRECISION}.")
        if "precision" in sizes and not 0 <= sizes.setdefault("scale", 0) <= sizes["precision"]:
            raise self.refuse("The scale cannot be greater than the precision.")
        return sizes

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
        raise self.refuse(f"DEFAULT takes a literal: a number, 'text', TRUE, FALSE or NULL; not {value}.")
