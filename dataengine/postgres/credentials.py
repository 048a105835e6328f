"""Who sends a request: the user of a JSON web token or of an API token, each in one prepared statement."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model
from psycopg import sql

from dataengine.models import Account, ApiSession, ApiToken
from dataengine.postgres import planned

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Known(NamedTuple):
    """What the database knows of a JSON web token's user."""

    user: User
    generation: int
    """That of the tokens that count."""
    session_seen_at: datetime | None
    """When the token's session was last seen; None if it has ended, or there was none."""


def known_user(pk: object, session: UUID | None = None) -> Known | None:
    """The user with that key, and what tells whether a token of that session counts."""
    rows = planned.rows(_user_question(), [session, get_user_model()._meta.pk.get_prep_value(pk)])
    return Known(_made(get_user_model(), rows[0][2:]), *rows[0][:2]) if rows else None


def token_with_user(digest: str) -> tuple[ApiToken, User] | None:
    """The token with that digest and its user, unless it has expired."""
    rows = planned.rows(_token_question(), [digest])
    if not rows:
        return None
    count = len(ApiToken._meta.concrete_fields)
    token, user = _made(ApiToken, rows[0][:count]), _made(get_user_model(), rows[0][count:])
    token.user = user
    return token, user


def _made[M: Model](model: type[M], values: tuple[object, ...]) -> M:
    return model.from_db(DEFAULT_DB_ALIAS, [made.attname for made in model._meta.concrete_fields], values)


@cache
def _user_question() -> bytes:
    return (
        sql.SQL(
            "SELECT coalesce(a.token_generation, 0), s.last_seen_at, {fields} FROM {users} u"
            " LEFT JOIN {accounts} a ON a.user_id = u.id"
            " LEFT JOIN {sessions} s ON s.id = %s::uuid AND s.user_id = u.id WHERE u.id = %s"
        )
        .format(
            fields=_fields("u", get_user_model()),
            users=_table(get_user_model()),
            accounts=_table(Account),
            sessions=_table(ApiSession),
        )
        .as_bytes()
    )


@cache
def _token_question() -> bytes:
    return (
        sql.SQL(
            "SELECT {token}, {user} FROM {tokens} t JOIN {users} u ON u.id = t.user_id"
            " WHERE t.digest = %s AND (t.expires_at IS NULL OR t.expires_at > now())"
        )
        .format(
            token=_fields("t", ApiToken),
            user=_fields("u", get_user_model()),
            tokens=_table(ApiToken),
            users=_table(get_user_model()),
        )
        .as_bytes()
    )


def _fields(alias: str, model: type[Model]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(alias, str(made.column)) for made in model._meta.concrete_fields)


def _table(model: type[Model]) -> sql.Identifier:
    return sql.Identifier(model._meta.db_table)
