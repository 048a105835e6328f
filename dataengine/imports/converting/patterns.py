"""How cells look that are taken for something else than values, as patterns that RE2 and Python read alike. Pure."""

from __future__ import annotations

import re
from typing import Literal

type Guard = Literal["none", "mended", "export", "exact"]
"""How a file's cells are guarded: not at all, as in rejected.csv, as in an export, or as in an exact export, in which
every cell is what it looks like."""

CODE = r"^-?0[0-9]|^\+[0-9]|^[0-9]+[eE][0-9]+$"
RUNS = r"^'*[=+\-@\t\r]"
"""Begins with what a spreadsheet would run, or with guards before it."""
GUARDED = r"^'+[=+\-@\t\r]"
"""Begins with the guard of exports and of rejected.csv, before what a spreadsheet would run."""
NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]*)*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?"
"""What spreadsheets take for a number (the whole cell): it needs no guard."""

NULL_MARKERS = ("NA", "N/A", "NULL", "null", "\\N", "-")
"""NULL in a file in which at least one column has a type other than text only if they are."""

_WORDS = (
    "n/a", "n.a.", "na", "null", "none", "nil", "missing", "unknown", "undefined", "not available", "not applicable",
    "no data", "(blank)", "(empty)", "(null)", "(none)", "<na>", "<null>", "tbd", "k.a.", "keine angabe", "unbekannt",
    "inconnu", "desconocido", "sconosciuto", "onbekend", "desconhecido", "nieznane",
)  # fmt: skip
_SIGNS = ("?", "??", "???", "--", "---", "\u2013", "\u2014", ".", "..", "...", "\u2026", "*", "/")
NULL_WORDS = tuple(
    dict.fromkeys([*_SIGNS, *_WORDS, *map(str.upper, _WORDS), *map(str.capitalize, _WORDS), *map(str.title, _WORDS)])
)
"""What people write for a missing value, where it is no marker: among values of a type they are proposed as such."""

SHEET_NULLS = ("#N/A", "#N/V", "#NV", "NaN", "nan", "NAN")
"""What spreadsheets and programs write where there is no value: NULL in columns that are not text."""
SHEET_ERRORS = (
    "#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#BEZUG!", "#WERT!", "#ZAHL!",
    "#VALEUR!", "#NOMBRE!", "#NOM?",
)  # fmt: skip
"""Where a formula failed: no evidence of what a column is, and no value."""
INFINITIES = ("inf", "-inf", "+inf", "Inf", "-Inf", "+Inf", "INF", "-INF", "Infinity", "-Infinity", "infinity")
"""No values of numbers that JSON can say, but no evidence against numbers either."""


def guarded(text: str) -> str:
    """The cell with a ``'`` before what a spreadsheet would run as a formula; numbers stay as they are.

    A cell that begins with the guard itself is guarded once more, so that taking one off gives back what was there.
    """
    return f"'{text}" if re.match(RUNS, text) and not re.fullmatch(NUMBER, text) else text


def unguarded(text: str) -> str:
    """The cell as it was before ``guarded``."""
    return text[1:] if re.match(GUARDED, text) else text
