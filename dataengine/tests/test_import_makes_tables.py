"""A table made from a file: its types are those of the whole file."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import Conflict
from dataengine.models import Table
from dataengine.tests.importing import import_text, make_table, queue_import, records

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "0"], "integer"),
        (["1", "3000000000"], "bigint"),
        (["1", "99999999999999999999"], "numeric"),
        (["1", "2.50"], "numeric"),
        (["1", "-.5"], "numeric"),
        (["1", "2e5"], "double"),
        (["007", "1"], "text"),
        (["+491", "2"], "text"),
        (["true", "False"], "boolean"),
        (["yes", "no"], "boolean"),
        (["0", "1"], "integer"),
        (["2024-01-31", "1999-12-01"], "date"),
        (["31/01/2024"], "date"),
        (["2024-02-30"], "text"),
        (["2024-01-31 10:00", "2024-01-31T10:00:01.5"], "timestamp"),
        (["2024-01-31T10:00:00Z"], "timestamptz"),
        (["10:00", "11:30:01"], "time"),
        (["6cce4556-542a-4cbe-be53-05e281ba3d72"], "uuid"),
        (["1", "abc"], "text"),
        (["", ""], "text"),
        (["NA", "5"], "integer"),
        (["NA", "-"], "text"),
    ],
)
def test_types_come_from_all_cells(owner: User, cells: list[str], kind: str) -> None:
    job = import_text(owner, "made", "key,value\n" + "".join(f"k,{cell}\n" for cell in cells), create_table=True)
    assert (job.state, job.rows_imported, job.rows_rejected) == ("completed", len(cells), 0), job.error
    assert Table.objects.get(name="made").columns.get(name="value").type == kind


def test_one_late_cell_makes_a_column_text_and_the_reason_is_told(owner: User) -> None:
    text = "n\n" + "5\n" * 3000 + "five\n"
    job = import_text(owner, "made", text, create_table=True)
    assert Table.objects.get(name="made").columns.get(name="n").type == "text"
    assert any("five" in note and "3,002" in note for note in job.findings["notes"])


def test_headers_become_names_and_labels(owner: User) -> None:
    import_text(owner, "made", "id,First Name,order\n5,Ann,1\n", create_table=True)
    columns = Table.objects.get(name="made").columns.all()
    assert [(column.name, column.label) for column in columns] == [
        ("id_column", "id"),
        ("first_name", "First Name"),
        ("order_column", "order"),
    ]
    assert records("made", "id", "id_column", "first_name") == [("1", "5", "Ann")]


def test_records_can_be_added_afterwards(owner: User) -> None:
    import_text(owner, "made", "n\n1\n2\n", create_table=True)
    import_text(owner, "made", "n\n3\n")
    assert records("made", "id", "n") == [("1", "1"), ("2", "2"), ("3", "3")]


def test_a_taken_name_is_refused_at_once(owner: User, stranger: User) -> None:
    make_table(owner, "made", n="INTEGER")
    with pytest.raises(Conflict):
        queue_import(stranger, "made", "n\n1\n", create_table=True)
    queue_import(stranger, "other", "n\n1\n", create_table=True)
    with pytest.raises(Conflict):
        queue_import(stranger, "other", "n\n1\n", create_table=True)


def test_a_dry_run_makes_no_table(owner: User) -> None:
    job = import_text(owner, "made", "n\n1\nx\n", create_table=True, dry_run=True)
    assert (job.state, job.rows_imported) == ("completed", 2)
    assert not Table.objects.filter(name="made").exists()


def test_rows_that_postgres_cannot_hold_fail_with_its_reason_and_once(owner: User) -> None:
    header = ",".join(f"c{number}" for number in range(1500))
    job = import_text(owner, "Wide", f"{header}\n{','.join(['1000000000000'] * 1500)}\n", create_table=True)
    assert (job.state, job.error_code, job.attempt) == ("failed", "too_large", 1)
    assert "row is too big" in job.error


def test_given_date_formats_make_dates(owner: User) -> None:
    text = "d,t,u\n01.02.24,7h05,1/2/2024\n2024-03-31,10:00,3/4/2024\n"
    job = import_text(owner, "G", text, create_table=True, date_formats=["%d.%m.%y", "%Hh%M"])
    assert job.findings["types"] == {"d": "text", "t": "text", "u": "text"}  # none of them is all in one format
    text = "d,t\n01.02.24,7h05\n31.03.24,10h00\n"
    job = import_text(owner, "H", text, create_table=True, date_formats=["%d.%m.%y", "%Hh%M"])
    assert job.findings["types"] == {"d": "date", "t": "time"}
    assert records("H", "d", "t") == [("2024-02-01", "07:05:00"), ("2024-03-31", "10:00:00")]


def test_a_first_cell_unlike_the_others_is_told(owner: User) -> None:
    job = import_text(owner, "F", "n,x\nnone,1\n5,2\n6,3\n", create_table=True)
    assert job.findings["notes"] == ["n: “none” in line 2 is not a whole number, as most cells after it are"]
