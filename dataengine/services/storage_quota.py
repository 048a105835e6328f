"""How much a user may store: tables, also those in the trash, and files that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Sum

from dataengine.exceptions import Conflict
from dataengine.models import ImportJob, Table
from dataengine.postgres import names, usage

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def check(user: User, size: int) -> None:
    """Raise Conflict, which says what is used, if a file of ``size`` bytes would be too much."""
    quota: int = settings.STORAGE_QUOTA
    if not quota:
        return
    owned = Table.everything.filter(owner=user)
    tables = usage.table_bytes([names.trashed_table(made.pk) if made.trashed_at else made.name for made in owned])
    kept = ImportJob.objects.filter(user=user).exclude(source="")
    files = kept.aggregate(total=Sum("bytes_total", default=0))["total"]
    if tables + files + size <= quota:
        return
    reason = (
        f"You may store {quota:,} bytes and have {tables:,} in tables and {files:,} in files; "
        f"this file has {size:,} more. Delete tables, or empty the trash."
    )
    used = {"quota": quota, "tables": tables, "files": files, "file": size}
    raise Conflict(reason, code="quota_exceeded", fields={"file": reason}, details={"storage": used})
