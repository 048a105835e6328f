"""Uploaded files between the page that shows what is in them and the import that starts from there.

A draft is a file in the storage and a signed token in the page; there is nothing else to keep in step. Starting the
import moves the file (in a file system: renames it), so a gigabyte is not copied again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a token says: whose file of what name and size lies, or will lie, under what key, and until when."""

    token: str
    key: str
    filename: str
    size: int
    expires: datetime


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


def issue(user: User, filename: str, size: int) -> Ticket:
    """A token for a file of ``user``, under a key that nobody can guess."""
    name = PurePath(filename.replace("\\", "/")).name[-_LONGEST_NAME:] or "file"
    key = f"{FOLDER}/{uuid.uuid4().hex}"
    expires = timezone.now().replace(microsecond=0) + KEPT
    token = signing.dumps([user.pk, key, name, size, int(expires.timestamp())], salt=_SALT)
    return Ticket(token, key, name, size, expires)


def read_ticket(user: User, token: str) -> Ticket:
    """What a token of ``user`` says. Raises NotFound where it is too old, forged, or somebody else's."""
    try:
        owner, key, filename, size, until = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise gone() from error
    expires = datetime.fromtimestamp(until, UTC)
    if owner != user.pk or expires < timezone.now():
        raise gone()
    return Ticket(token, key, filename, size, expires)


def store(user: User, uploaded: UploadedFile[Any]) -> Draft:
    """Keep an upload for a day. Raises InvalidInput for an empty one."""
    if not uploaded.size:
        raise empty_file()
    ticket = issue(user, uploaded.name or "", uploaded.size)
    default_storage.save(ticket.key, uploaded)
    return _opened(ticket)


def find(user: User, token: str) -> Draft:
    """The draft that a page of ``user`` names. Raises NotFound where it is used up, too old, or somebody else's."""
    try:
        return _opened(read_ticket(user, token))
    except FileNotFoundError as error:
        raise gone() from error


def gone() -> NotFound:
    """The answer to whoever asks for what is not there, or not theirs."""
    return NotFound("This upload is not there any more; choose the file again.", code="draft_gone")


def empty_file() -> InvalidInput:
    return InvalidInput("This file is empty.", code="empty_file", fields={"file": "This file is empty."})


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


def is_local() -> bool:
    """Whether the storage is a file system."""
    try:
        default_storage.path(FOLDER)
    except NotImplementedError:
        return False
    return True


def _opened(ticket: Ticket) -> Draft:
    kind: Any = LocalDraft if is_local() else Draft
    draft: Draft = kind(ticket.key, ticket.filename, ticket.token)
    return draft
