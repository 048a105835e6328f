"""Links that show a view of a table to whoever has them: read-only, unguessable, revocable, and only for a time.

Nothing is shown unless the installation allows it (``PUBLIC_LINKS``), and only as long as who made the link still owns
the table. Of the table only the chosen columns of the records that the link's own filters select are shown.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone

from dataengine import access
from dataengine.exceptions import AccessDenied, Conflict, InvalidInput, NotFound
from dataengine.models import Column, PublicLink, Table
from dataengine.models.public_links import MAX_LINK_NAME
from dataengine.models.shapes import AccountDetails
from dataengine.queries.listing import Selection, select
from dataengine.records.model import record_model
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MAX_DAYS = 366
MAX_LINKS = 100
_LONGEST_QUERY = 4_000
_NOT_OF_A_VIEW = ("page", "cursor", "limit", "count")


def make(
    *, user: User, table: Table, name: str, days: int, query: str = "", columns: Sequence[Column] | None = None
) -> tuple[PublicLink, str]:
    """A new link for so many days, and its secret, which nobody can be told again.

    ``query`` are the grid's parameters: what they select and order now is what the link shows. Raises InvalidInput.
    """
    _check_allowed()
    name = name.strip()
    if not name or len(name) > MAX_LINK_NAME:
        raise _invalid("name", f"Give a name of at most {MAX_LINK_NAME} characters.")
    if not 1 <= days <= MAX_DAYS:
        raise _invalid("days", f"Give a number of days from 1 to {MAX_DAYS}.")
    view = QueryDict(query[: _LONGEST_QUERY + 1], mutable=True)
    for gone in _NOT_OF_A_VIEW:
        view.pop(gone, None)
    kept = view.urlencode()
    if len(kept) > _LONGEST_QUERY:
        raise _invalid("query", "These filters are too long for a link.")
    select(record_model(table), view)  # filters that make no sense are refused now
    shown = table.all_columns() if columns is None else columns
    if not shown:
        raise _invalid("columns", "There is no column to show.")
    secret = secrets.token_urlsafe(32)
    with transaction.atomic():
        Table.objects.select_for_update(no_key=True).get(pk=table.pk)  # of two at once, one counts the other's
        if table.public_links.count() >= MAX_LINKS:
            raise Conflict(f"The table has {MAX_LINKS} links; revoke one first.", code="too_many_links")
        link = PublicLink.objects.create(
            table=table, user=user, name=name, digest=_digest(secret), query=kept,
            columns=[column.pk for column in shown], expires_at=timezone.now() + timedelta(days=days),
        )  # fmt: skip
        details: AccountDetails = {"name": name, "expires_at": link.expires_at.isoformat()}
        record_event(user=user, table=table, action="link.created", details=details)
    return link, secret


def revoke(*, user: User, table: Table, pk: int) -> None:
    """End a link at once. Raises NotFound."""
    with transaction.atomic():
        link = table.public_links.filter(pk=pk).first()
        if link is None:
            raise NotFound(f"The table has no link {pk}.", code="link_not_found")
        record_event(user=user, table=table, action="link.revoked", details={"name": link.name})
        link.delete()


def opened(secret: str) -> PublicLink:
    """The link with this secret. Raises NotFound if there is none that shows anything (any more)."""
    found = None
    if settings.PUBLIC_LINKS:
        links = PublicLink.objects.select_related("table", "user")
        found = links.filter(digest=_digest(secret), expires_at__gt=timezone.now(), table__trashed_at=None).first()
    if found is None or "own" not in access.rights_of(found.user, found.table):
        raise NotFound("This link shows nothing. It may have expired, or been revoked.", code="link_not_found")
    return found


def view_of(link: PublicLink) -> tuple[Selection, list[Column]]:
    """What a link shows: records in their order, and columns. Raises NotFound if the table has changed too much."""
    columns = {column.pk: column for column in link.table.all_columns()}
    shown = [columns[key] for key in link.columns if key in columns]
    try:
        selection = select(record_model(link.table, list(columns.values())), QueryDict(link.query))
    except InvalidInput:
        shown = []
    if not shown:
        raise NotFound("This link shows nothing any more: the table has changed.", code="link_not_found")
    return selection, shown


def _check_allowed() -> None:
    if not settings.PUBLIC_LINKS:
        raise AccessDenied("This installation allows no public links.")


def _digest(secret: str) -> str:
    # The secret is random and long: no slow hash is needed.
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _invalid(field: str, reason: str) -> InvalidInput:
    return InvalidInput(f"{field}: {reason}", fields={field: reason})
