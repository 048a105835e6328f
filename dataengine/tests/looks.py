"""Counts how often a source file was read from its beginning, and an import's options were read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest

from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.reading.source import Source


def counted_looks(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Counts from now on how often a source was read from its beginning (``file``), and options (``options``)."""
    looks: Counter[str] = Counter()
    read, read_options = Source._read, ImportOptions.read

    def counted_read(self: Source, *arguments: Any) -> Generator[bytes]:
        looks["file"] += 1
        yield from read(self, *arguments)

    def counted_options(given: object) -> ImportOptions:
        looks["options"] += 1
        return read_options(given)

    monkeypatch.setattr(Source, "_read", counted_read)
    monkeypatch.setattr(ImportOptions, "read", counted_options)
    return looks
