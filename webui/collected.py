"""Collecting the static files, but only where those that are there were not made of the very same sources."""

from __future__ import annotations

import fcntl
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command

from webui.static_files import NAMING

_STAMP = ".made-of"


def collect() -> None:
    """Have the static files in STATIC_ROOT: compressing them takes seconds, and most starts find nothing new."""
    folder = Path(settings.STATIC_ROOT)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = folder / _STAMP
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two stacks may share the folder
        made_of = _fingerprint()
        if stamp.is_file() and stamp.read_text() == made_of:
            return
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, verbosity=0, stdout=sys.stderr)
        stamp.write_text(made_of)


def _fingerprint() -> str:
    """Differs where a file differs, by size or time, that goes into the static files or says which part of one does."""
    read = hashlib.sha256()
    for path in sorted(_sources()):
        status = path.stat()
        read.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return read.hexdigest()


def _sources() -> Iterator[Path]:
    for finder in get_finders():
        for path, storage in finder.list([]):
            yield Path(storage.path(path))
    for pattern in NAMING:  # among them are the modules that bundle and trim
        yield from Path(settings.BASE_DIR).glob(pattern)
