"""How cells look that are taken for something else than values, as patterns that RE2 and Python read alike. Pure."""

CODE = r"^-?0[0-9]|^\+[0-9]"
GUARDED = r"^'+[=+\-@\t\r]"
"""Begins with the guard of rejected.csv, before what a spreadsheet would run."""


NULL_MARKERS = ("NA", "N/A", "NULL", "null", "\\N", "-")
"""NULL in a file in which at least one column has a type other than text only if they are."""
