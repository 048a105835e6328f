"""How much packed files may unpack to, and which errors they can raise."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass

from dataengine.exceptions import InvalidInput

BROKEN = (EOFError, OSError, NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile)
"""Raised by the standard library for archives that are truncated, damaged, encrypted or packed in unknown ways."""


@dataclass(frozen=True, slots=True)
class SourceLimits:
    """How much a source file may unpack to, in bytes and in relation to its stored size."""

    max_unpacked_bytes: int = 64 << 30
    max_ratio: int = 1000
    ratio_free_bytes: int = 64 << 20
    """Below this unpacked size no ratio is a bomb: an honest file of repeated rows can shrink to a thousandth."""
    max_member_bytes: int = 256 << 20
    """The largest part of an .xlsx that is held in memory (its shared strings)."""


def check_unpacked(unpacked: int, stored: int, limits: SourceLimits) -> None:
    """Raise InvalidInput ``too_large`` or ``bomb`` for a file that unpacks to more than it should."""
    if unpacked > limits.max_unpacked_bytes:
        raise InvalidInput(f"The file unpacks to more than {limits.max_unpacked_bytes:,} bytes.", code="too_large")
    if unpacked > limits.ratio_free_bytes and unpacked > stored * limits.max_ratio:
        raise InvalidInput(
            f"The file unpacks to more than {limits.max_ratio:,} times its size, which no honest file does.",
            code="bomb",
        )


def only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The single file of a zip archive; folders and macOS metadata do not count."""
    members = [
        info
        for info in archive.infolist()
        if not info.is_dir() and not info.filename.startswith("__MACOSX/") and info.filename != ".DS_Store"
    ]
    if len(members) != 1:
        raise InvalidInput(
            f"A .zip has to contain exactly one file; this one contains {len(members)}.", code="multiple_members"
        )
    if members[0].flag_bits & 1:
        raise InvalidInput("The archive is encrypted; pack it without a password.", code="broken_archive")
    return members[0]
