"""JSON numbers with all their digits: PostgreSQL's ``jsonb`` keeps them, and Python's floats 17 at most. Pure."""

from __future__ import annotations

import json
import re
import uuid
from decimal import Decimal
from functools import partial
from typing import Any


class ExactFloat(float):
    """A JSON number with a fraction or exponent that remembers how it was written.

    ``numeric`` columns and JSON use the text, so 0.10 stays 0.10; everything else sees the float.
    """

    text: str
    is_read: bool = False
    """Of the class: whether PostgreSQL has ever handed over a number that a float rounds: answers may hold one."""

    def __new__(cls, text: str) -> ExactFloat:
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__

    def __reduce__(self) -> tuple[Any, ...]:
        return ExactFloat, (self.text,)


def read_number(text: str) -> float:
    """A number that PostgreSQL wrote: an ExactFloat if a float would lose digits."""
    number = float(text)
    if repr(number) == text or Decimal(repr(number)) == Decimal(text):
        return number
    ExactFloat.is_read = True
    return ExactFloat(text)


class ExactEncoder(json.JSONEncoder):
    """Writes ExactFloats as they are; Python's encoder would write the float, whatever the subclass says."""

    def encode(self, o: Any) -> str:
        mark, texts = uuid.uuid4().hex, list[str]()
        text = super().encode(_marked(o, mark, texts))
        if not texts:
            return text
        return re.sub(f'"{mark}-([0-9]+)"', lambda found: texts[int(found[1])], text)


def _marked(value: Any, mark: str, texts: list[str]) -> Any:
    """The value with marks in the place of such numbers, whose texts are collected."""
    if isinstance(value, ExactFloat):
        texts.append(value.text)
        return f"{mark}-{len(texts) - 1}"
    if isinstance(value, dict):
        return {key: _marked(item, mark, texts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_marked(item, mark, texts) for item in value]
    return value


exact_json = partial(json.dumps, cls=ExactEncoder)
exact_json_as_written = partial(json.dumps, cls=ExactEncoder, ensure_ascii=False)
