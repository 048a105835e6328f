"""Files fetched from addresses into the storage, within bounds of size and time: over https, or from a bucket in S3."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path, PurePath
from typing import IO, Any, BinaryIO, NamedTuple, cast
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.files.storage import default_storage

from dataengine import outgoing
from dataengine.exceptions import AccessDenied, InvalidInput, TooLarge, Unavailable
from dataengine.imports.reading.kinds import check_name
from dataengine.jobs.failures import PutOff
from dataengine.models import SOURCE_FOLDER
from dataengine.postgres import locks
from dataengine.services import fetch_turns
from dataengine.services.imports import check_size, safe_name
from dataengine.services.stored_files import store

SECONDS = 3600.0
"""How long a download may take in all."""
IDLE_SECONDS = 30.0
"""How long it may bring nothing."""
SLOWEST_BYTES = 64 * 1024
SLOW_SECONDS = 60.0
"""In each such time so many bytes must come: one that trickles would keep all other files of its user waiting."""
LONGEST_URL = 2000
_HEAD_BYTES = 512
_PASSING = frozenset({408, 425, 429})
_BY_CONTENT_TYPE = {
    "text/csv": ".csv",
    "text/plain": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.apache.parquet": ".parquet",
    "application/zip": ".zip",
}
_BY_BEGINNING = (
    (b"PAR1", ".parquet"),
    (b"\x1f\x8b", ".csv.gz"),
    (b"PK\x03\x04", ".xlsx"),
    (b"\xd0\xcf\x11\xe0", ".xls"),
)
_PAGES = (b"<!doctype html", b"<html")


class Unchanged(Exception):
    """The address has what it had before."""


class Known(NamedTuple):
    """What an address said of its file the last time, to be asked whether that still holds."""

    etag: str = ""
    last_modified: str = ""


@dataclass
class Fetched:
    """A file that was fetched. ``file`` can be read; ``keep`` gives its key in the storage, where it stays."""

    file: BinaryIO
    filename: str
    size: int
    known: Known
    keep: Callable[[], str]


class _Answer(NamedTuple):
    pieces: Iterator[bytes]
    size: int | None  # as announced
    names: list[str]  # that the file may have, the best first
    content_type: str
    known: Known


def check(url: str) -> None:
    """Raise AccessDenied where nothing is fetched, InvalidInput for a URL that can never be right."""
    if not settings.REMOTE_SOURCES:
        raise AccessDenied(
            "Nothing is fetched from addresses here; REMOTE_SOURCES=1 allows it.", code="remote_sources_off"
        )
    try:
        if len(url) > LONGEST_URL:
            raise outgoing.Refused(f"This URL has more than {LONGEST_URL:,} characters.")
        if urlsplit(url).scheme == "s3":
            _bucket_and_key(url)
        else:
            outgoing.check_url(url)
    except (outgoing.Refused, ValueError) as error:
        reason = str(error) if isinstance(error, outgoing.Refused) else "This is not a URL."
        raise InvalidInput(f"url: {reason}", code="source_refused", fields={"url": reason}) from error


@contextmanager
def fetched(
    url: str,
    progress: Callable[[int, int | None], None],
    *,
    user_id: int,
    known: Known | None = None,
    is_last: bool = True,
) -> Iterator[Fetched]:
    """Fetch a file for a user; unless it is kept, it is gone afterwards.

    ``progress`` gets the bytes that are here and, where they are announced, those that there are; it ends the download
    by raising. Raises InvalidInput (``source_refused``, ``source_failed``, ``not_csv``), TooLarge
    (``source_too_large``), or Unavailable, if another attempt may help and this is not the last one, in place of
    ``source_unreachable``; Unchanged if the file is the one that is ``known``; PutOff while another file is fetched for
    the user, or if no worker would be left for anything else.
    """
    with locks.place_to_fetch(user_id, fetch_turns.places()) as has_place:
        if not has_place:
            raise PutOff("Other files are being fetched.")
        with _fetched(url, progress, known, is_last=is_last) as found:
            yield found


@contextmanager
def _fetched(
    url: str, progress: Callable[[int, int | None], None], known: Known | None, *, is_last: bool
) -> Iterator[Fetched]:
    here, announced = 0, None

    def tell() -> None:
        progress(here, announced)

    with _place() as place, _opened(url, tell, known or Known(), is_last=is_last) as answer:
        announced = answer.size
        if announced is not None:
            _check_size(announced)
        since, here_then = time.monotonic(), 0
        deadline = since + SECONDS
        for piece in answer.pieces:
            now = time.monotonic()
            if now > deadline:
                raise outgoing.Unreachable(f"It was not all here within {SECONDS:,.0f} seconds.")
            here += len(piece)
            if now > since + SLOW_SECONDS:
                if here < here_then + SLOWEST_BYTES:
                    raise outgoing.Unreachable(
                        f"Less than {SLOWEST_BYTES:,} bytes came in {SLOW_SECONDS:,.0f} seconds."
                    )
                since, here_then = now, here
            _check_size(here)
            place.file.write(piece)
            tell()
        place.file.flush()
        head = _head(place.file)
        name = _named(answer.names, answer.content_type, head)
        file = cast("BinaryIO", place.file)
        yield Fetched(file, name, here, answer.known, lambda: place.keep(name))


# Where it comes from ------------------------------------------------------------------------------------------------


@contextmanager
def _opened(url: str, tell: Callable[[], None], known: Known, *, is_last: bool) -> Iterator[_Answer]:
    check(url)
    source = _bucket(url, tell, known) if urlsplit(url).scheme == "s3" else _address(url, tell, known, is_last=is_last)
    try:
        with source as answer:
            yield answer
    except outgoing.Refused as error:
        raise InvalidInput(str(error), code="source_refused") from error
    except outgoing.Unreachable as error:
        raise _passing("source_unreachable", str(error), is_last=is_last) from error


@contextmanager
def _address(url: str, tell: Callable[[], None], known: Known, *, is_last: bool) -> Iterator[_Answer]:
    headers = {"User-Agent": "Tablekeep", "Accept": "*/*"}
    if known.etag:
        headers["If-None-Match"] = known.etag
    if known.last_modified:
        headers["If-Modified-Since"] = known.last_modified
    with outgoing.download(url, headers, outgoing.Patience(tell, SECONDS, IDLE_SECONDS)) as answer:
        if answer.status == 304 and any(known):
            raise Unchanged
        if answer.status != 200:
            reason = f"The address answered {answer.status}."
            if answer.status in _PASSING or answer.status >= 500:
                raise _passing("source_failed", reason, is_last=is_last)
            raise InvalidInput(reason, code="source_failed")
        said = answer.headers
        plain = said.get("content-encoding", "identity").strip().lower() in ("", "identity")
        length = said.get("content-length", "")
        # Cut or beyond ASCII, they could not be sent back.
        now = Known(_sendable(said.get("etag", ""), 500), _sendable(said.get("last-modified", ""), 100))
        if now.etag and now.etag == known.etag:
            raise Unchanged
        yield _Answer(
            answer.pieces,
            int(length) if plain and length.isdecimal() and len(length) < 19 else None,
            [_disposed(said.get("content-disposition", "")), name_in(answer.url), name_in(url)],
            said.get("content-type", "").partition(";")[0].strip().lower(),
            now,
        )


def _sendable(header: str, most: int) -> str:
    return header if header.isascii() and len(header) <= most else ""


@contextmanager
def _bucket(url: str, tell: Callable[[], None], known: Known) -> Iterator[_Answer]:
    """An object in a bucket that the installation names, with its credentials (``AWS_…``)."""
    import boto3  # 20 MB, and only where there are buckets
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = _bucket_and_key(url)
    tell()
    config = Config(connect_timeout=10, read_timeout=IDLE_SECONDS, retries={"max_attempts": 2})
    try:
        found = boto3.client("s3", config=config).get_object(Bucket=bucket, Key=key)
        pieces: Iterator[bytes] = found["Body"].iter_chunks(256 * 1024)
        now = Known(found.get("ETag", ""))
        if now.etag and now.etag == known.etag:
            raise Unchanged
        yield _Answer(pieces, found["ContentLength"], [key], found.get("ContentType", ""), now)
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status >= 500:
            raise outgoing.Unreachable(f"The store answered {status}.") from error
        raise InvalidInput(f"The store answered {status or 'with an error'}.", code="source_failed") from error
    except BotoCoreError as error:
        raise outgoing.Unreachable(f"The store did not answer: {type(error).__name__}.") from error


def _bucket_and_key(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    key = unquote(parts.path.lstrip("/"))
    if parts.query or parts.fragment or "@" in parts.netloc or not key:
        raise outgoing.Refused("Give an object as s3://bucket/key.")
    if parts.netloc not in settings.SOURCE_BUCKETS:
        raise outgoing.Refused("This bucket is not one that SOURCE_BUCKETS names.")
    return parts.netloc, key


def _passing(code: str, reason: str, *, is_last: bool) -> InvalidInput | Unavailable:
    return InvalidInput(reason, code=code) if is_last else Unavailable(reason, code=code)


def _check_size(size: int) -> None:
    try:
        check_size(size)
    except TooLarge as error:
        raise TooLarge(error.message, code="source_too_large") from error


# What it is called --------------------------------------------------------------------------------------------------


def _named(names: list[str], content_type: str, head: bytes) -> str:
    """The file's name, with an ending that says what it is. Raises InvalidInput for a page of the web."""
    if head.lstrip()[:20].lower().startswith(_PAGES):
        raise InvalidInput("The address gave a web page, not a file of records.", code="not_csv")
    found = [safe_name(name) for name in names if name.strip("/ ")]
    is_packed = head.startswith(b"\x1f\x8b")
    for name in found:
        # What a server packs for the way has been unpacked, though its name may say otherwise.
        bare = name[: -len(".gz")] if name.lower().endswith(".gz") and not is_packed else name
        with suppress(InvalidInput):
            check_name(bare)
            return bare
    ending = next((end for magic, end in _BY_BEGINNING if head.startswith(magic)), None)
    stem = found[0] if found else "file"
    return stem[:240] + (ending or _BY_CONTENT_TYPE.get(content_type, ".csv"))


