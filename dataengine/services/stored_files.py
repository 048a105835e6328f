"""Files on their way into the storage, and out of it again where the row that was to name them was not written.

File and row cannot be one transaction, so the file is stored first. What a killed process leaves without a row is
swept away after a day (``import_runs.sweep_storage``).
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
import uuid
from contextlib import suppress
from pathlib import Path, PurePath
from typing import BinaryIO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import InterfaceError, OperationalError

from dataengine.exceptions import Conflict, Unavailable
from dataengine.models import SOURCE_FOLDER

logger = logging.getLogger(__name__)

_UNLOCKED_SECONDS = 10.0
_SHUTDOWN = "57P"
"""How the codes of errors begin with which PostgreSQL ends sessions."""


def key_of(file: object) -> str:
    """Where a file is stored already; '' if it is not, or not by us. Copies of a file are around it."""
    return str(getattr(file, "key", "") or getattr(getattr(file, "file", None), "key", ""))


def store(file: BinaryIO, filename: str) -> str:
    """Stream the file to the storage under a key that nobody can guess, independent of its name."""
    suffix = "".join(PurePath(filename).suffixes[-2:])[-20:]
    safe = "".join(char for char in suffix if char.isalnum() or char == ".")
    content = file if isinstance(file, File) else File(file, name=filename)
    key = f"{SOURCE_FOLDER}/{uuid.uuid4().hex}{safe}"
    try:
        return default_storage.save(key, content)
    except FileNotFoundError as error:  # of two requests that move the same upload, the other one was first
        raise Conflict("Another import has taken this file.", code="file_gone") from error
    except OSError as error:
        logger.exception("An upload could not be stored")
        with suppress(OSError):
            default_storage.delete(key)  # whatever was written
        raise Unavailable("The file could not be stored; the disk may be full.", code="storage_failed") from error


def give_back(key: str, given: str) -> None:
    """Undo ``store`` for a file that was stored as ``given`` before: who uploaded it can use it for something else."""
    if given and not default_storage.exists(given):  # it was moved, which only file systems do
        Path(default_storage.path(key)).replace(default_storage.path(given))
    else:
        default_storage.delete(key)


def is_unnamed(error: BaseException) -> bool:
    """Whether the row of a file was surely not written, by how its transaction or statement ended.

    If the connection was lost, PostgreSQL may have committed, and nobody heard of it.
    """
    if not isinstance(error, OperationalError | InterfaceError):
        return True
    state = getattr(error.__cause__, "sqlstate", None)
    return state is not None and not state.startswith(_SHUTDOWN)


def forget_abandoned() -> int:
    """Delete files that a request was bringing when its process was killed. Returns how many.

    Who receives one holds its lock (``HoldingUploadHandler``), but for a moment after making it.
    """
    count = 0
    for path in Path(settings.FILE_UPLOAD_TEMP_DIR).glob("*.upload*"):
        with suppress(FileNotFoundError, BlockingIOError), path.open("rb") as file:
            if time.time() - os.fstat(file.fileno()).st_mtime > _UNLOCKED_SECONDS:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
                count += 1
    return count
