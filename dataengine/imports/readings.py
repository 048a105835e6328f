"""How texts that a column holds are read as values of another type, and which types say things alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataengine.columns.types import ColumnType
from dataengine.columns.types.aspects import NUMBER_KERNELS
from dataengine.imports.converting.number_styles import NumberStyle


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts are read as values of the new type; JSON by ``as_json`` and ``of_json``."""

    markers: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()
    """Names of date formats."""
    style: NumberStyle | None = None
    notes: tuple[str, ...] = ()
    """What people should know of it."""

    def as_json(self) -> dict[str, Any]:
        """For a plan; without the notes."""
        style = self.style and [self.style.decimal, self.style.thousands]
        return {"markers": list(self.markers), "formats": list(self.formats), "style": style}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Reading:
        style = said["style"] and NumberStyle(*said["style"])
        return cls(tuple(said["markers"]), tuple(said["formats"]), style)


def says_the_same(old: ColumnType, new: ColumnType) -> bool:
    """Whether values of one type are at once values of the other: texts, numbers, JSON or lists of any kind."""
    if old.is_text or new.is_text:
        return old.is_text and new.is_text
    kernels = {old.kernel, new.kernel}
    return old.name == new.name or kernels <= NUMBER_KERNELS or kernels in ({"json"}, {"texts"})
