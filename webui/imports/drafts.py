"""Uploaded files between their preview and the import that starts from there.

A draft is a file in the storage and a signed token in the page; nothing else has to be kept in sync. Starting the
import moves the file (in a file system: renames it), so a gigabyte is not copied again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from django.core import signing
from django.core.files import File
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import AccessDenied, InvalidInput, NotFound
from dataengine.services import storage_quota

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FOLDER = storage_quota.DRAFTS
KEPT = timedelta(hours=24)
_SALT = "tablekeep.draft"
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Ticket:
    """The content of a token: owner, name, size, storage key and expiry of a file that is or will be stored.

    ``table`` is the key of the table that it is meant for; None for files that become tables.
    """

    token: str
    key: str
    filename: str
    size: int
    expires: datetime
    table: int | None = None


class Draft(File):  # type: ignore[type-arg]  # generic in the stubs only
    """A stored upload with its original name (``filename``), readable from the beginning."""

    def __init__(self, key: str, filename: str, token: str) -> None:
        super().__init__(default_storage.open(key, "rb"), name=filename)
        self.key = key
        self.filename = filename
        self.token = token

    def discard(self) -> None:
        """Close and remove it, unless an import has moved it away."""
        self.close()
        default_storage.delete(self.key)


class LocalDraft(Draft):
    """A draft in the file system: storages move files that have a path instead of copying them."""

    def temporary_file_path(self) -> str:
        """Its path."""
        return default_storage.path(self.key)


def issue(user: User, filename: str, size: int, table: int | None = None) -> Ticket:
    """A token for a file of ``user``, under a key that nobody can guess."""
    name = PurePath(filename.replace("\\", "/")).name[-_LONGEST_NAME:] or "file"
    key = f"{FOLDER}/{storage_quota.upload_name(user, size, timezone.now() + KEPT)}"
    return ticket_for(user, key, name, size, table)


def ticket_for(user: User, key: str, name: str, size: int, table: int | None = None) -> Ticket:
    """A token for a file that is in the storage already."""
    expires = timezone.now().replace(microsecond=0) + KEPT
    token = signing.dumps([user.pk, key, name, size, int(expires.timestamp()), table], salt=_SALT)
    return Ticket(token, key, name, size, expires, table)


def read_ticket(user: User, token: str) -> Ticket:
    """Read a token of ``user``.

    Raises NotFound if it is too old, forged, or somebody else's, AccessDenied if the user may not change the table any
    more that it is meant for.
    """
    try:
        owner, key, filename, size, until, *more = signing.loads(token, salt=_SALT)
    except signing.BadSignature as error:
        raise gone() from error
    expires = datetime.fromtimestamp(until, UTC)
    if owner != user.pk or expires < timezone.now():
        raise gone()
    table = more[0] if more else None  # tokens of earlier versions have none
    if table is not None and not access.tables_for(user, "edit").filter(pk=table).exists():
        raise AccessDenied("You may not import into this table any more.")
    return Ticket(token, key, filename, size, expires, table)


def store(user: User, uploaded: UploadedFile[Any]) -> Draft:
    """Store an upload for a day. Raises InvalidInput for an empty one, Conflict beyond the user's quota."""
    if not uploaded.size:
        raise empty_file()
    storage_quota.check(user, uploaded.size)
    ticket = issue(user, uploaded.name or "", uploaded.size)
    default_storage.save(ticket.key, uploaded)
    return _opened(ticket)


def find(user: User, token: str) -> Draft:
    """The draft named by a page of ``user``. Raises NotFound if it is used up, too old, or somebody else's."""
    try:
        return _opened(read_ticket(user, token))
    except FileNotFoundError as error:
        raise gone() from error


def gone() -> NotFound:
    """The error for uploads that do not exist or belong to somebody else."""
    return NotFound("This upload no longer exists. Choose the file again.", code="draft_gone")


def empty_file() -> InvalidInput:
    return InvalidInput("This file is empty.", code="empty_file", fields={"file": "This file is empty."})


def forget_old() -> None:
    """Remove drafts that were not used."""
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
            continue  # another process removed it at the same time


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
