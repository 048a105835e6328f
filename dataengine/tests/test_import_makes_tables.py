"""A table made from a file: its types are those of the whole file."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.exceptions import Conflict, InvalidInput
from dataengine.models import Table
from dataengine.tests.importing import import_text, make_table, queue_import, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "0"], "integer"),
        (["1", "3000000000"], "bigint"),
        (["1", "99999999999999999999"], "numeric"),
        (["1", "2.50"], "numeric"),
        (["1", "-.5"], "numeric"),
        (["1.5", "2.5e5"], "double"),
        (["1", "2e5"], "text"),
        (["1e-5", "0.5"], "double"),
        (["007", "1"], "text"),
        (["+491", "2"], "text"),
        (["true", "False"], "boolean"),
        (["yes", "no"], "boolean"),
        (["ja", "Nein"], "boolean"),
        (["sí", "NO"], "boolean"),
        (["wahr", "falsch"], "boolean"),
        (["yes", "nein"], "text"),
        (["y"], "text"),
        (["yes", "yes"], "text"),
        (["NO", "no"], "text"),
        (["t", "f"], "text"),
        (["Y", "N"], "text"),
        (['"true"', "false"], "text"),
        (["1.5", "inf_", "nan"], "text"),
        (["#N/A", "7"], "integer"),
        (["1.5", "NaN"], "numeric"),
        (["nan", "nan"], "text"),
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


def test_words_for_yes_and_no_of_several_languages_are_told(owner: User) -> None:
    rows = ["yes,yes", "no,nein"] * 100 + ["nein,no"]
    job = import_text(owner, "t", "\n".join(["a,b", *rows]), create_table=True)
    assert job.findings["types"] == {"a": "boolean", "b": "text"}
    assert job.findings["notes"] == [
        "a: “nein” (1 cell) read as such, too",
        "b: its words for yes and no are of several languages (“nein”, “no”, “yes”); the type BOOLEAN takes them all",
    ]
    assert records("t", "a")[-1] == ("false",)


def test_letters_in_a_column_of_yes_and_no_are_told_as_they_go_in(owner: User) -> None:
    rows = ["yes", "no"] * 200 + ["Y", "perhaps"]
    job = import_text(owner, "t", "\n".join(["k,a", *(f"{n},{row}" for n, row in enumerate(rows))]), create_table=True)
    assert (job.findings["types"]["a"], job.rows_imported, job.rows_rejected) == ("boolean", 401, 1)
    assert job.findings["notes"] == [
        "a is true or false; 1 of 402 cells is not (line 403: perhaps)",
        "a: “y” (1 cell) read as such, too",
    ]
    assert records("t", "a")[-1] == ("true",)


def test_json_makes_a_json_column(owner: User) -> None:
    job = import_text(owner, "made", 'a;b;c\n{"x": 1};[1];[1\n[];{};[2]\n', create_table=True, delimiter=";", quote="")
    assert job.findings["types"] == {"a": "jsonb", "b": "jsonb", "c": "text"}
    assert records("made", "a", "b", "c") == [('{"x": 1}', "[1]", "[1"), ("[]", "{}", "[2]")]


def test_quoted_words_in_another_column_do_not_make_this_one_text(owner: User) -> None:
    job = import_text(owner, "made", 'a,b\n"yes",yes\n"no",no\n', create_table=True)
    assert job.findings["types"] == {"a": "text", "b": "boolean"}


def test_words_of_several_languages_go_into_a_boolean_column(owner: User) -> None:
    make_table(owner, "t", b="BOOLEAN", k="INTEGER")
    import_text(owner, "t", "b,k\nJA,1\nnein,2\nwahr,3\nchecked,4\n,5\nx,6\nFaux,7\nn,8\nSÍ,9\n")
    shown = ["true", "false", "true", "true", None, "true", "false", "false", "true"]
    assert [value for (value,) in records("t", "b")] == shown


def test_one_typo_rejects_its_row_and_does_not_make_text(owner: User) -> None:
    job = import_text(owner, "made", "qty,k\n" + "5,k\n" * 150 + "twelve,k\n" + "6,k\n" * 49, create_table=True)
    assert job.findings["types"]["qty"] == "integer"
    assert rejected(job) == [(152, [("qty", "invalid_type")])]
    assert "qty is a whole number; 1 of 200 cells is not (line 152: twelve)" in job.findings["notes"]


@pytest.mark.parametrize(
    ("options", "kind", "values"),
    [
        ({"on_bad_cell": "null"}, "integer", {"5", None}),
        ({"on_bad_cell": "text"}, "text", {"5", "twelve"}),
        ({"tolerance": 0}, "text", {"5", "twelve"}),
    ],
)
def test_options_decide_what_happens_to_a_typo(
    owner: User, options: dict[str, Any], kind: str, values: set[str | None]
) -> None:
    job = import_text(owner, "made", "qty\n" + "5\n" * 199 + "twelve\n", create_table=True, **options)
    assert (job.rows_rejected, job.findings["types"]["qty"]) == (0, kind)
    assert {value for (value,) in records("made", "qty")} == values


def test_two_in_a_hundred_are_not_a_typo(owner: User) -> None:
    job = import_text(owner, "made", "n\n" + "5\n" * 98 + "x\ny\n", create_table=True)
    assert job.findings["types"] == {"n": "text"}


def test_codes_among_numbers_make_text_whatever_their_share(owner: User) -> None:
    job = import_text(owner, "made", "n\n" + "5\n" * 500 + "007\n", create_table=True)
    assert job.findings["types"] == {"n": "text"}


def test_errors_of_a_spreadsheet_reject_their_rows_and_no_more(owner: User) -> None:
    job = import_text(owner, "made", "a,b\n#N/A,1.5\n#REF!,inf\n7,nan\n", create_table=True)
    assert job.findings["types"] == {"a": "integer", "b": "numeric"}
    assert rejected(job) == [(3, [("a", "invalid_type"), ("b", "invalid_type")])]
    assert "spreadsheet" in job.rejected_rows.get().errors[0]["message"]
    assert records("made", "a", "b") == [(None, "1.5"), ("7", None)]


def test_given_types_are_used(owner: User) -> None:
    text = "country,n,d,p\n" + '"NO",1,01.02.2024,"1,5"\nyes,2,13.02.2024,"2,5"\n'
    types = {"country": "TEXT NOT NULL", "n": "VARCHAR(5)", "d": "DATE", "p": "NUMERIC(6,2)"}
    job = import_text(owner, "made", text, create_table=True, types=types)
    assert job.state == "completed", job.error
    assert job.findings["types"] == {"country": "text", "n": "varchar", "d": "date", "p": "numeric"}
    assert records("made", "country", "n", "d", "p")[0] == ("NO", "1", "2024-02-01", "1.50")
    assert Table.objects.get(name="made").columns.get(name="country").required


@pytest.mark.parametrize(
    ("types", "named"), [({"b": "TEXT"}, "b"), ({"a": "COLOUR"}, "a"), ("TEXT", "types"), ({"a": 5}, "a")]
)
def test_types_at_fault_are_refused_at_once(owner: User, types: object, named: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        queue_import(owner, "made", "a\n1\n", create_table=True, types=types)
    assert "types" in refused.value.fields
    assert named in refused.value.message


def test_types_are_for_new_tables(owner: User) -> None:
    make_table(owner, "t", a="TEXT")
    with pytest.raises(InvalidInput):
        queue_import(owner, "t", "a\n1\n", types={"a": "INTEGER"})


def test_many_words_among_numbers_make_text_with_a_note(owner: User) -> None:
    text = "n\n" + "5\n" * 3000 + "five\n" * 40
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
    assert job.findings["types"] == {"d": "text", "t": "text", "u": "text"}  # none of them has a single format
    text = "d,t\n01.02.24,7h05\n31.03.24,10h00\n"
    job = import_text(owner, "H", text, create_table=True, date_formats=["%d.%m.%y", "%Hh%M"])
    assert job.findings["types"] == {"d": "date", "t": "time"}
    assert records("H", "d", "t") == [("2024-02-01", "07:05:00"), ("2024-03-31", "10:00:00")]


def test_a_first_cell_unlike_the_others_is_noted(owner: User) -> None:
    job = import_text(owner, "F", "n,x\nstart,1\n5,2\n6,3\n", create_table=True)
    assert job.findings["notes"] == ["n: “start” in line 2 is not a whole number, but most cells after it are"]
