"""The guard that exports put before formulas is removed when they are imported again, and no other apostrophe is."""

from __future__ import annotations

import itertools

import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.imports.converting.patterns import guarded, unguarded
from dataengine.imports.dialects.text_formulas import chunks_in_quotes
from dataengine.imports.rejecting import rejected_rows
from dataengine.models import ImportJob
from dataengine.tests.importing import import_text, make_table, records

pytestmark = pytest.mark.django_db(transaction=True)

_EXPORT = "id,phone,handle,c\n1,'+49 170 1234567,'@ada,'-\n2,'-,'@x,'+\n3,x,'-5 °C,\n"
_MEANT = [("+49 170 1234567", "@ada", "-"), ("-", "@x", "+"), ("x", "-5 °C", None)]
_COLUMNS = {"phone": "TEXT", "handle": "TEXT", "c": "CHOICE('-','+')"}


@given(st.text("'=+-@\t\r\n \uff1d\uff0b5.,ex%"))
def test_guarded_cells_are_restored(text: str) -> None:
    cell = guarded(text)
    assert (unguarded(cell) if cell != text else cell) == text


def _has_note(job: ImportJob) -> bool:
    return any("was removed" in note for note in job.findings["notes"])


def test_an_export_makes_a_new_table_with_the_same_values(owner: User) -> None:
    job = import_text(owner, "A", _EXPORT, create_table=True)
    assert records("A", "phone", "handle", "c") == _MEANT
    assert [job.findings["types"][name] for name in _COLUMNS] == ["text"] * 3
    assert _has_note(job)


def test_negative_durations_stand_bare_in_exports(owner: User) -> None:
    import_text(owner, "A", "id,handle,late\n1,'@ada,-0:00:00.5\n", create_table=True)
    assert records("A", "handle", "late") == [("@ada", "-00:00:00.5")]


def test_an_export_is_imported_with_the_same_values(owner: User) -> None:
    make_table(owner, "A", **_COLUMNS)
    job = import_text(owner, "A", _EXPORT)
    assert records("A", "phone", "handle", "c") == _MEANT
    assert _has_note(job)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("name,phone,handle\nx,'+49,'@ada\n", id="no export's header"),
        pytest.param("id,phone,handle\n1,'+49 1,'@ada\n2,x,@bob\n", id="a cell stands bare"),
        pytest.param("id,phone,handle\n1,'-5,'@ada\n", id="a number has an apostrophe"),
        pytest.param("id,phone,Our handle!\n1,'+49 1,'@ada\n", id="a header that no column bears"),
    ],
)
@pytest.mark.parametrize("is_new", [True, False])
def test_apostrophes_of_other_files_stay(owner: User, text: str, *, is_new: bool) -> None:
    if not is_new:
        make_table(owner, "A", phone="TEXT", handle="TEXT", our_handle="TEXT")
    job = import_text(owner, "A", text, create_table=is_new)
    column = "our_handle" if "Our" in text else "handle"
    assert records("A", column)[0] == ("'@ada",)
    assert not _has_note(job)


def test_a_late_cell_that_no_export_writes_keeps_all_apostrophes(owner: User) -> None:
    make_table(owner, "A", a="TEXT")
    rows = "".join(f"{number},'=x\n" for number in range(60_000))
    job = import_text(owner, "A", f"id,a\n{rows}60000,=bare\n")
    assert job.rows_imported == 60_001
    assert {cell for (cell,) in records("A", "a")} == {"'=x", "=bare"}
    assert not _has_note(job)


@pytest.mark.parametrize(("guard", "expected"), [(True, "@ada"), (False, "'@ada"), ("auto", "'@ada")])
def test_the_option_decides(owner: User, guard: object, expected: str) -> None:
    make_table(owner, "A", a="TEXT")
    import_text(owner, "A", "b,a\n1,'@ada\n", guarded=guard)
    import_text(owner, "A", "id,a\n1,'@ada\n", guarded=False)
    assert records("A", "a") == [(expected,), ("'@ada",)]


def test_the_option_is_checked(owner: User, client: APIClient) -> None:
    make_table(owner, "A", a="TEXT")
    with pytest.raises(Exception, match="guarded"):
        import_text(owner, "A", "b,a\n1,'@ada\n", guarded="yes")


def test_rejected_rows_of_an_export_come_back_with_the_same_values(owner: User) -> None:
    make_table(owner, "A", a="TEXT", n="INTEGER")
    job = import_text(owner, "A", "id,a,n\n1,'@ada,1\n2,''=x,two\n3,'-y,drei\n")
    assert _has_note(job)
    again = b"".join(rejected_rows.csv_lines(job)).decode().replace("two", "2").replace("drei", "3")
    import_text(owner, "A", again, filename=rejected_rows.filename(job))
    assert records("A", "a", "n") == [("@ada", "1"), ("'=x", "2"), ("-y", "3")]


def test_a_text_formula_of_a_spreadsheet_is_its_text(owner: User) -> None:
    text = 'sku,n\n"=""00123""",1\n"=""04""""56""",2\n'
    import_text(owner, "A", text, create_table=True)
    make_table(owner, "B", sku="TEXT", n="INTEGER")
    import_text(owner, "B", text)
    assert records("A", "sku", "n") == records("B", "sku", "n") == [("00123", "1"), ('04"56', "2")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("rows", [1, 50])
def test_a_text_formula_needs_no_quotes_around_it(owner: User, delimiter: str, rows: int) -> None:
    lines = ["sku,n", *(f'="0{number}23",{number}' for number in range(rows)), '"a,="",b",1007', "=1,1008", 'x="y",9']
    text = "\n".join(line.replace(",", delimiter) for line in lines)
    job = import_text(owner, "made", text, create_table=True, has_header=True)
    found = dict(records("made", "n", "sku"))
    assert [found[str(number)] for number in range(rows)] == [f"0{number}23" for number in range(rows)]
    assert (found["1007"], found["1008"]) == (f'a{delimiter}="{delimiter}b', "=1")
    assert [row.line for row in job.rejected_rows.all()] == [rows + 4]


@given(
    st.lists(st.sampled_from([b'="', b'"', b"=", b"a", b",", b"\n", b"\r\n", b'="7"', b'""']), max_size=30), st.data()
)
def test_text_formulas_are_found_wherever_chunks_are_cut(parts: list[bytes], data: st.DataObject) -> None:
    text = b"".join(parts)
    whole = b"".join(chunks_in_quotes(iter([text]), b",", b'"'))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[start:end] for start, end in itertools.pairwise([0, *cuts, len(text)])]
    assert b"".join(chunks_in_quotes(iter(pieces), b",", b'"')) == whole


def test_a_number_in_a_text_formula_goes_into_a_number_column(owner: User) -> None:
    make_table(owner, "A", n="INTEGER", d="DATE")
    import_text(owner, "A", 'n,d\n"=""12""","=""2024-01-31"""\n')
    assert records("A", "n", "d") == [("12", "2024-01-31")]
