"""Uploaded files between the page that shows what is in them and the import that starts from there.

A draft is a file in the storage and a signed token in the page; there is nothing else to keep in step. Starting the
import moves the file (in a file system: renames it), so a gigabyte is not copied again.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from dataengine.exceptions import InvalidInput, NotFound

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FOLDER = "drafts"
KEPT = timedelta(hours=24)
_SALT = "tablekeep.draft"


class Draft(File):  # type: ignore[type-arg]  # generic in the stubs only
    """A stored upload by its own name (``filename``), readable from the beginning."""

    def __init__(self, key: str, filename: str, token: str) -> None:
        super().__init__(default_storage.open(key, "rb"), name=filename)
        self.key = key
        self.filename = filename
        self.token = token

    def discard(self) -> None:
        """Close and remove it; nothing to do once an import has moved it away."""
        self.close()
        default_storage.delete(self.key)


class LocalDraft(Draft):
    """A draft in the file system: storages move a file that says where it lies instead of copying it."""

    def temporary_file_path(self) -> str:
        """Where it lies."""
        return default_storage.path(self.key)


def store(user: User, uploaded: UploadedFile[Any]) -> Draft:
    """Keep an upload for a day. Raises InvalidInput for an empty one."""
    if not uploaded.size:
        raise InvalidInput("This file is empty.", code="empty_file", fields={"file": "This file is empty."})
    forget_old()
    filename = PurePath((uploaded.name or "file").replace("\\", "/")).name
    key = default_storage.save(f"{FOLDER}/{uuid.uuid4().hex}", uploaded)
    return _opened(key, filename, signing.dumps([user.pk, key, filename], salt=_SALT))


def find(user: User, token: str) -> Draft:
    """The draft that a page of ``user`` names. Raises NotFound where it is used up, too old, or somebody else's."""
    gone = NotFound("This upload is not there any more; choose the file again.", code="draft_gone")
    try:
        owner, key, filename = signing.loads(token, salt=_SALT, max_age=KEPT)
        if owner != user.pk:
            raise gone
        return _opened(key, filename, token)
    except (signing.BadSignature, FileNotFoundError) as error:
        raise gone from error


def forget_old() -> None:
    """Remove drafts that nobody came back for."""
    try:
        _, names = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return
    for name in names:
        key = f"{FOLDER}/{name}"
        try:
            if default_storage.get_modified_time(key) < timezone.now() - KEPT:
                default_storage.delete(key)
        except FileNotFoundError:
            continue  # somebody else tidied up at the same time


def _opened(key: str, filename: str, token: str) -> Draft:
    kind: Any = LocalDraft if _is_local() else Draft
    draft: Draft = kind(key, filename, token)
    return draft


def _is_local() -> bool:
    try:
        default_storage.path(FOLDER)
    except NotImplementedError:
        return False
    return True
