"""The cells of a reference column are looked up by what people write: a name, an e-mail address, a number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import IntegrityError, connection, connections
from guardian.shortcuts import assign_perm, remove_perm

from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import DataEngineError
from dataengine.imports.references import known
from dataengine.models import AuditEvent, Table
from dataengine.services import import_runs
from dataengine.services.tables import create_table
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected
from dataengine.tests.threads import Beside
from dataengine.tests.waiting import is_waited_for, until

pytestmark = pytest.mark.django_db(transaction=True)

CUSTOMERS = "name,email,number\nAnn,ann@x.org,7\nBob,bob@x.org,8\nBob,bob@y.org,9\n"


@pytest.fixture
def customers(owner: User) -> Table:
    """Three customers, two of whom have the same name."""
    table = make_table(owner, "customers", name="TEXT", email="EMAIL UNIQUE", number="INTEGER UNIQUE")
    import_text(owner, "customers", CUSTOMERS)
    return table


def orders(user: User, before: int = 0, **columns: str) -> Table:
    """A table of orders, with ``before`` of them: then rows are appended, else they replace an empty table."""
    table = make_table(user, "orders", what="TEXT", customer="REFERENCES customers", **columns)
    if before:
        import_text(user, "orders", "what\n" + "old\n" * before)
    return table


def by(match: str | None = None, missing: str | None = None) -> dict[str, Any]:
    said = {"match": match, "missing": missing}
    return {"customer": {key: value for key, value in said.items() if value}}


def bought(before: int = 0) -> list[tuple[Any, ...]]:
    return records("orders", "what", "customer")[before:]


LOADERS: list[tuple[int, dict[str, Any]]] = [(0, {}), (1, {}), (1, {"on_conflict": "skip"})]
"""Into an empty table, appended, staged and merged."""


@pytest.mark.parametrize(("before", "options"), LOADERS)
@pytest.mark.usefixtures("customers")
def test_by_any_unique_column(before: int, options: dict[str, Any], owner: User) -> None:
    orders(owner, before)
    job = import_text(
        owner, "orders", "what,customer\na, BOB@x.org \nb,\nc,nobody@x.org\nd,no address\ne,ann@x.org\n",
        references=by("email"), **options,
    )  # fmt: skip
    assert bought(before) == [("a", "2"), ("b", None), ("e", "1")]
    assert rejected(job) == [(4, [("customer", "unknown_reference")]), (5, [("customer", "unknown_reference")])]
    assert "“email” of a record of “customers”" in job.errors[0]["message"]
    assert job.findings["references"] == {
        "customer": {"match": "email", "missing": "reject", "known": 2, "new": 0, "unknown": 1}
    }


@pytest.mark.usefixtures("customers")
def test_a_large_table_is_asked_for_what_each_block_has(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known, "_MOST_AT_ONCE", 2)
    monkeypatch.setattr(known, "_MOST_REMEMBERED", 2)
    orders(owner)
    text = "what,customer\na,BOB@x.org\nb,ann@x.org\nc,new@x.org\nd,bob@x.org\n"
    job = import_text(owner, "orders", text, references=by("email", "create"))
    assert bought() == [("a", "2"), ("b", "1"), ("c", "4"), ("d", "2")]
    assert job.findings["references"]["customer"]["known"] == 2
    job = import_text(owner, "orders", "what,customer\ne,Bob\nf,Ann\ng,Zoe\n", references=by("name"))
    assert bought(4) == [("f", "1")]
    assert [errors[0][1] for _, errors in rejected(job)] == ["ambiguous_reference", "unknown_reference"]


def test_names_may_be_long_and_hold_anything(owner: User) -> None:
    make_table(owner, "customers", name="TEXT")
    names = ["a,b", 'say ""x""', "two\nlines", "\\.", "x" * 3_000_000, "ünï"]
    import_text(owner, "customers", "name\n" + "".join(f'"{name}"\n' for name in names))
    orders(owner)
    job = import_text(
        owner, "orders", "what,customer\n" + "".join(f'w,"{name}"\n' for name in names), references=by("name")
    )
    assert (job.rows_rejected, [number for _, number in bought()]) == (0, list("123456"))


@pytest.mark.usefixtures("customers")
def test_by_a_number(owner: User) -> None:
    orders(owner)
    job = import_text(owner, "orders", "what,customer\na,8\nb,1\nc,x\nd,007\n", references=by("number"))
    assert bought() == [("a", "2"), ("d", "1")]
    assert rejected(job) == [(3, [("customer", "unknown_reference")]), (4, [("customer", "unknown_reference")])]


@pytest.mark.parametrize(("before", "options"), LOADERS)
@pytest.mark.usefixtures("customers")
def test_two_hits_are_ambiguous(before: int, options: dict[str, Any], owner: User) -> None:
    orders(owner, before)
    job = import_text(owner, "orders", "what,customer\na,Bob\nb,Ann\n", references=by(missing="null"), **options)
    assert bought(before) == [("b", "1")]
    assert rejected(job) == [(2, [("customer", "ambiguous_reference")])]


@pytest.mark.parametrize(("before", "options"), LOADERS)
@pytest.mark.usefixtures("customers")
def test_what_is_missing_becomes_null(before: int, options: dict[str, Any], owner: User) -> None:
    orders(owner, before)
    job = import_text(owner, "orders", "what,customer\na,Zoe\nb,Ann\n", references=by("name", "null"), **options)
    assert bought(before) == [("a", None), ("b", "1")]
    assert job.rows_rejected == 0
    assert job.findings["references"]["customer"]["unknown"] == 1


@pytest.mark.parametrize(("before", "options"), LOADERS)
@pytest.mark.usefixtures("customers")
def test_what_is_missing_is_made(before: int, options: dict[str, Any], owner: User) -> None:
    orders(owner, before, number="INTEGER UNIQUE")
    text = "what,customer,number\na,zoe@x.org,1\nb,Ann@x.org,2\nc,zoe@x.org,3\nd,new@x.org,x\ne,late@x.org,1\nf,no,6\n"
    job = import_text(owner, "orders", text, references=by("email", "create"), **options)
    made = records("customers", "id", "name", "email", "number")[3:]
    assert [one[1:] for one in made] == [(None, "zoe@x.org", None)]
    assert bought(before) == [("a", made[0][0]), ("b", "1"), ("c", made[0][0])]
    assert rejected(job) == [
        (5, [("number", "invalid_type")]),
        (6, [("number", "duplicate_in_file")]),
        (7, [("customer", "invalid_type")]),
    ]
    assert "as “email” of “customers”" in job.rejected_rows.get(line=7).errors[0]["message"]
    assert job.findings["references"]["customer"] | {"unknown": 0} == {
        "match": "email", "missing": "create", "known": 1, "new": 1, "unknown": 0,
    }  # fmt: skip
    event = AuditEvent.objects.get(table__name="customers", action="import.referenced")
    first = int(made[0][0])
    assert event.details == {
        "import": job.pk, "filename": "data.csv", "column": "email", "count": 1, "ids": [[first, first]],
    }  # fmt: skip


@pytest.mark.parametrize("before", [0, 1])
@pytest.mark.usefixtures("customers")
def test_nothing_is_made_in_a_trial_run_or_where_nothing_goes_in(before: int, owner: User) -> None:
    orders(owner, before)
    text = "what,customer\na,zoe@x.org\nb,eve@x.org\n"
    job = import_text(owner, "orders", text, references=by("email", "create"), dry_run=True)
    assert (job.rows_imported, job.rows_rejected) == (2, 0)
    assert job.findings["references"]["customer"]["new"] == 2
    job = import_text(owner, "orders", text + "c,no\n", references=by("email", "create"), on_error="abort")
    assert job.error_code == "rows_rejected"
    assert len(records("customers")) == 3
    assert not AuditEvent.objects.filter(action="import.referenced").exists()


def test_what_breaks_the_rules_of_its_own_table_costs_its_row(owner: User) -> None:
    rules = {"pattern": "^[A-Z]+$", "maxLength": 4}
    create_table(user=owner, name="customers", columns=[ColumnSpec("code", "text", unique=True, constraints=rules)])
    orders(owner)
    for before in (0, 2):
        text = "what,customer\na,AB\nb,abc\nc,ABCDE\nd,CD\n"
        job = import_text(owner, "orders", text, references=by("code", "create"))
        assert rejected(job) == [
            (3, [("customer", "constraint_failed")]), (4, [("customer", "constraint_failed")]),
        ]  # fmt: skip
        assert bought(before) == [("a", "1"), ("d", "2")]


@pytest.mark.parametrize("rule", ["TEXT NOT NULL", "INTEGER UNIQUE DEFAULT 5"])
def test_what_needs_more_than_a_value_is_not_made(rule: str, owner: User) -> None:
    make_table(owner, "customers", name="TEXT UNIQUE", more=rule)
    orders(owner)
    job = import_text(owner, "orders", "what,customer\na,Ann\n", references=by("name", "create"))
    code = "missing_value" if "NULL" in rule else "duplicate_in_table"
    assert rejected(job) == [(2, [("customer", code)])]
    assert "“more”" in job.errors[0]["message"]


def test_a_required_reference_that_is_null_costs_its_row(customers: Table, owner: User) -> None:
    make_table(owner, "orders", what="TEXT", customer=f"REFERENCES {customers.name} NOT NULL")
    job = import_text(owner, "orders", "what,customer\na,Zoe\nb,Ann\nc,\n", references=by("name", "null"))
    assert bought() == [("b", "1")]
    assert rejected(job) == [(2, [("customer", "missing_value")]), (4, [("customer", "missing_value")])]


@pytest.mark.usefixtures("customers")
def test_two_columns_make_one_record(owner: User) -> None:
    make_table(owner, "orders", what="TEXT", customer="REFERENCES customers", payer="REFERENCES customers")
    references = {name: {"match": "email", "missing": "create"} for name in ("customer", "payer")}
    import_text(owner, "orders", "what,customer,payer\na,z@x.org,z@x.org\nb,ann@x.org,y@x.org\n", references=references)
    emails = dict(records("customers", "id", "email"))
    rows = records("orders", "customer", "payer")
    assert [(emails[one], emails[other]) for one, other in rows] == [
        ("z@x.org", "z@x.org"), ("ann@x.org", "y@x.org"),
    ]  # fmt: skip
    assert len(emails) == 5


def test_case_counts_as_the_unique_rule_says(owner: User) -> None:
    columns = [
        ColumnSpec("name", "text", unique=True), ColumnSpec("code", "text", unique=True, unique_ignores_case=True),
    ]  # fmt: skip
    create_table(user=owner, name="customers", columns=columns)
    import_text(owner, "customers", "name,code\nÄnn,Ä1\n")
    orders(owner)
    job = import_text(owner, "orders", "what,customer\na,ä1\nb,Ä1\n", references=by("code"))
    assert (bought(), job.rows_rejected) == ([("a", "1"), ("b", "1")], 0)
    job = import_text(owner, "orders", "what,customer\na,änn\n", references=by("name"))
    assert rejected(job) == [(2, [("customer", "unknown_reference")])]


@pytest.mark.usefixtures("customers")
def test_words_for_nothing_are_null_unless_a_record_is_called_so(owner: User) -> None:
    orders(owner)
    job = import_text(owner, "orders", 'what,customer\na,NA\nb,Ann\nc,""\nd,#N/A\n', references=by("name", "create"))
    assert (bought(), job.rows_rejected) == ([("a", None), ("b", "1"), ("c", None), ("d", None)], 0)
    import_text(owner, "customers", "name\nNA\n")
    import_text(owner, "orders", "what,customer\ne,NA\n", references=by("name"))
    assert bought(4) == [("e", "4")]


# Without the option -------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("customers")
def test_names_or_addresses_are_looked_up_where_no_cell_is_a_number(owner: User) -> None:
    orders(owner)
    job = import_text(owner, "orders", "what,customer\na,Ann\nb,\nc,Bob\n")
    assert bought() == [("a", "1"), ("b", None)]
    assert rejected(job) == [(4, [("customer", "ambiguous_reference")])]
    assert job.findings["references"]["customer"]["match"] == "name"
    job = import_text(owner, "orders", "what,customer\nd,ann@x.org\n")
    assert (bought(2), job.findings["references"]["customer"]["match"]) == ([("d", "1")], "email")


@pytest.mark.usefixtures("customers")
def test_ids_are_ids(owner: User) -> None:
    orders(owner)
    job = import_text(owner, "orders", "what,customer\na,Ann\nb,2\nc,99\n")
    assert bought() == [("b", "2")]
    assert rejected(job) == [(2, [("customer", "invalid_type")]), (4, [("customer", "unknown_reference")])]
    assert job.findings["references"] == {"customer": {"match": "id", "missing": "reject"}}
    job = import_text(owner, "orders", "what,customer\na,x\nb,2\nc,99\n", references=by("id", "null"))
    assert (bought(1), job.rows_rejected) == ([("a", None), ("b", "2"), ("c", None)], 0)


@pytest.mark.usefixtures("customers")
def test_a_new_table_may_have_references(owner: User) -> None:
    types = {"customer": "REFERENCES customers"}
    for name, references in (("orders", by("email", "create")), ("others", by("email"))):
        job = import_text(
            owner,
            name,
            "what,customer\na,z@x.org\nb,ann@x.org\n",
            create_table=True,
            types=types,
            references=references,
        )
        assert (job.state, job.rows_rejected) == ("completed", 0)
        assert records(name, "customer")[1] == ("1",)
    assert records("others", "customer") == records("orders", "customer")
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute("INSERT INTO userdata.orders (customer) VALUES (99)")


def test_what_the_types_of_a_new_table_say_holds(owner: User) -> None:
    make_table(owner, "customers", name="TEXT")
    import_text(owner, "customers", "name\nAnn\n")
    types = {"customer": "REFERENCES customers", "code": "INTEGER UNIQUE", "kind": "CHOICE('a','b')"}
    text = "customer,code,kind\n1,1,a\n7,2,a\n1,1,a\n1,3,c\n,4,b\n"
    job = import_text(owner, "orders", text, create_table=True, types=types)
    assert rejected(job) == [
        (3, [("customer", "unknown_reference")]),
        (4, [("code", "duplicate_in_file")]),
        (5, [("kind", "constraint_failed")]),
    ]
    assert records("orders", "customer", "code", "kind") == [("1", "1", "a"), (None, "4", "b")]
    for wrong in ("(customer) VALUES (99)", "(code) VALUES (4)", "(kind) VALUES ('c')"):
        with connection.cursor() as cursor, pytest.raises(IntegrityError):
            cursor.execute(f"INSERT INTO userdata.orders {wrong}")


def test_a_new_table_refers_to_what_there_is(owner: User) -> None:
    with pytest.raises(DataEngineError) as caught:
        queue_import(owner, "orders", "a\n1\n", create_table=True, types={"a": "REFERENCES nothing"})
    assert (caught.value.status, caught.value.error_code) == (400, "unknown_reference")


# As a file to correct, and in the API -------------------------------------------------------------------------------


@pytest.mark.usefixtures("customers")
def test_the_corrected_file_is_read_as_before(owner: User) -> None:
    orders(owner)
    job = import_text(owner, "orders", "what,customer\na,ann@x.org\nb,bob@z.org\n", references=by("email"))
    name = f"rejected-{job.pk}.csv"
    job = import_text(owner, "orders", "what,customer,_line,_errors\nb,bob@y.org,3,x\n", filename=name)
    assert bought() == [("a", "1"), ("b", "3")]
    assert job.findings["references"]["customer"]["match"] == "email"


WRONG: list[tuple[Any, str]] = [
    ([], "object"),
    ({"customer": "email"}, "“customer”"),
    ({"customer": {"match": "email", "more": 1}}, "“customer”"),
    ({"customer": {"match": 1}}, "name of a column"),
    ({"customer": {"match": "nope"}}, "“nope”"),
    ({"customer": {"missing": "drop"}}, "reject, null, create"),
    ({"customer": {"match": "id", "missing": "create"}}, "of an id"),
    ({"what": {"match": "email"}}, "“what”"),
    ({"nope": {"match": "email"}}, "“nope”"),
]


@pytest.mark.usefixtures("customers")
def test_what_cannot_be_is_refused(owner: User, subtests: Any) -> None:
    orders(owner)
    for references, reason in WRONG:
        with subtests.test(references=references):
            with pytest.raises(DataEngineError) as caught:
                queue_import(owner, "orders", "what,customer\na,ann@x.org\n", references=references)
            assert caught.value.status == 400
            assert reason in caught.value.fields["references"][0]


def test_rights_on_the_other_table_are_needed(
    customers: Table, owner: User, colleague: User, share: Callable[[Table, User, str], Any]
) -> None:
    share(orders(owner), colleague, "edit")
    text = "what,customer\na,new@x.org\nb,1\n"

    def status(references: dict[str, Any] | None) -> int:
        try:
            queue_import(colleague, "orders", text, references=references)
        except DataEngineError as error:
            return error.status
        return 202

    assert (status(None), status(by("id")), status(by("email"))) == (202, 202, 403)
    assign_perm("view_table", colleague, customers)
    assert (status(by("email")), status(by("email", "create"))) == (202, 403)
    assign_perm("edit_table", colleague, customers)
    assert status(by("email", "create")) == 202


def test_nothing_is_made_elsewhere_once_the_right_is_taken_away(customers: Table, owner: User, colleague: User) -> None:
    assign_perm("edit_table", colleague, orders(owner))
    assign_perm("edit_table", colleague, customers)
    job = queue_import(colleague, "orders", "what,customer\na,new@x.org\n", references=by("email", "create"))
    remove_perm("edit_table", colleague, customers)
    done = import_runs.run(job.pk)
    assert done is not None
    assert (done.state, len(records("customers")), bought()) == ("failed", 3, [])


@pytest.mark.usefixtures("customers")
def test_the_command_takes_the_option(owner: User, tmp_path: Path) -> None:
    orders(owner)
    path = tmp_path / "orders.csv"
    path.write_text("what,customer\ndesk,ann@x.org\nlamp,zoe@x.org\nchair,ann@x.org\n")
    said = '{"customer": {"match": "email", "missing": "create"}}'
    call_command("import_csv", str(path), "--table", "orders", "--references", said)
    assert bought() == [("desk", "1"), ("lamp", "4"), ("chair", "1")]


def test_somebody_else_makes_the_same_record_meanwhile(customers: Table, owner: User) -> None:
    orders(owner)
    job = queue_import(owner, "orders", "what,customer\na,new@x.org\nb,ann@x.org\n", references=by("email", "create"))

    def work() -> None:
        import_runs.run(job.pk)
        connections.close_all()

    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as writer:
        writer.execute("INSERT INTO userdata.customers (email) VALUES ('NEW@x.org')")
        thread = Beside(target=work)
        thread.start()
        until(lambda: is_waited_for(writer))
    thread.join()
    job.refresh_from_db()
    assert (job.state, job.rows_imported) == ("completed", 2)
    made = records(customers.name, "id", "email")[3:]
    assert [email for _, email in made] == ["NEW@x.org"]
    assert bought() == [("a", made[0][0]), ("b", "1")]
