"""The list of tables and the history of imports are searched, and the history narrowed down to one outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.test import Client

from dataengine.models import ImportJob, Table
from webui.tests.conftest import PARTIAL, make_table
from webui.tests.pages import read

if TYPE_CHECKING:
    from django.contrib.auth.models import User


def test_tables_are_found_by_name_label_and_owner(
    as_colleague: Client, colleague: User, shared: Table, owner: User
) -> None:
    make_table(colleague, "orders", {"a": "TEXT"})

    def found(search: str) -> list[str]:
        part = read(as_colleague.get("/", {"search": search}, headers=PARTIAL))
        return part.words_of("a", class_="row-link")

    assert found("") == ["orders", "People we know"]
    assert found("PEOPLE") == found("we people") == found(owner.username) == ["People we know"]
    page = read(as_colleague.get("/?search=nix"))
    assert "No table is called “nix”." in page
    assert page.value("search") == "nix"


def test_imports_are_found_by_table_person_file_and_outcome(
    as_owner: Client, as_colleague: Client, shared: Table, owner: User, colleague: User
) -> None:
    def made(filename: str, user: User, state: str = "completed", **rows: int) -> None:
        ImportJob.objects.create(
            table=shared, table_name="people", user=user, filename=filename, state=state, bytes_total=1, **rows
        )

    made("good.csv", owner, rows_imported=3)
    made("some.csv", owner, rows_imported=3, rows_rejected=1)
    made("none.csv", colleague, rows_rejected=4)
    made("broken.csv", colleague, state="failed")
    made("waits.csv", owner, state="queued")

    def found(client: Client = as_owner, **asked: str) -> list[str]:
        part = read(client.get("/imports/", asked, headers=PARTIAL))
        return [words.removesuffix(".csv") for words in part.words_of("a", class_="row-link")]

    assert found(search="know") == found(search="people") == ["waits", "broken", "none", "some", "good"]
    assert found(search=f"csv {colleague.username}") == ["broken", "none"]
    assert found(search="OO") == ["good"]
    assert found(search="a\0b") == ["broken"]  # PostgreSQL takes no null character
    for state, names in {
        "completed": ["none", "some", "good"], "rejected": ["some"], "nothing": ["none"], "failed": ["broken"],
        "active": ["waits"], "cancelled": [], "whatever": ["waits", "broken", "none", "some", "good"],
    }.items():  # fmt: skip
        assert found(state=state) == names
    page = read(as_owner.get("/imports/?search=csv&state=nothing"))
    assert (page.value("search"), page.value("state")) == ("csv", "nothing")
    assert "No import matches." in read(as_owner.get("/imports/?search=nix"))
