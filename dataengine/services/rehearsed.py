"""What a look at all values comes to: how many become what, and why some fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_LONGEST = 1_000
"""Characters."""


@dataclass(slots=True)
class Cause:
    """Values that fail for one reason: how many, and the first of them by id."""

    code: str
    message: str
    count: int
    examples: list[dict[str, Any]]
    """``id``, ``value`` as text and, where a record has the same value, its id as ``same_as``."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """What becomes of the values of how many records; ``missing`` of the failing are none at all."""

    records: int
    converted: int
    unchanged: int
    failing: int
    missing: int = 0

    @property
    def changing(self) -> int:
        """How many values do not stay what they are."""
        return self.converted + self.failing


def example(record: int, value: str | None) -> dict[str, Any]:
    """A value that fails, as it is shown; of a very long one the beginning."""
    if value is not None and len(value) > _LONGEST:
        value = f"{value[:_LONGEST]}…"
    return {"id": record, "value": value}
