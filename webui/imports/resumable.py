"""Uploads that arrive in pieces (tus), before they are drafts.

A file on disk grows to the announced size and then becomes a draft; its size *is* the progress of the upload.
Everything else is in the upload's signed token, which is also the draft's. So nothing has to be kept in sync, and any
process that sees the folder can receive a piece.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import Conflict, TooLarge, Unavailable
from dataengine.imports.reading.kinds import check_name
from dataengine.services import storage_quota
from dataengine.services.imports import check_size
from webui.imports import drafts

if TYPE_CHECKING:
    from django.contrib.auth.models import User

FOLDER = storage_quota.PARTIAL
_COPIED_AT_ONCE = 256 << 10


class Stream(Protocol):
    """The source of a piece."""

    def read(self, size: int, /) -> bytes: ...


class Busy(Conflict):
    """Another request is writing to this upload."""

    code = "upload_locked"
    status = 423


class OffsetMismatch(Conflict):
    """The piece does not begin where the upload ends."""

    code = "wrong_offset"


class PartialUpload:
    """One upload: ``size`` bytes in all, of which ``offset()`` have arrived."""

    def __init__(self, ticket: drafts.Ticket) -> None:
        self.token = ticket.token
        self.filename = ticket.filename
        self.size = ticket.size
        self.expires = ticket.expires
        self._key = ticket.key
        self._path = _folder() / Path(ticket.key).name

    def offset(self) -> int:
        """How many bytes have arrived. Raises NotFound if the upload was cancelled, used up or swept away."""
        try:
            here = self._path.stat().st_size
        except FileNotFoundError:
            if default_storage.exists(self._key):
                return self.size
            raise drafts.gone() from None
        if here == self.size:
            with self._locked() as file:
                self._finish(file)
        return here

    def append(self, offset: int, stream: Stream) -> int:
        """Append a piece at ``offset``; the last one makes the upload a draft. Returns the new offset.

        Raises OffsetMismatch, Busy, NotFound, TooLarge (nothing of the piece is kept), or Unavailable if the disk is
        full (what fitted is kept).
        """
        with self._locked() as file:
            if file.seek(0, os.SEEK_END) != offset:
                raise OffsetMismatch(f"The upload has {file.tell()} bytes, not {offset}.")
            while piece := stream.read(_COPIED_AT_ONCE):
                if file.tell() + len(piece) > self.size:
                    file.truncate(offset)
                    raise TooLarge(f"The upload was announced with {self.size:,} bytes, but more were sent.")
                _write(file, piece)
            here = file.tell()
            if here == self.size:
                self._finish(file)
        return here

    def discard(self) -> None:
        """Remove it, whether it is a partial upload or a draft."""
        self._path.unlink(missing_ok=True)
        default_storage.delete(self._key)

    @contextmanager
    def _locked(self) -> Iterator[IO[bytes]]:
        try:
            # Unbuffered, so that everything written is in the file, whatever happens next.
            with self._path.open("r+b", buffering=0) as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise Busy("Another request is sending this file.") from None
                yield file
        except FileNotFoundError:
            raise drafts.gone() from None

    def _finish(self, file: IO[bytes]) -> None:
        """Make it a draft. Called under the lock, so only once; a missing file has already become one."""
        if not self._path.exists():
            return
        file.flush()
        if default_storage.exists(self._key):  # the process that stored it ended before it could remove this
            self._path.unlink()
            return
        with _Complete(self._path.open("rb"), name=str(self._path)) as content:
            default_storage.save(self._key, content)
        self._path.unlink(missing_ok=True)


class _Complete(File):  # type: ignore[type-arg]  # generic in the stubs only
    """Lets a storage in the file system move the file instead of copying it."""

    def temporary_file_path(self) -> str:
        """Its path."""
        return str(self.name)


def begin(user: User, filename: str, size: int, table: str = "") -> PartialUpload:
    """An upload of ``size`` bytes that ``user`` is about to send, meant for ``table`` if that is given.

    Raises InvalidInput, TooLarge, Conflict beyond the user's quota, or NotFound or AccessDenied for a table that the
    user may not change.
    """
    key = access.get_table(user, table, "edit").pk if table else None
    check_name(filename)
    if size == 0:
        raise drafts.empty_file()
    check_size(size)
    if not drafts.is_local():
        forget_old()  # the hourly task may run on a machine that does not see this folder
    with transaction.atomic():
        # From here on all of its announced size counts, whatever arrives of it.
        storage_quota.check(user, size, lock=True)
        partial = PartialUpload(drafts.issue(user, filename, size, key))
        partial._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial._path.touch(mode=0o600, exist_ok=False)
    return partial


def find(user: User, token: str) -> PartialUpload:
    """The upload of this token. See ``drafts.read_ticket`` for what it raises."""
    return PartialUpload(drafts.read_ticket(user, token))


def forget_old() -> None:
    """Remove partial uploads that have not grown for a day."""
    oldest = (timezone.now() - drafts.KEPT).timestamp()
    if not _folder().is_dir():
        return
    for path in _folder().iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue  # another process removed it at the same time


def _write(file: IO[bytes], piece: bytes) -> None:
    view = memoryview(piece)
    try:
        while view:
            view = view[file.write(view) :]
    except OSError as error:
        raise Unavailable("The file could not be stored; the disk may be full.", code="storage_failed") from error


def _folder() -> Path:
    """Next to the stored files if these are in a file system, where other machines can see it too."""
    if drafts.is_local():
        return Path(default_storage.path(FOLDER))
    return Path(settings.FILE_UPLOAD_TEMP_DIR) / FOLDER
