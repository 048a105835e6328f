"""What a file seems to mean is said, with the options that have it so: words for missing values, totals, footnotes."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from dataengine.imports.converting.number_styles import COMMA, POINT, Tally, decide
from dataengine.imports.planning.footers import LastRow, footer_of
from dataengine.models import ImportJob
from dataengine.tests.importing import import_text, make_table, records, rejected

pytestmark = pytest.mark.django_db(transaction=True)


def made(owner: User, text: str, table: str = "made", **options: Any) -> ImportJob:
    job = import_text(owner, table, text, create_table=True, **options)
    assert job.state == "completed", job.error
    return job


def finding(job: ImportJob, column: str) -> dict[str, Any]:
    return next(found for found in job.findings["columns"] if found["column"] == column)


# Words for missing values ------------------------------------------------------------------------------------------


def test_words_for_missing_values_in_a_typed_column_are_proposed(owner: User) -> None:
    text = "qty,x\n" + "".join(f"{cell},y\n" for cell in [*range(2000), "n/a", "n/a", "?"])
    job = made(owner, text)
    assert (job.findings["types"]["qty"], job.rows_rejected) == ("integer", 3)
    (proposal,) = job.findings["proposals"]
    assert (proposal["code"], proposal["column"], proposal["counts"]) == ("null_words", "qty", {"n/a": 2, "?": 1})
    assert proposal["message"].startswith("qty: 3 cells say n/a, ?; treat as null?")
    assert proposal["message"] in job.findings["notes"]
    found = finding(job, "qty")
    assert (found["failing"], found["line"], found["cell"]) == (3, 2002, "n/a")
    again = import_text(owner, "again", text, create_table=True, **proposal["options"])
    assert (again.rows_rejected, again.findings["types"]["qty"], again.findings.get("proposals")) == (
        0,
        "integer",
        None,
    )
    assert records("again", "qty")[-3:] == [(None,)] * 3


def test_where_they_are_many_the_column_is_text_until_somebody_says_so(owner: User) -> None:
    text = "price,x\n" + "1.5,y\nunknown,y\nNA,y\n" * 10
    job = made(owner, text)
    assert (job.findings["types"]["price"], job.rows_rejected) == ("text", 0)
    (proposal,) = job.findings["proposals"]
    assert proposal["counts"] == {"unknown": 10}
    assert finding(job, "price")["message"] == "text, since 10 cells say unknown"
    again = import_text(owner, "again", text, create_table=True, **proposal["options"])
    assert (again.findings["types"]["price"], again.rows_rejected) == ("numeric", 0)
    assert records("again", "price")[:3] == [("1.5",), (None,), (None,)]


def test_markers_that_are_already_missing_values_are_not_proposed(owner: User) -> None:
    job = made(owner, "qty,x\n1,y\nNA,y\n-,y\n4,y\n")
    assert "proposals" not in job.findings
    assert records("made", "qty") == [("1",), (None,), (None,), ("4",)]


@pytest.mark.parametrize("cells", [["none", "some", "all"], ["?", "n/a", "unknown"], ["unknown", "Ann", "Bob"]])
def test_texts_are_left_alone(owner: User, cells: list[str]) -> None:
    job = made(owner, "name,x\n" + "".join(f"{cell},1\n" for cell in cells))
    assert "proposals" not in job.findings
    assert [name for (name,) in records("made", "name")] == cells


def test_columns_that_are_typed_already_have_them_proposed_too(owner: User) -> None:
    make_table(owner, "there", qty="INTEGER", name="TEXT", born="DATE")
    job = import_text(owner, "there", "qty,name,born\n1,n/a,2024-01-01\nn/a,b,?\nx,c,unknown\n")
    assert (job.rows_imported, job.rows_rejected) == (1, 2)
    assert [(found["column"], found["counts"]) for found in job.findings["proposals"]] == [
        ("qty", {"n/a": 1}),
        ("born", {"?": 1, "unknown": 1}),
    ]
    words = [word for found in job.findings["proposals"] for word in found["options"]["null_values"]]
    again = import_text(owner, "there", "qty,name,born\nn/a,b,?\n3,c,unknown\n", null_values=words)
    assert (again.rows_imported, "proposals" in again.findings) == (2, False)


def test_they_count_as_disagreeing_where_no_cell_may(owner: User) -> None:
    job = made(owner, "qty,x\n" + "".join(f"{n},y\n" for n in range(500)) + "none,y\n", tolerance=0)
    assert job.findings["types"]["qty"] == "text"
    assert job.findings["proposals"][0]["counts"] == {"none": 1}


def test_dates_and_yes_no_have_them_too(owner: User) -> None:
    job = made(owner, "d,b\n" + "2024-01-31,yes\n2024-02-29,no\n" * 200 + "tbd,unknown\n")
    assert (job.findings["types"], job.rows_rejected) == ({"d": "date", "b": "boolean"}, 1)
    assert [found["column"] for found in job.findings["proposals"]] == ["d", "b"]


# Infinities --------------------------------------------------------------------------------------------------------


def test_an_infinity_costs_its_row_and_not_the_column(owner: User) -> None:
    job = made(owner, "v,x\n1.5,a\ninf,b\nnan,c\n")
    assert (job.findings["types"]["v"], rejected(job)) == ("numeric", [(3, [("v", "invalid_type")])])
    assert records("made", "v", "x") == [("1.5", "a"), (None, "c")]
    assert any("allow_infinity" in note for note in job.findings["notes"])


@pytest.mark.parametrize("decimal", [".", ","])
def test_the_option_takes_infinities_into_floating_point(owner: User, decimal: str) -> None:
    text = f"v;x\n1{decimal}5;a\ninf;b\n-Infinity;c\nnan;d\n"
    make_table(owner, "there", v="DOUBLE PRECISION", x="TEXT")
    job = import_text(owner, "there", text, allow_infinity=True)
    assert job.rows_rejected == 0
    assert records("there", "v") == [("1.5",), ("Infinity",), ("-Infinity",), (None,)]


def test_a_new_column_with_infinities_is_of_floating_point(owner: User) -> None:
    job = made(owner, "v,x\n1.5,a\ninf,b\nnan,c\n-7,d\n", allow_infinity=True)
    assert (job.findings["types"]["v"], job.rows_rejected) == ("double", 0)
    assert records("made", "v") == [("1.5",), ("Infinity",), (None,), ("-7",)]


def test_digits_are_never_lost_for_an_infinity(owner: User) -> None:
    job = made(owner, "v,x\n0.12345678901234567890,a\ninf,b\n", allow_infinity=True)
    assert (job.findings["types"]["v"], job.rows_rejected) == ("numeric", 1)
    assert records("made", "v") == [("0.12345678901234567890",)]


def test_a_typed_column_takes_no_infinity_by_itself(owner: User) -> None:
    make_table(owner, "there", v="REAL", n="NUMERIC")
    job = import_text(owner, "there", "v,n\ninf,1\n1,inf\n2,2\n")
    assert (job.rows_imported, rejected(job)) == (1, [(2, [("v", "invalid_type")]), (3, [("n", "invalid_type")])])


# Totals and footnotes ----------------------------------------------------------------------------------------------

ROWS = "day,item,amount\n2024-01-01,tea,1.50\n2024-01-02,milk,2.50\n2024-01-03,tea,3.00\n"


def test_a_total_is_said_and_left_in(owner: User) -> None:
    make_table(owner, "there", day="TEXT", item="TEXT", amount="NUMERIC")
    job = import_text(owner, "there", ROWS + "Total,,7.00\n")
    assert (job.rows_imported, job.findings["footer"]) == (
        4,
        {
            "rows": 1,
            "line": 5,
            "message": "the last row (line 5: Total) looks like a total; “skip_last”: 1 leaves it out",
        },
    )
    assert job.findings["footer"]["message"] in job.findings["notes"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("item,n,amount\na,1,10.50\nb,2,20.25\nc,3,30.00\n,6,60.75\n", 5),
        ("item;n;amount\na;1;1.010,50\nb;2;20,25\nc;3;30,00\nErgebnis 2024;6;1.060,75\n", 5),
        ("item,amount\na,$1.50\nb,$2.00\n,$3.50\n", 4),
        ("item,n\n" + "".join(f"i{n},{n}\n" for n in range(1_000)) + ",499500\n", 1_002),
    ],
)
def test_sums_are_known_without_a_word(owner: User, text: str, line: int) -> None:
    job = import_text(owner, "made", text, create_table=True)
    assert (job.findings["footer"]["rows"], job.findings["footer"]["line"]) == (1, line)
    assert "looks like a total" in job.findings["footer"]["message"]
    assert job.findings["proposals"][-1]["options"] == {"skip_last": 1}


@pytest.mark.parametrize("new", [True, False])
def test_the_option_leaves_totals_and_footnotes_out(owner: User, *, new: bool) -> None:
    footer = "Summe,,7.00\n\nSource: the kitchen\n* without sugar\n"
    if not new:
        make_table(owner, "made", day="DATE", item="TEXT", amount="NUMERIC")
    first = import_text(owner, "first", ROWS + footer, create_table=True)
    (proposal,) = first.findings["proposals"]
    assert (proposal["code"], proposal["options"], first.findings["footer"]["line"]) == ("footer", {"skip_last": 3}, 5)
    more: dict[str, Any] = {"create_table": True} if new else {}
    job = import_text(owner, "made", ROWS + footer, **more, **proposal["options"])
    assert (job.rows_read, job.rows_imported, job.rows_rejected) == (3, 3, 0), rejected(job)
    assert "footer" not in job.findings
    assert records("made", "day", "amount")[-1] == ("2024-01-03", "3.00")
    assert "The last 3 rows left out (“skip_last”)." in job.findings["notes"]


ORDINARY: list[str] = [
    ROWS,
    "name,n\nTotal,1\nSum,2\nTotal,3\n",
    "name,n\nAnn,1\nBob,2\nCid,\n",
    "fuel,price\nSuper,1.5\nTotal Energies,about 2\n",
    "note\na\nb\nsource: c\n",
    "n,m\n1,1\n2,2\n3,3\n",
    "item,n,m\na,1,5\nb,2,5\nc,3,5\nd,6,5\n",
    "item,n\na,1\nb,2\nc,3\n",
    "item,n\na,0\nb,0\n,0\n",
    "item,n\na,1\nb,many\n,1\n",
]


def test_ordinary_last_rows_are_none(owner: User, subtests: pytest.Subtests) -> None:
    for place, text in enumerate(ORDINARY):
        with subtests.test(text=text):
            job = made(owner, text, table=f"made{place}")
            assert "footer" not in job.findings
            assert "proposals" not in job.findings


def test_the_end_of_a_long_file_is_looked_at_and_cut(owner: User) -> None:
    text = "n,item,amount\n" + "".join(f"{n},tea and milk and sugar,{n}.25\n" for n in range(60_000))
    job = made(owner, text + "Grand total,,1799985000.00\n", types={"n": "TEXT"})
    assert (job.findings["footer"]["rows"], job.findings["footer"]["line"]) == (1, 60_002)
    again = import_text(owner, "again", text, create_table=True, skip_last=1000)
    assert (again.rows_read, again.rows_imported) == (59_000, 59_000)
    assert records("again", "n")[-1] == ("58999",)


@pytest.mark.parametrize("last", [",,1799985000.00\n", ',,"1,799,985,000.00"\n'])
def test_sums_without_a_word_are_known_in_long_files(owner: User, last: str) -> None:
    text = "n,item,amount\n" + "".join(f"{n},tea and milk and sugar,{n}.25\n" for n in range(60_000))
    job = made(owner, text + last, types={"n": "TEXT"})
    assert job.findings["footer"]["rows"] == 1
    again = import_text(owner, "again", text + last.replace("85", "86"), create_table=True)
    assert "footer" not in again.findings


def test_all_rows_may_be_left_out_and_then_there_is_none(owner: User) -> None:
    job = import_text(owner, "made", ROWS, create_table=True, skip_last=3)
    assert (job.state, job.error_code, job.rows_read) == ("failed", "no_row_fits", 0)


def test_a_total_below_subtotals_and_the_count_of_a_database_are_footers() -> None:
    rows = [
        LastRow(2, ["a", "1"]),
        LastRow(3, ["Subtotal", "1"]),
        LastRow(4, ["b", "2"]),
        LastRow(5, ["Subtotal", "2"]),
    ]
    assert footer_of(rows) is None
    total = footer_of([*rows, LastRow(6, ["Total", "3"])])
    assert total is not None
    assert (total["rows"], total["line"]) == (1, 6)
    assert footer_of([LastRow(n, ["a", "1", "2"]) for n in range(5)] + [LastRow(5, ["(5 rows)"])]) is not None


def test_what_stands_below_a_blank_line_in_one_cell_is_a_footnote() -> None:
    rows = [LastRow(n, ["a", "1", "2"]) for n in range(5)]
    assert footer_of([*rows, LastRow(6, ["as of May"], is_apart=True)]) is not None
    assert footer_of([*rows, LastRow(5, ["as of May"])]) is None
    assert footer_of([*rows, LastRow(6, ["2024"], is_apart=True)]) is None
    assert footer_of([]) is None


def test_what_is_counted_is_a_lower_bound_where_counting_stopped() -> None:
    def said(point: int, comma: int) -> str:
        tallies = [Tally(POINT, cells=50_000, failures=point), Tally(COMMA, cells=50_000, failures=comma)]
        choice = decide(tallies, None, POINT)
        assert choice is not None
        return choice.note

    assert "comma: more than 10,000 cells show it, none contradicts it" in said(10_500, 0)
    assert "comma: 9,900 cells show it, 100 do not fit" in said(10_000, 100)
    assert "comma: at least 9,950 cells show it, 100 do not fit" in said(10_050, 100)
    assert "comma: 3 cells show it, 1 does not fit" in said(4, 1)


def test_words_alone_and_notes_with_separators_are_footers_and_numbered_rows_are_none() -> None:
    rows = [LastRow(number, [str(number), f"x{number}", "y"]) for number in range(1, 4)]
    for row in (LastRow(4, ["Total", "", ""]), LastRow(5, ["Source: Eurostat", " 2024", ""], is_apart=True)):
        found = footer_of([*rows, row])
        assert found is not None
        assert (found["rows"], found["line"]) == (1, row.line)
    numbered = [["1", "2", "3"], ["x", "y", "z"], ["a", "b", ""]]
    assert footer_of([LastRow(n, [column[n] for column in numbered]) for n in range(3)], numbered) is None
