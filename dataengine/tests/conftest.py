"""API clients for owner, colleague and stranger, and tables to work on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connection
from guardian.shortcuts import assign_perm
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from dataengine.columns.sql_types import parse_sql_type
from dataengine.models import Table
from dataengine.services.tables import create_table

type MakeTable = Callable[..., Table]


@pytest.fixture
def api() -> Callable[[User], APIClient]:
    """``api(user)``: a client with that user's token. It sends JSON by default."""

    def client(user: User) -> APIClient:
        made = APIClient()
        made.credentials(HTTP_AUTHORIZATION=f"Bearer {RefreshToken.for_user(user).access_token}")
        return made

    return client


@pytest.fixture
def client(api: Callable[[User], APIClient], owner: User) -> APIClient:
    """The owner's client."""
    return api(owner)


@pytest.fixture
def make_table(owner: User) -> MakeTable:
    """``make_table("name", column="SQL-style type", …)``: a table that belongs to the owner."""

    def make(name: str, /, **types: str) -> Table:
        columns = [parse_sql_type(column, text) for column, text in types.items()]
        return create_table(user=owner, name=name, columns=columns)

    return make


@pytest.fixture
def share() -> Callable[[Table, User, str], Any]:
    """``share(table, user, "edit")``: give a right."""

    def grant(table: Table, user: User, right: str) -> Any:
        return assign_perm(f"{right}_table", user, table)

    return grant


@pytest.fixture
def second_connection(transactional_db: None) -> Iterator[Callable[[], Any]]:
    """``second_connection()``: another session on the test database, for locks and races."""
    opened: list[psycopg.Connection[Any]] = []

    def connect() -> psycopg.Connection[Any]:
        parameters = connection.get_connection_params()
        known = {
            name: parameters[name]
            for name in ("dbname", "user", "password", "host", "port", "options")
            if name in parameters
        }
        opened.append(psycopg.connect(**known, autocommit=True))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()
