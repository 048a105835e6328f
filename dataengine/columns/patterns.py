"""Regular expressions of users, as PostgreSQL reads them. Pure."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LITERAL = "***="
"""What follows it is no expression."""


def refers_back(pattern: str) -> bool:
    r"""Whether a pattern asks for what a group has found (``(.)\1``).

    Without that PostgreSQL decides in time proportional to the text. With it, it tries every way of splitting the text:
    one value could occupy a worker for ever, which unlike a request has no time limit.
    """
    escaped = _ESCAPE.findall(pattern)
    return not pattern.startswith(_LITERAL) and any(letter in "123456789" for letter in escaped)
