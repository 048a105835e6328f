"""The only way in to a table, an import or a change of many records.

Access is decided in the fetch, so that no entrance can forget it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

from django.contrib.contenttypes.models import ContentType
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, CharField, Model, Q, QuerySet, Subquery, When
from django.db.models.functions import Cast, JSONObject
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import get_group_perms, get_objects_for_user, get_user_perms

from dataengine.exceptions import AccessDenied, NotFound
from dataengine.models import ChangeJob, Column, ImportJob, Index, Table
from dataengine.models.tables import Known

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

type Right = Literal["view", "edit", "design", "own"]
# Each right includes those before it.
RIGHTS: tuple[Right, ...] = get_args(Right.__value__)


def codenames_granting(right: Right) -> list[str]:
    """The permissions of which any one gives ``right``."""
    return [f"{name}_table" for name in RIGHTS[RIGHTS.index(right) :]]


def tables_for(user: User | AnonymousUser, right: Right = "view") -> QuerySet[Table]:
    """Every table on which ``user`` holds ``right``, by owning it or by a grant."""
    if not user.is_authenticated or not user.is_active:
        return Table.objects.none()
    granted = get_objects_for_user(
        user, codenames_granting(right), klass=Table, any_perm=True, with_superuser=False, use_groups=True
    )
    return Table.objects.filter(Q(owner=user) | Q(pk__in=granted.order_by().values("pk"))).select_related("owner")


def rights_of(user: User | AnonymousUser, table: Table) -> frozenset[Right]:
    """The rights that ``user`` holds on ``table``; empty for a stranger."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    if table.owner_id == user.pk:
        return frozenset(RIGHTS)
    if table.known is not None and table.known.user_id == user.pk:
        codenames = table.known.rights
    else:
        codenames = frozenset(map(str, [*get_user_perms(user, table), *get_group_perms(user, table)]))
    granted = {name.removesuffix("_table") for name in codenames}
    highest = max((index for index, right in enumerate(RIGHTS) if right in granted), default=-1)
    return frozenset(RIGHTS[: highest + 1])


def get_table(user: User | AnonymousUser, name: str, right: Right) -> Table:
    """The table called ``name``.

    Raises NotFound to strangers (whether it exists is none of their business) and AccessDenied to people who may see
    it but lack ``right``.
    """
    # No name holds a NUL, and PostgreSQL would not even take the question.
    table = None if "\0" in name else _fetched(user, name)
    held = rights_of(user, table) if table is not None else frozenset[Right]()
    if table is None or "view" not in held:
        raise NotFound(f"There is no table “{name}”.", code="table_not_found")
    if right not in held:
        raise AccessDenied(f"You may not {_verb(right)} the table “{name}”.")
    return table


def _fetched(user: User | AnonymousUser, name: str) -> Table | None:
    """The table with its columns, search index and the user's grants (``Table.known``): all in one question."""
    columns: list[Any] = list(
        Column.objects.filter(table__name=name)
        .select_related("table", "references")
        .annotate(
            search_index=Subquery(
                Index.objects.filter(table__name=name, column=None).values(
                    found=JSONObject(id="id", state="state", method="method", covers="covers")
                )
            ),
            # Owners have every right: theirs are not looked up.
            **{
                kind: Case(When(table__owner=user.pk, then=None), default=ArraySubquery(grants))
                for kind, grants in _grants(user, name).items()
            },
        )
    )
    if not columns:
        return Table.objects.select_related("owner").filter(name=name).first()
    first = columns[0]
    table: Table = first.table
    for column in columns:
        column.table = table
    index = Index(table=table, **first.search_index) if first.search_index else None
    table.known = Known(columns, index, user.pk, frozenset([*(first.granted or ()), *(first.granted_to_group or ())]))
    return table


def _grants(user: User | AnonymousUser, name: str) -> dict[str, QuerySet[Model, Any]]:
    # Not tied to the query around them, so that they are looked up once and not once a column.
    key = Subquery(Table.objects.filter(name=name).values_list(Cast("pk", CharField())))
    of = {"content_type": ContentType.objects.get_for_model(Table), "object_pk": key}
    return {
        "granted": UserObjectPermission.objects.filter(user=user.pk, **of).values("permission__codename"),
        "granted_to_group": GroupObjectPermission.objects.filter(group__user=user.pk, **of).values(
            "permission__codename"
        ),
    }


def imports_for(user: User | AnonymousUser) -> QuerySet[ImportJob]:
    """Every import of a table that ``user`` may see, and the user's own whose table is not there (yet, or any more)."""
    if not user.is_authenticated or not user.is_active:
        return ImportJob.objects.none()
    visible = tables_for(user).order_by().values("pk")
    return ImportJob.objects.filter(Q(table__in=visible) | Q(table__isnull=True, user=user)).select_related(
        "table", "user"
    )


def get_import(user: User | AnonymousUser, pk: int, right: Right = "view") -> ImportJob:
    """The import with that id. Raises NotFound to strangers, AccessDenied without ``right`` on its table."""
    job = imports_for(user).filter(pk=pk).first()
    if job is None:
        raise NotFound(f"There is no import {pk}.", code="import_not_found")
    if job.table is not None and right not in rights_of(user, job.table):
        raise AccessDenied(f"You may not {_verb(right)} the table “{job.table_name}”.")
    return job


def get_change(user: User | AnonymousUser, pk: int, right: Right = "view") -> ChangeJob:
    """The change job with that id. Raises NotFound to strangers, AccessDenied without ``right`` on its table."""
    jobs = ChangeJob.objects.filter(table__in=tables_for(user).order_by().values("pk"))
    job = jobs.select_related("table__owner", "user").filter(pk=pk).first()
    if job is None:
        raise NotFound(f"There is no change {pk}.", code="change_not_found")
    if right not in rights_of(user, job.table):
        raise AccessDenied(f"You may not {_verb(right)} the table “{job.table}”.")
    return job


def _verb(right: Right) -> str:
    return {"view": "see", "edit": "change records in", "design": "change the columns of", "own": "delete or share"}[
        right
    ]
