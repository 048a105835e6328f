"""Patterns for cells that are not taken as they are: guards, formulas, null markers. For RE2 and Python alike. Pure."""

from __future__ import annotations

import re
from typing import Literal

type Guard = Literal["none", "corrected", "export", "exact"]
"""How a file's cells are guarded: not at all, as in rejected.csv, as in an export, or as in an exact export, where no
cell is guarded and every cell is meant literally."""

CODE = r"^-?0[0-9]|^\+[0-9]|^[0-9]+[eE][0-9]+$"
_RUNNING = " *[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
RUNS = rf"^'*{_RUNNING}"
"""Begins like something a spreadsheet would run, maybe with guards before it.

Some take a full-width sign for the narrow one, and some pass over spaces and line breaks.
"""
GUARDED = rf"^'+{_RUNNING}"
"""Begins with the guard of exports and of rejected.csv, before something a spreadsheet would run."""
NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]*)*|[.,][0-9]+)(?:[eE][+-]?[0-9]+)?%?"
"""A whole cell that spreadsheets take for a number: it needs no guard."""

NULL_MARKERS = ("NA", "N/A", "NULL", "null", "\\N", "-")
"""NULL in a file if at least one of its columns would be text otherwise."""

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
"""Written by spreadsheets and programs where there is no value: NULL in columns that are not text."""
SHEET_ERRORS = (
    "#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#BEZUG!", "#WERT!", "#ZAHL!",
    "#VALEUR!", "#NOMBRE!", "#NOM?",
)  # fmt: skip
"""Written where a formula failed: neither a value nor evidence for a column's type."""
INFINITIES = ("inf", "-inf", "+inf", "Inf", "-Inf", "+Inf", "INF", "-INF", "Infinity", "-Infinity", "infinity")
"""Not numbers that JSON can express, but no evidence against numbers either."""


def guarded(text: str) -> str:
    """Put a ``'`` before a cell that a spreadsheet would run as a formula; numbers stay as they are.

    A cell that begins with the guard itself is guarded once more, so that taking one off gives back what was there.
    """
    return f"'{text}" if re.match(RUNS, text) and not re.fullmatch(rf" *{NUMBER}", text) else text


def unguarded(text: str) -> str:
    """The cell as it was before ``guarded``."""
    return text[1:] if re.match(GUARDED, text) else text
