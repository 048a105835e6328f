"""A start collects static files only if there is something new in them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from webui import collected


def test_the_same_sources_are_collected_once(settings: Any, tmp_path: Path) -> None:
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "a.txt").write_text("one")
    settings.STATIC_ROOT = str(tmp_path / "collected")
    settings.STATICFILES_DIRS = [ours]
    settings.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    made = Path(settings.STATIC_ROOT) / "a.txt"

    collected.collect()
    assert made.read_text() == "one"
    made.write_text("what a second collecting would put right")
    os.utime(made, (0, 0))
    collected.collect()
    assert made.read_text() == "what a second collecting would put right"
    (ours / "a.txt").write_text("two, longer")
    collected.collect()
    assert made.read_text() == "two, longer"
