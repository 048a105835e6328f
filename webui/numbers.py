"""Whole numbers in what browsers send. Pure."""

from __future__ import annotations


def is_number(text: str, *, digits: int = 18) -> bool:
    """Whether ``text`` is a whole number of no more digits: by default an id, which PostgreSQL can always hold."""
    return text.isascii() and text.isdecimal() and len(text) <= digits
