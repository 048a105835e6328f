"""How cells look that are taken for values of a type, as patterns that RE2 and Python read alike. Pure."""

# No leading zeros (they are codes) and no plus (telephone numbers): such columns stay text.
INTEGER = r"^-?(?:0|[1-9][0-9]*)$"
DECIMAL = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)$"
FLOAT = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
CODE = r"^-?0[0-9]|^\+[0-9]"
BOOLEANS = ("true", "false", "t", "f", "yes", "no", "y", "n")
UUID = r"^(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|\{[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\})$"  # noqa: E501
GUARDED = r"^'+[=+\-@\t\r]"
"""Begins with the guard of rejected.csv, before what a spreadsheet would run."""


NULL_MARKERS = ("NA", "N/A", "NULL", "null", "\\N", "-")
"""NULL in a file in which at least one column has a type other than text only if they are."""
