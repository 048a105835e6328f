"""One source file on its way to records. Knows no services and no HTTP."""
