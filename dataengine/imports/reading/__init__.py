"""Bytes of any kind to lines of text. Knows no cells."""
