"""Which records may give way to a file, as services tell loaders. Web processes load this, but nothing that loads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dataengine.models import Column
from dataengine.models.shapes import Image

from .modes import Mode

TOO_MANY = "too_many_deletions"
"""The code of an import that fails because of ``refusal``."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Which records may give way, and what becomes of them."""

    mode: Mode
    scope: tuple[str, tuple[Any, ...]] | None
    """A query of the ids that count at all, and its parameters; None: all do."""
    columns: Sequence[Column]
    """All that the table has, those in the trash, too; or those that are set."""
    image: Image | None = None
    """The values that the records get; None: they are deleted."""
