"""Rows that a reader cannot make cells of, on their way through the CSV that it makes. Pure.

Such a row becomes a line that no grammar accepts: its text in quotes, and behind the closing quote why it is none.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from .rejected_lines import RAW_LIMIT, RejectCode, RejectedLine

_TO_ONE_LINE = str.maketrans("\r\n", "\x1e\x1f")
_AS_IT_WAS = str.maketrans("\x1e\x1f", "\r\n")


def refusal(raw: str, code: RejectCode, message: str) -> str:
    """The line of CSV, without its break, that stands for a row of text ``raw`` that is none."""
    text = raw[:RAW_LIMIT].translate(_TO_ONE_LINE).replace('"', '""')
    return f'"{text}"!{code}!{message.replace(chr(34), chr(39)).translate(_TO_ONE_LINE)}'


def refused(line: RejectedLine) -> RejectedLine:
    """A rejected line of such CSV as what it stands for; any other as it is."""
    text, end, reason = line.raw.rpartition('"!')
    code, mark, message = reason.partition("!")
    if not (end and mark and text.startswith('"')):
        return line
    raw = text[1:].replace('""', '"').translate(_AS_IT_WAS)
    if line.code == "invalid_encoding":
        return replace(line, raw=raw)
    return RejectedLine(line.line, raw, cast("RejectCode", code), message.translate(_AS_IT_WAS))
