"""How much a user may store: tables, also those in the trash, kept files, and uploads on their way to imports.

What an upload will have is in its name from its beginning, with whose it is and until when it counts. So no books are
kept of them that could be out of step with the files.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.files.storage import default_storage
from django.db.models import Sum
from django.utils import timezone

from dataengine.exceptions import Conflict
from dataengine.models import Download, ImportJob, Table
from dataengine.postgres import names, usage

if TYPE_CHECKING:
    from django.contrib.auth.models import User

DRAFTS = "drafts"
"""The folder of uploads that nobody has imported yet, in the storage."""
PARTIAL = "partial"
"""The folder of uploads that have not arrived as a whole, in the storage or, if that is remote, on this machine."""
_UPLOAD = re.compile(r"([0-9]+)-([0-9]+)-([0-9]+)-[0-9a-f]{32}")


def upload_name(user: User, size: int, expires: datetime) -> str:
    """A name for an upload, which nobody can guess, and by which it counts until it expires."""
    return f"{user.pk}-{size}-{int(expires.timestamp())}-{uuid.uuid4().hex}"


def check(user: User, size: int, *, key: str = "", lock: bool = False) -> None:
    """Raise Conflict, which says what is used, if a file of ``size`` bytes would be too much.

    ``key``: where it is stored already, and does not count a second time. ``lock``: of two that are checked at once the
    second waits until the transaction of the first is over, and finds what that has stored.
    """
    quota: int = settings.STORAGE_QUOTA
    if not quota:
        return
    if lock:
        get_user_model().objects.select_for_update(no_key=True).get(pk=user.pk)
    owned = Table.everything.filter(owner=user)
    tables = usage.table_bytes([names.trashed_table(made.pk) if made.trashed_at else made.name for made in owned])
    kept = ImportJob.objects.filter(user=user).exclude(source="")
    waiting = sum(_waiting(user, key))
    files = kept.aggregate(total=Sum("bytes_total", default=0))["total"] + waiting
    if tables + files + size <= quota:
        return
    among = f" ({waiting:,} of them in uploads that are not imported yet, which are kept for a day)" if waiting else ""
    reason = (
        f"You may store {quota:,} bytes and have {tables:,} in tables and {files:,} in files{among}; "
        f"this file has {size:,} more. Delete tables, or empty the trash."
    )
    used = {"quota": quota, "tables": tables, "files": files, "file": size}
    raise Conflict(reason, code="quota_exceeded", fields={"file": reason}, details={"storage": used})


def _waiting(user: User, key: str) -> Iterator[int]:
    """The sizes of the user's uploads and downloads that wait to be imported, but for the one with that key."""
    now = timezone.now().timestamp()
    # An upload that has just arrived may be in both folders.
    for name in {*_names_of_drafts(), *_names_of_partial_uploads()} - {PurePath(key).name}:
        found = _UPLOAD.fullmatch(name)
        if found is not None and int(found[1]) == user.pk and int(found[3]) > now:
            yield int(found[2])
    for download in Download.objects.filter(user=user).exclude(key__in=("", key)):
        if default_storage.exists(download.key):  # an import may have taken it
            yield download.bytes_total


def _names_of_drafts() -> list[str]:
    with suppress(FileNotFoundError):
        return default_storage.listdir(DRAFTS)[1]
    return []


def _names_of_partial_uploads() -> Iterator[str]:
    folders = [Path(settings.FILE_UPLOAD_TEMP_DIR) / PARTIAL]
    with suppress(NotImplementedError):  # the storage is not in a file system
        folders.append(Path(default_storage.path(PARTIAL)))
    for folder in folders:
        if folder.is_dir():
            yield from (path.name for path in folder.iterdir())