def _disposed(header: str) -> str:
    """The name in a Content-Disposition."""
    message = Message()
    message["Content-Disposition"] = header.replace("\r", "").replace("\n", "")
    try:
        return message.get_filename() or ""
    except (LookupError, ValueError):
        return ""


def name_in(url: str) -> str:
    """The name of a file that its URL tells; empty if there is none."""
    return PurePath(unquote(urlsplit(url).path, errors="replace")).name


def _head(file: IO[bytes]) -> bytes:
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    return head


# Where it goes ------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    file: IO[bytes]
    keep: Callable[[str], str]


def _place() -> AbstractContextManager[_Place]:
    try:
        folder = default_storage.path(SOURCE_FOLDER)
    except NotImplementedError:
        return _elsewhere()
    return _in_folder(folder)


@contextmanager
def _in_folder(folder: str) -> Iterator[_Place]:
    """A file where it will stay. What a killed process leaves there is swept away like an upload without an import."""
    name = uuid.uuid4().hex
    path = Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    kept: list[str] = []

    def keep(_: str) -> str:
        kept.append(f"{SOURCE_FOLDER}/{name}")
        return kept[0]

    try:
        with path.open("xb+") as file:
            yield _Place(file, keep)
    finally:
        if not kept:
            path.unlink(missing_ok=True)


@contextmanager
def _elsewhere() -> Iterator[_Place]:
    """A file without a name, which is sent on to the store when it is kept."""
    with tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
        yield _Place(file, lambda name: store(cast("Any", file), name))
