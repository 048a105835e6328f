"""Statements that users' words reach are sent by a login that reads users' tables and nothing else: tried, not read."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

import pytest
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.backends.utils import CursorWrapper
from django.test import Client
from rest_framework.test import APIClient

from dataengine.exports import export
from dataengine.models import Table
from dataengine.postgres import copying, reader_rights
from dataengine.postgres.backend import reader
from dataengine.postgres.backend.reader import READER, reading
from dataengine.queries.far_pages_by_statistics import place_of
from dataengine.records.model import record_model
from dataengine.services import indexes, trash
from dataengine.tests.importing import import_text, make_table
from dataengine.tests.indexing import build_waiting

if TYPE_CHECKING:
    from django.contrib.auth.models import User

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not os.environ.get("READER_URL"), reason="this server has no such role"),
]


@pytest.fixture(autouse=True)
def _reader(transactional_db: None) -> Iterator[None]:
    """This process has a reader, as web processes have."""
    url = urlsplit(os.environ["READER_URL"])
    mine = connections.settings[DEFAULT_DB_ALIAS]
    connections.settings[READER] = {**mine, "USER": url.username, "PASSWORD": url.password}
    connections[READER].alias = DEFAULT_DB_ALIAS  # no other is one that pytest-django lets tests use
    reader.forget()
    yield
    connections[READER].close()
    del connections[READER]
    del connections.settings[READER]
    reader.forget()


INJECTED = (
    "SELECT password FROM auth_user",
    "SELECT digest FROM dataengine_apitoken",
    "SELECT jti FROM token_blacklist_outstandingtoken",
    "SELECT session_key FROM dataengine_session",
    "SELECT details FROM dataengine_auditevent",
    "SELECT before FROM dataengine_recordchange",
    "SELECT secret FROM dataengine_webhook",
    "SELECT data FROM mfa_authenticator",
    "RESET ROLE; SELECT password FROM auth_user",
    "SET SESSION AUTHORIZATION DEFAULT; SELECT password FROM auth_user",
    "SET ROLE tablekeep",
    "SELECT set_config('role', 'tablekeep', false)",
    "SELECT set_config('role', 'none', true), query_to_xml('SELECT password FROM auth_user', true, true, '')",
    "UPDATE auth_user SET is_superuser = true",
    "UPDATE userdata.t SET name = 'x'",
    "DELETE FROM userdata.t",
    "DROP TABLE userdata.t",
    "CREATE TABLE userdata.x (y int)",
    "CREATE TABLE public.x (y int)",
    "SELECT * FROM userdata_trash.gone",
    "SELECT pg_read_file('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
)  # fmt: skip


def test_what_is_injected_reads_no_account(owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    for statement in INJECTED:
        refused = pytest.raises(DatabaseError, match=r"permission denied|must be owner")
        with refused, reading(), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.execute("SELECT password FROM auth_user")
    with reading(), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM userdata.t")
        assert cursor.fetchone() == (0,)
    with transaction.atomic(), reading(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() != ("tablekeep_reader",), "a transaction goes on where it was begun"


def test_lists_are_read_by_it(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that the owner's role is asked about records within these requests is what it has to be."""
    make_table(owner, "other", name="TEXT UNIQUE")
    import_text(owner, "other", "name\nAnn\n")
    make_table(owner, "t", name="TEXT", n="INTEGER", o="REFERENCES other")
    job = import_text(owner, "t", "name,n,o\n" + "".join(f"a{n},{n},1\n" for n in range(30)))
    trash.delete_table(user=owner, table=make_table(owner, "gone", name="TEXT"))
    by_owner: list[str] = []
    mine = connections[DEFAULT_DB_ALIAS]
    execute, copied_out = CursorWrapper.execute, copying.copied_out

    def noted(self: CursorWrapper, statement: Any, parameters: Any = None) -> Any:
        text = statement if isinstance(statement, str) else statement.as_string(None)
        if self.db is mine and '"userdata"' in text:
            by_owner.append(text)
        return execute(self, statement, parameters)

    def copied(session: Any, *given: Any) -> Any:
        if session.info.user != "tablekeep_reader":
            by_owner.append("COPY")
        return copied_out(session, *given)

    monkeypatch.setattr(CursorWrapper, "execute", noted)
    monkeypatch.setattr(export, "copied_out", copied)
    browser, client = Client(), APIClient()
    browser.force_login(owner)
    client.force_authenticate(owner)
    asked = (
        "?n__gte=3&name__iregex=a.*&order_by=-name,n&search=a1", "?page=2&limit=10", f"?_import={job.pk}",
        "?count=exact", "?limit=50",
    )  # fmt: skip
    for path in [*(f"/api/tables/t/records/{query}" for query in asked), "/api/tables/t/groups/?group=name"]:
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.content)
    for path in ("/tables/t/?search=a1&order_by=-n", "/tables/t/charts/"):
        assert browser.get(path, headers={"HX-Request": "true", "HX-Request-Type": "partial"}).status_code == 200
    for form in ("csv", "json", "xlsx"):
        streamed = client.get(f"/api/tables/t/export/?format={form}")
        assert len(b"".join(cast("Any", streamed).streaming_content)) > 100
    assert by_owner == []


def test_far_pages_of_texts_are_found(owner: User) -> None:
    """PostgreSQL tells what is in an index on an expression to the owner of its table alone."""
    table = make_table(owner, "t", name="TEXT")
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO userdata.t (name) SELECT 'Name ' || i FROM generate_series(1, 2000) i")
    indexes.set_indexed(user=owner, table=table, column=table.columns.get(), indexed=True)
    assert build_waiting() == ["completed"]
    model = record_model(Table.objects.get())
    with reading():
        place = place_of(model, model.columns[0], descending=False, nulls_first=False, offset=1000, count=2000)
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("tablekeep_reader",)
    assert place is not None


def test_rights_come_along(owner: User) -> None:
    """To tables that were there before, are made later, come out of the trash, or are the successors of others."""
    table = make_table(owner, "t", name="TEXT")
    import_text(owner, "t", "name\nAnn\n")
    import_text(owner, "t", "name\nBob\nCid\n", replace=True)
    item = trash.delete_table(user=owner, table=table)
    reader_rights.give("tablekeep_reader")
    trash.restore(user=owner, item=item)
    assert Table.objects.get(name="t")
    client = APIClient()
    client.force_authenticate(owner)
    changed = client.patch("/api/tables/t/columns/name/", {"column_name": "called", "column_type": "VARCHAR(50)"})
    assert changed.status_code == 200, changed.content
    assert client.get("/api/tables/t/records/").json()["count"] == 2


def test_a_reader_that_cannot_log_in_is_told(client: Client) -> None:
    assert client.get("/health/ready/").status_code == 200
    connections[READER].close()
    connections[READER].settings_dict["PASSWORD"] = "another"
    answer = client.get("/health/ready/")
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "unreachable")


def test_without_rights_it_is_not_used(owner: User) -> None:
    make_table(owner, "t", name="TEXT")
    with connection.cursor() as cursor:
        cursor.execute("REVOKE USAGE ON SCHEMA userdata FROM tablekeep_reader")
    with reading(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() != ("tablekeep_reader",)
    reader_rights.give("tablekeep_reader")
    reader.forget()
    with reading(), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("tablekeep_reader",)
