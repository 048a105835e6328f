"""Tells when a file goes into a table a second time."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import BinaryIO

from django.db.models import Q, QuerySet

from dataengine.imports.planning.recipes import RECIPE_DIFFERS
from dataengine.models import ImportJob, Table
from dataengine.models.shapes import Caution

SAME_FILE = "same_file"
_HASHED_BYTES = 1 << 20


def sha256_of(file: BinaryIO) -> str:
    """The SHA-256 of a file, which is at its beginning again afterwards."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(_HASHED_BYTES):
        digest.update(piece)
    file.seek(0)
    return digest.hexdigest()


@contextmanager
def hashing(file: BinaryIO) -> Iterator[Future[str]]:
    """The SHA-256 of a file, found by another thread while the block reads the file, too.

    A file without a descriptor, such as one in memory, is hashed first. The thread has ended when the block is left.
    """
    try:
        descriptor = file.fileno()
    except (AttributeError, OSError):
        known: Future[str] = Future()
        known.set_result(sha256_of(file))
        yield known
        return
    with ThreadPoolExecutor(1, thread_name_prefix="sha256") as thread:
        yield thread.submit(_sha256_at, descriptor)


def _sha256_at(descriptor: int) -> str:
    """Read by position: the file's own position belongs to somebody else."""
    digest, position = hashlib.sha256(), 0
    while piece := os.pread(descriptor, _HASHED_BYTES, position):
        digest.update(piece)
        position += len(piece)
    return digest.hexdigest()


def cautions(table: Table | None, sha256: str) -> list[Caution]:
    """Whether a file with this content was imported into the table before, and that was not undone, or is now."""
    before = None if table is None else _imports(table).filter(sha256=sha256).first()
    if before is None:
        return []
    if before.state in ImportJob.ACTIVE:
        message = f"This file is being imported into this table already: import {before.pk}."
    else:
        assert before.finished_at is not None
        when = f"{before.finished_at:%Y-%m-%d %H:%M}"
        message = f"This file was imported into this table before: import {before.pk}, {when} UTC."
    return [{"code": SAME_FILE, "message": message}]


def cautions_of(table: Table, file: BinaryIO, size: int) -> list[Caution]:
    """The same for a file that is not stored yet. It is read only if one of its size was imported."""
    if not _imports(table).filter(bytes_total=size).exists():
        return []
    return cautions(table, sha256_of(file))


def known(job: ImportJob) -> list[Caution]:
    """What was told when the import was started: the import itself does not find it out again."""
    told: list[Caution] = job.findings.get("warnings", [])
    return [caution for caution in told if caution["code"] in (SAME_FILE, RECIPE_DIFFERS)]


def _imports(table: Table) -> QuerySet[ImportJob]:
    kept = Q(state__in=[*ImportJob.ACTIVE, ImportJob.State.COMPLETED]) & ~Q(options__contains={"dry_run": True})
    return table.imports.filter(kept).order_by("-pk")
