"""How cells look that are taken for something else than values, as patterns that RE2 and Python read alike. Pure."""

CODE = r"^-?0[0-9]|^\+[0-9]|^[0-9]+[eE][0-9]+$"
GUARDED = r"^'+[=+\-@\t\r]"
"""Begins with the guard of rejected.csv, before what a spreadsheet would run."""


NULL_MARKERS = ("NA", "N/A", "NULL", "null", "\\N", "-")
"""NULL in a file in which at least one column has a type other than text only if they are."""

SHEET_NULLS = ("#N/A", "#N/V", "#NV", "NaN", "nan", "NAN")
"""What spreadsheets and programs write where there is no value: NULL in columns that are not text."""
SHEET_ERRORS = (
    "#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#NUM!", "#NULL!", "#SPILL!", "#CALC!", "#BEZUG!", "#WERT!", "#ZAHL!",
    "#VALEUR!", "#NOMBRE!", "#NOM?",
)  # fmt: skip
"""Where a formula failed: no evidence of what a column is, and no value."""
INFINITIES = ("inf", "-inf", "+inf", "Inf", "-Inf", "+Inf", "INF", "-INF", "Infinity", "-Infinity", "infinity")
"""No values of numbers that JSON can say, but no evidence against numbers either."""
