"""The only way in to a table, an import or a change of many records.

Access is checked where they are fetched, so no entrance can forget it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, get_args

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Model, Q, QuerySet
from guardian.models import GroupObjectPermission, UserObjectPermission
from guardian.shortcuts import get_group_perms, get_objects_for_user, get_user_perms
from psycopg import sql

from dataengine.columns.identifiers import composed
from dataengine.exceptions import AccessDenied, NotFound
from dataengine.models import ChangeJob, Column, ColumnLayout, ImportJob, Index, Table, TrashItem
from dataengine.models.tables import Known
from dataengine.postgres import planned

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User

type Right = Literal["view", "edit", "design", "own"]
# Each right includes those before it.
RIGHTS: tuple[Right, ...] = get_args(Right.__value__)


def right_named(name: str) -> Right:
    """The right with this name, which must be one."""
    return RIGHTS[RIGHTS.index(name)]


@dataclass(frozen=True, slots=True)
class Scope:
    """To what an API token narrows its user: a highest right, and the only tables (by id; None: all of the user's)."""

    right: Right
    tables: frozenset[int] | None = None

    def rights_on(self, table: Table) -> frozenset[Right]:
        """The rights on ``table`` that the token leaves."""
        if self.tables is not None and table.pk not in self.tables:
            return frozenset()
        return frozenset(RIGHTS[: RIGHTS.index(self.right) + 1])


_NOTED: ContextVar[set[tuple[int, Right]] | None] = ContextVar("noted", default=None)


@contextmanager
def noting() -> Iterator[set[tuple[int, Right]]]:
    """Notes what is granted meanwhile: tables, by id, that are fetched here, each with the right that it took."""
    noted: set[tuple[int, Right]] = set()
    token = _NOTED.set(noted)
    try:
        yield noted
    finally:
        _NOTED.reset(token)


def _note(table_id: int | None, right: Right) -> None:
    noted = _NOTED.get()
    if noted is not None and table_id is not None:
        noted.add((table_id, right))


def held_of(user: User, noted: Iterable[tuple[int, Right]]) -> list[tuple[int, Right]]:
    """What of that would be granted to ``user`` now. A table in the trash is there for who may restore it."""
    noted = sorted(noted)
    tables = Table.everything.in_bulk({pk for pk, _ in noted}) if noted else {}
    rights = {pk: rights_of(user, table) for pk, table in tables.items()}
    return [
        (pk, right)
        for pk, right in noted
        if pk in tables and (right if tables[pk].trashed_at is None else "own") in rights[pk]
    ]


def check_still(user: User, table: Table | None, right: Right) -> None:
    """Raise AccessDenied if ``user`` was shut out, or has lost ``right``, since work began that is about to commit.

    Both are read anew: what is in memory, ``user`` itself included, is as it was when the work began. A table in the
    trash is there for who may restore it.
    """
    user.refresh_from_db(fields=["is_active"])
    if not user.is_active:
        raise AccessDenied(f"{user} has been shut out.")
    if table is not None and not held_of(user, [(table.pk, right)]):
        raise AccessDenied(f"{user} may not {_verb(right)} the table “{table}” any more.")


def narrow(user: User, scope: Scope) -> None:
    """Have this instance of ``user`` (the one of the request) hold no more than ``scope`` leaves."""
    user._scope = scope  # type: ignore[attr-defined]  # of this request alone, so no field


def scope_of(user: User | AnonymousUser) -> Scope | None:
    """To what the request's token narrows the user; None for sessions and JSON web tokens."""
    return getattr(user, "_scope", None)  # a request's user may be a proxy, with a __dict__ of its own


def check_may_make_tables(user: User | AnonymousUser) -> None:
    """Raise AccessDenied for tokens that may not make tables: it takes ``own``, and no choice of tables.

    Whoever makes a table owns it, and a token could not open one that is not among its tables.
    """
    scope = scope_of(user)
    if scope is not None and (scope.right != "own" or scope.tables is not None):
        raise AccessDenied("This token may not make tables: that takes the right “own”, on all tables.")


def may_see_everything_done(user: User | AnonymousUser) -> bool:
    """Whether ``user`` may see what was done in the whole installation: administrators, by no narrowed token."""
    scope = scope_of(user)
    is_whole = scope is None or (scope.right == "own" and scope.tables is None)
    return bool(user.is_active and user.is_superuser and is_whole)


def codenames_granting(right: Right) -> list[str]:
    """The permissions each of which grants ``right``."""
    return [f"{name}_table" for name in RIGHTS[RIGHTS.index(right) :]]


def tables_for(user: User | AnonymousUser, right: Right = "view") -> QuerySet[Table]:
    """All tables in use on which ``user`` has ``right``, as the owner or by a grant."""
    return _held(user, right, Table.objects.all())


def trashed_tables_for(user: User | AnonymousUser) -> QuerySet[Table]:
    """All tables in the trash that are the user's own."""
    return _held(user, "own", Table.everything.exclude(trashed_at=None))


def _held(user: User | AnonymousUser, right: Right, tables: QuerySet[Table]) -> QuerySet[Table]:
    scope = scope_of(user)
    if not user.is_authenticated or not user.is_active:
        return tables.none()
    if scope is not None:
        if RIGHTS.index(right) > RIGHTS.index(scope.right):
            return tables.none()
        tables = tables if scope.tables is None else tables.filter(pk__in=scope.tables)
    granted = get_objects_for_user(
        user, codenames_granting(right), klass=tables, any_perm=True, with_superuser=False, use_groups=True
    )
    return tables.filter(Q(owner=user) | Q(pk__in=granted.order_by().values("pk"))).select_related("owner")


def rights_of(user: User | AnonymousUser, table: Table) -> frozenset[Right]:
    """The rights that ``user`` has on ``table``; empty for strangers."""
    scope = scope_of(user)
    held = _rights_without_scope(user, table)
    return held if scope is None else held & scope.rights_on(table)


def _rights_without_scope(user: User | AnonymousUser, table: Table) -> frozenset[Right]:
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
    """The table named ``name``.

    Raises NotFound to strangers (who must not learn whether it exists) and AccessDenied to users who may see it but
    lack ``right``.
    """
    # No name contains a NUL, and PostgreSQL would not accept the query.
    table = None if "\0" in name else _fetched(user, composed(name))
    held = rights_of(user, table) if table is not None else frozenset[Right]()
    if table is None or "view" not in held:
        raise NotFound(f"There is no table “{name}”.", code="table_not_found")
    if right not in held:
        raise AccessDenied(f"You may not {_verb(right)} the table “{name}”.")
    _note(table.pk, right)
    return table


def _fetched(user: User | AnonymousUser, name: str) -> Table | None:
    """The table with its columns, search index and the user's grants (``Table.known``), all in one query."""
    statement, parts = _question()
    parameters = {"user": user.pk, "kind": ContentType.objects.get_for_model(Table).pk, "name": name}
    rows = planned.rows(statement, parameters)
    if not rows:
        return None
    granted, has_changes, records, has_hidden, *first = rows[0]
    table: Table = _made(Table, first, parts[0])
    search, layout = _made(Index, first, parts[1]), _made(ColumnLayout, first, parts[2])
    columns: list[Column] = []
    for _, _, _, _, *row in rows:
        column = _made(Column, row, parts[3])
        if column is not None:
            column.table, column.references = table, _made(Table, row, parts[4])
            index = _made(Index, row, parts[5])
            if index is not None:
                index.column = column
            Column.index.related.set_cached_value(column, index)
            columns.append(column)
    table.known = Known(
        columns, search, user.pk, frozenset(granted), layout, has_changes, int(records or 0), has_hidden
    )
    return table


def _made(model: type[Any], row: Sequence[Any], part: slice) -> Any:
    values = row[part]
    if values[0] is None:
        return None
    fields = model._meta.concrete_fields
    read = [
        value if made.get_internal_type() != "JSONField" else made.from_db_value(value, None, connection)
        for made, value in zip(fields, values, strict=True)
    ]
    return model.from_db(DEFAULT_DB_ALIAS, [made.attname for made in fields], read)


@cache
def _question() -> tuple[bytes, list[slice]]:
    """The statement, and the slices of its rows: table, search index, layout, column, referenced table, index."""
    models: list[tuple[str, type[Model]]] = [
        ("t", Table), ("s", Index), ("l", ColumnLayout), ("c", Column), ("r", Table), ("i", Index)
    ]  # fmt: skip
    selected = [
        sql.Identifier(alias, str(made.column)) for alias, model in models for made in model._meta.concrete_fields
    ]
    ends = list(accumulate(len(model._meta.concrete_fields) for _, model in models))
    names = {
        model.__name__.lower(): sql.Identifier(model._meta.db_table)
        for model in (
            *(Table, Column, Index, ColumnLayout, ChangeJob),
            *(Permission, UserObjectPermission, GroupObjectPermission),
        )
    }
    members = sql.Identifier(get_user_model().groups.through._meta.db_table)
    schema = sql.Literal(Table.SCHEMA)
    statement = _ASK.format(selected=sql.SQL(", ").join(selected), members=members, schema=schema, **names)
    return statement.as_bytes(), [slice(start, end) for start, end in zip([0, *ends], ends, strict=False)]


# Without the CTE the rights would be looked up once for each column; an owner's are not looked up.
_ASK = sql.SQL("""
WITH t AS MATERIALIZED (
  SELECT *, CASE WHEN owner_id = %(user)s THEN '{{}}' ELSE ARRAY(
      SELECT p.codename FROM {userobjectpermission} g JOIN {permission} p ON p.id = g.permission_id
       WHERE g.user_id = %(user)s AND g.content_type_id = %(kind)s AND g.object_pk = {table}.id::text
       UNION ALL
      SELECT p.codename FROM {groupobjectpermission} g JOIN {permission} p ON p.id = g.permission_id
        JOIN {members} m ON m.group_id = g.group_id
       WHERE m.user_id = %(user)s AND g.content_type_id = %(kind)s AND g.object_pk = {table}.id::text
    ) END AS granted,
    EXISTS (
      SELECT FROM {changejob} j WHERE j.table_id = {table}.id
         AND (j.state IN ('queued', 'running') OR j.user_id = %(user)s AND NOT j.told)
    ) AS has_changes,
    (
      SELECT greatest(k.reltuples, 0) FROM pg_class k JOIN pg_namespace n ON n.oid = k.relnamespace
       WHERE k.relname = {table}.name AND n.nspname = {schema}
    ) AS records,
    EXISTS (SELECT FROM {column} h WHERE h.table_id = {table}.id AND h.trashed_at IS NOT NULL) AS has_hidden
    FROM {table} WHERE name = %(name)s AND trashed_at IS NULL)
SELECT t.granted, t.has_changes, t.records, t.has_hidden, {selected} FROM t
  LEFT JOIN {index} s ON s.table_id = t.id AND s.column_id IS NULL
  LEFT JOIN {columnlayout} l ON l.table_id = t.id AND l.user_id = %(user)s
  LEFT JOIN {column} c ON c.table_id = t.id AND c.trashed_at IS NULL
  LEFT JOIN {table} r ON r.id = c.references_id
  LEFT JOIN {index} i ON i.column_id = c.id
 ORDER BY c.position, c.id
""")


def imports_for(user: User | AnonymousUser) -> QuerySet[ImportJob]:
    """All imports into tables that ``user`` may see, and the user's own without a table (yet or any more).

    A table that went to the trash when its import was undone is still there for whoever may restore it. Who began an
    import that waits for a table in the trash, or failed because of that, is told.
    """
    if not user.is_authenticated or not user.is_active:
        return ImportJob.objects.none()
    scope = scope_of(user)
    trashed = trashed_tables_for(user).order_by().values("pk")
    seen = _held(user, "view", Table.everything.all()).order_by().values("pk")
    came_to_nothing = (*ImportJob.ACTIVE, ImportJob.State.FAILED, ImportJob.State.CANCELLED)
    visible = Q(table__in=seen) & (Q(table__trashed_at=None) | Q(user=user, state__in=came_to_nothing))
    visible |= Q(table__in=trashed, state=ImportJob.State.UNDONE)
    if scope is None or scope.tables is None:
        visible |= Q(table__isnull=True, user=user)
    return ImportJob.objects.filter(visible).select_related("table", "user")


def get_import(user: User | AnonymousUser, pk: int, right: Right = "view") -> ImportJob:
    """The import with that id. Raises NotFound to strangers, AccessDenied without ``right`` on its table."""
    job = imports_for(user).filter(pk=pk).first()
    if job is None:
        raise NotFound(f"There is no import {pk}.", code="import_not_found")
    scope = scope_of(user)
    if job.table is not None:
        may = right in rights_of(user, job.table)
    else:
        may = scope is None or RIGHTS.index(right) <= RIGHTS.index(scope.right)
    if not may:
        raise AccessDenied(f"You may not {_verb(right)} the table “{job.table_name}”.")
    _note(job.table_id, right)
    return job


def trash_for(user: User | AnonymousUser) -> QuerySet[TrashItem]:
    """What ``user`` may restore: tables that are the user's own, and columns of tables that the user may design."""
    own = trashed_tables_for(user).order_by().values("pk")
    designed = tables_for(user, "design").order_by().values("pk")
    visible = Q(column=None, table__in=own) | Q(column__isnull=False, table__in=designed)
    return TrashItem.objects.filter(visible, successor=None).select_related("table", "column", "deleted_by")


def get_trash(user: User | AnonymousUser, pk: int) -> TrashItem:
    """The item with that number in the trash. Raises NotFound, also to those who may not restore it."""
    item = trash_for(user).filter(pk=pk).first()
    if item is None:
        raise NotFound(f"There is nothing with the number {pk} in the trash.", code="trash_not_found")
    _note(item.table_id, "own" if item.column_id is None else "design")
    return item


def get_change(user: User | AnonymousUser, pk: int, right: Right = "view") -> ChangeJob:
    """The change job with that id. Raises NotFound to strangers, AccessDenied without ``right`` on its table."""
    visible, trashed = (made.order_by().values("pk") for made in (tables_for(user), trashed_tables_for(user)))
    jobs = ChangeJob.objects.filter(Q(table__in=visible) | Q(table__in=trashed))
    job = jobs.select_related("table__owner", "user").filter(pk=pk).first()
    if job is None:
        raise NotFound(f"There is no change {pk}.", code="change_not_found")
    if right not in rights_of(user, job.table):
        raise AccessDenied(f"You may not {_verb(right)} the table “{job.table}”.")
    _note(job.table_id, right)
    return job


def _verb(right: Right) -> str:
    return {"view": "see", "edit": "change records in", "design": "change the columns of", "own": "delete or share"}[
        right
    ]
