"""Dialects: how a text file writes cells, rows and characters, and the options that set this. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataengine.exceptions import InvalidInput

NO_TEXT = frozenset({"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"})
"""Encodings of Python's that no file is in."""
SEPARATOR_LINE = re.compile(rb'"?sep=(.)"?\r?\n', re.IGNORECASE)
"""Written and understood by Excel as a first line."""
MAX_SKIP_ROWS = 1_000_000
_LONGEST_SHEET_NAME = 255


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read one source file.

    ``skip_rows`` counts physical lines before the header (or before the first row where there is none).
    ``escape`` makes the next character literal; a doubled quote always works too.
    """

    delimiter: str = ","
    quote: str | None = '"'
    escape: str | None = None
    encoding: str = "utf-8"
    has_header: bool = True
    skip_rows: int = 0
    ruled: bool = False
    """Whether the line after the header is one of dashes, as database shells draw it: that is no row."""
    grouped: bool = False
    """Whether the header takes two lines, the first with labels over several columns."""
    grouped_twice: bool = False
    """Whether it takes three, and the first has labels over several of those."""
    has_units: bool = False
    """Whether the line after the header has units: that is no row."""
    drawn: bool = False
    """Whether the table is drawn with lines and bars: its lines are no rows, its bars at the ends bound no cells."""

    @property
    def is_padded(self) -> bool:
        """Whether spaces fill the cells up to the width of their columns."""
        return self.ruled or self.drawn


@dataclass(frozen=True, slots=True)
class DialectOptions:
    """What the user set. ``None`` means: detect; ``quote=""`` and ``escape=""`` mean: there is none."""

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    encoding: str | None = None
    has_header: bool | None = None
    has_units: bool | None = None
    """Whether the line below the header is no row."""
    skip_rows: int | None = None
    sheet: str | int | None = None
    """Of a workbook: a sheet's name, or its number from 1."""

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> DialectOptions:
        """Read and check the dialect's keys among the import options.

        Raises InvalidInput naming the option (code ``invalid_option`` or ``unknown_encoding``).
        """
        values = {name: options.get(name) for name in ("delimiter", "quote", "escape", "encoding")}
        for name, value in values.items():
            if value is None or (name in ("quote", "escape") and value == ""):
                continue
            if not isinstance(value, str):
                raise _invalid(name, "has to be text")
            if name != "encoding" and len(value) != 1:
                raise _invalid(name, "has to be exactly one character")
            if name != "encoding" and (value in "\r\n\0" or 0xD800 <= ord(value) <= 0xDFFF):
                raise _invalid(name, "cannot be a line break or NUL")
            if name == "encoding":
                check_encoding(value)
        taken = [values[name] for name in ("delimiter", "quote", "escape") if values[name]]
        if values["delimiter"] is not None and values["delimiter"] in taken[1:]:
            raise _invalid("delimiter", "cannot be the same as quote or escape")
        flags = {name: options.get(name) for name in ("has_header", "has_units")}
        for name, flag in flags.items():
            if flag is not None and not isinstance(flag, bool):
                raise _invalid(name, "has to be true or false")
        skip_rows = options.get("skip_rows")
        if skip_rows is not None and (isinstance(skip_rows, bool) or not isinstance(skip_rows, int)):
            raise _invalid("skip_rows", "has to be a whole number of lines")
        if skip_rows is not None and not 0 <= skip_rows <= MAX_SKIP_ROWS:
            raise _invalid("skip_rows", f"has to be from 0 to {MAX_SKIP_ROWS:,}")
        sheet = options.get("sheet")
        if isinstance(sheet, bool) or not (sheet is None or isinstance(sheet, str | int)):
            raise _invalid("sheet", "has to be the name of a sheet or its number")
        if sheet == "" or (isinstance(sheet, str) and len(sheet) > _LONGEST_SHEET_NAME):
            raise _invalid("sheet", "has to be the name of a sheet or its number")
        return cls(**values, **flags, skip_rows=skip_rows, sheet=sheet)


def check_encoding(name: str) -> str:
    """The canonical name of a text encoding that Python knows; raises InvalidInput ``unknown_encoding``."""
    reason = f"There is no text encoding {name[:40]!r}."
    try:
        codec = codecs.lookup(name)
        if codec.name in NO_TEXT or not name.isascii():  # Python ignores other characters in names
            raise LookupError(codec.name)
        b"a,b\n".decode(codec.name, "replace")  # refuses base64 and the like
    except (LookupError, ValueError, UnicodeError) as error:
        raise InvalidInput(reason, code="unknown_encoding", fields={"encoding": reason}) from error
    return codec.name


def _invalid(name: str, what: str) -> InvalidInput:
    return InvalidInput(f"{name} {what}.", code="invalid_option", fields={name: f"{name} {what}."})
