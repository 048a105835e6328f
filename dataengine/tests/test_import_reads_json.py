"""JSON Lines and JSON arrays of objects: every object is a row, none is lost, no value changes."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import given, settings
from hypothesis import strategies as st
from rest_framework.test import APIClient

from dataengine.exceptions import InvalidInput
from dataengine.imports.dialects.dialect import DialectOptions
from dataengine.imports.dialects.opening import examine
from dataengine.imports.parsing.parser import parse
from dataengine.imports.rejecting.rejected_rows import csv_lines
from dataengine.tests.importing import import_text, make_table, records, rejected


def read(data: bytes | str, filename: str = "a.jsonl", **given: Any) -> tuple[list[str], list[Any], list[Any]]:
    """The names, the rows as (line, cells) and the rejected rows as (line, code, raw, message)."""
    data = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    opening = examine(io.BytesIO(data), filename, DialectOptions(**given))
    rows: list[Any] = []
    bad: list[Any] = []
    for block in parse(opening.source, opening.dialect, len(opening.headers)):
        columns = [column.to_pylist() for column in block.columns]
        rows += [(int(line), *cells) for line, *cells in zip(block.lines, *columns, strict=True)]
        bad += [(item.line, item.code, item.raw, item.message) for item in block.rejects]
    return opening.headers, rows, bad


LINES = '{"name": "Ann", "n": 1}\n\n{"n": 2.50, "name": "B\\"ob\\n,x"}\n{"name": null}\n{}\n{"name": "", "n": 1e5}\n'
ROWS = [(1, "Ann", "1"), (3, 'B"ob\n,x', "2.50"), (4, None, None), (5, None, None), (6, "", "1e5")]


@pytest.mark.parametrize("filename", ["a.jsonl", "a.ndjson", "a.json", "A.JSONL", "a.txt", "a.csv"])
def test_lines(filename: str) -> None:
    assert read(LINES, filename) == (["name", "n"], ROWS, [])


@pytest.mark.parametrize(
    "data",
    [
        LINES.encode("utf-8-sig"),
        LINES.replace("\n", "\r\n").encode(),
        LINES.encode("utf-16"),
        LINES.encode("utf-16-le"),
        LINES.rstrip("\n").encode(),
    ],
)
def test_lines_however_they_are_encoded(data: bytes) -> None:
    assert read(data) == (["name", "n"], ROWS, [])


def test_lines_that_are_packed() -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.jsonl", LINES)
    assert read(gzip.compress(LINES.encode()), "a.jsonl.gz")[1] == ROWS
    assert read(file.getvalue(), "a.zip")[1] == ROWS
    assert read(gzip.compress(b'[{"a": 1}]'), "a.json.gz")[1] == [(1, "1")]


ARRAYS = [
    '[{"name": "Ann", "n": 1}, {"name": "Bob", "n": [1.10, {"x": "a, \\"b"}]}]',
    '[{"name":"Ann","n":1},{"name":"Bob","n":[1.10, {"x": "a, \\"b"}]}]\n',
    '\n\n[\n{"name": "Ann", "n": 1},\n{"name": "Bob", "n": [1.10, {"x": "a, \\"b"}]}\n]\n\n',
    '[\n  {\n    "name": "Ann",\n    "n": 1\n  },\n  {\n    "name": "Bob",\n    "n": [1.10, {"x": "a, \\"b"}]\n  }\n]',
]


@pytest.mark.parametrize("text", ARRAYS)
@pytest.mark.parametrize("filename", ["a.json", "a.jsonl", "a.txt"])
def test_arrays(text: str, filename: str) -> None:
    assert read(text, filename) == (["name", "n"], [(1, "Ann", "1"), (2, "Bob", '[1.10, {"x": "a, \\"b"}]')], [])


def test_a_header_may_have_braces() -> None:
    for header in ("{a},b", '[{"x"}],b', '"{""a"": 1}",b'):
        _, rows, _ = read(f"{header}\n1,2\n3,4\n", "a.csv", quote="" if header.startswith("[") else None)
        assert rows == [(2, "1", "2"), (3, "3", "4")]


def test_numbers_keep_their_digits() -> None:
    numbers = ["1.0", "1", "-0", "0.10", "12345678901234567890.12345678901234567890", "1E400", "9" * 5000]
    text = "\n".join(f'{{"n": {number}}}' for number in numbers)
    assert [row[1] for row in read(text)[1]] == numbers


def test_values_of_every_kind() -> None:
    text = '{"t": true, "f": false, "z": null, "o": {"k": [1.50, "é"]}, "a": [], "s": "NA", "e": "",'
    text += ' "m": "\\u00e9\\ud83d\\ude00"}'
    assert read(text)[1] == [(1, "true", "false", None, '{"k": [1.50, "é"]}', "[]", "NA", "", "é😀")]


MALFORMED = [
    ('{"a": 1', "malformed JSON at character 8"),
    ('{"a": 1}}', "something follows the object at character 9"),
    ('{"a": 01}', "malformed JSON"),
    ("{'a': 1}", "malformed JSON"),
    ("[1, 2]", "expected a JSON object"),
    ("7", "expected a JSON object"),
    ('"text, with a comma"', "expected a JSON object"),
    ("nonsense", "malformed JSON at character 1"),
    ('{"a": 1, "b": 2, "a": 3}', "the key “a” twice"),
    ('{"a": "x\ty"}', "control character"),
    ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
]


@pytest.mark.parametrize(("line", "words"), MALFORMED, ids=[words for _, words in MALFORMED])
def test_a_malformed_line_costs_itself(line: str, words: str) -> None:
    names, rows, bad = read(f'{{"a": 1, "b": 1}}\n{line}\n{{"a": 3, "b": 3}}\n')
    assert names == ["a", "b"]
    assert rows == [(1, "1", "1"), (3, "3", "3")]
    [(number, code, raw, message)] = bad
    assert (number, code) == (2, "invalid_type")
    assert raw == line[: 64 << 10]
    assert words in message


def test_the_first_line_may_be_the_malformed_one() -> None:
    assert read('{"a": 1\n{"a": 2}\n') == (
        ["a"],
        [(2, "2")],
        [(1, "invalid_type", '{"a": 1', "malformed JSON at character 8: expecting ',' delimiter")],
    )


@pytest.mark.parametrize(("line", "words"), MALFORMED[4:9], ids=[words for _, words in MALFORMED[4:9]])
def test_one_column_is_no_other_case(line: str, words: str) -> None:
    _, rows, bad = read(f'{{"a": 1}}\n{line}\n{{"a": null}}\n')
    assert rows == [(1, "1"), (3, None)]
    assert [(item[0], item[1]) for item in bad] == [(2, "invalid_type")]


@pytest.mark.parametrize(
    ("text", "rows", "bad"),
    [
        ('[{"a": 1}, 7, {"a": 2}]', [(1, "1"), (3, "2")], [(2, "7")]),
        ('[{"a": 1}, {"a": 01}, {"a": 2}]', [(1, "1"), (3, "2")], [(2, '{"a": 01}')]),
        ('[{"a": 1}, nonsense, {"a": 2}]', [(1, "1"), (3, "2")], [(2, "nonsense")]),
        ('[\n{"a": 1},\n{"a": "x},\n{"a": 2}\n]', [(1, "1"), (3, "2")], [(2, '{"a": "x}')]),
        ('[\n{"a": 1},\n{"a": 5,\n{"a": 2}\n]', [(1, "1"), (3, "2")], [(2, '{"a": 5')]),
        (
            '[\n  {\n    "a": 1\n  },\n  {\n    "a": "x,\n  },\n  {\n    "a": 2\n  }\n]',
            [(1, "1"), (3, "2")],
            [(2, '{\n    "a": "x,\n  }')],
        ),
        ('[{"a": 1}, {"a": 2}] and more', [(1, "1"), (2, "2")], [(3, "and more")]),
        ('[{"a": 1}, {"a": 2}', [(1, "1"), (2, "2")], [(3, "")]),
        ('[{"a": 1}, {"a": ', [(1, "1")], [(2, '{"a":')]),
    ],
)
def test_a_malformed_element_costs_itself(text: str, rows: list[Any], bad: list[Any]) -> None:
    names, found, rejects = read(text, "a.json")
    assert names == ["a"]
    assert found == rows
    assert [(number, raw) for number, _, raw, _ in rejects] == bad
    assert {code for _, code, _, _ in rejects} == {"invalid_type"}


def test_many_malformed_elements_on_one_line_are_read_once() -> None:
    """Each costs itself; looking further than it goes, megabyte by megabyte, would take hours."""
    count = 1_000
    filler = "x" * 900
    text = "[" + ",".join(f'{{"a": 01, "f": "{filler}"}},{{"a": {n}}}' for n in range(count)) + "]"
    _, rows, bad = read(text, "a.json")
    assert [row[1] for row in rows] == [str(n) for n in range(count)]
    assert len(bad) == count


def test_not_a_number_is_what_programs_write() -> None:
    assert read('{"a": NaN}\n{"a": -Infinity}\n{"a": "NaN"}\n')[1] == [(1, "NaN"), (2, "-Infinity"), (3, "NaN")]


def test_what_is_no_text_costs_its_row() -> None:
    _, rows, bad = read(b'{"a": "x\\u0000"}\n{"a": "\\ud800"}\n{"a": "\xff"}\n{"a": "y"}\n')
    assert rows == [(4, "y")]
    assert [item[:2] for item in bad] == [(1, "invalid_encoding"), (2, "invalid_encoding"), (3, "invalid_encoding")]


@pytest.mark.parametrize(
    ("filename", "text", "code"),
    [
        ("a.json", "", "empty_file"),
        ("a.json", "  \n", "not_csv"),
        ("a.json", "[]", "not_csv"),
        ("a.json", "[{}, {}]", "not_csv"),
        ("a.json", "name,n\nAnn,1\n", "not_csv"),
        ("a.json", '{\n  "data": [\n    {"a": 1}\n  ]\n}\n', "not_csv"),
        ("a.json", '{\n"data": [\n' + '{"a": 1},\n' * 300_000 + '{"a": 2}\n]\n}\n', "not_csv"),
        ("a.jsonl", "1\n2\n", "not_csv"),
        ("a.jsonl", "{" + ",".join(f'"k{n}": 1' for n in range(1600)) + "}", "too_many_columns"),
    ],
)
def test_files_that_are_refused(filename: str, text: str, code: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(text, filename)
    assert caught.value.error_code == code


def test_a_long_line_costs_itself() -> None:
    long = '{"a": "' + "x" * (17 << 20) + '"}'
    _, rows, bad = read(f'{{"a": 1}}\n{long}\n{{"a": 2}}\n')
    assert rows == [(1, "1"), (3, "2")]
    assert [(number, code) for number, code, _, _ in bad] == [(2, "value_too_long")]


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), TEXTS)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.fixed_dictionaries({"k": st.just(1)}, optional={"a": VALUES, "b": VALUES, 'c,"d': TEXTS}), min_size=1),
    st.sampled_from(["lines", "array", "pretty"]),
)
def test_no_value_changes(objects: list[dict[str, Any]], form: str) -> None:
    def shown(value: Any) -> str:
        return str(value) if isinstance(value, Decimal) else json.dumps(value)

    def cell(value: Any) -> str | None:
        if value is None or isinstance(value, str):
            return value
        return str(value).lower() if isinstance(value, bool) else str(value)

    listed = [
        "{" + ", ".join(f"{json.dumps(key)}: {shown(value)}" for key, value in item.items()) + "}" for item in objects
    ]
    text = "\n".join(listed) if form == "lines" else "[" + (",\n" if form == "pretty" else ",").join(listed) + "]"
    names, rows, bad = read(text, "a.json")
    assert bad == []
    assert [dict(zip(names, row[1:], strict=True)) for row in rows] == [
        {name: cell(item.get(name)) for name in names} for item in objects
    ]


# Into tables ------------------------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_new_table(owner: User) -> None:
    text = "\n".join(
        json.dumps(item)
        for item in [
            {"name": "Ann", "n": 1, "ison": True, "tags": ["a"], "day": "2024-01-31", "tiny": 1e-07, "code": "007"},
            {"name": "NA", "n": None, "ison": True, "tags": {}, "day": None, "tiny": 2.5, "code": "1"},
        ]
    )
    job = import_text(owner, "A", text, filename="a.jsonl", create_table=True)
    assert job.state == "completed", job.error
    assert job.findings["types"] == {
        "name": "text", "n": "integer", "ison": "boolean", "tags": "jsonb", "day": "date", "tiny": "numeric",
        "code": "text",
    }  # fmt: skip
    assert records("A", "name", "n", "ison", "tags", "tiny", "code") == [
        ("Ann", "1", "true", '["a"]', "0.0000001", "007"),
        ("NA", None, "true", "{}", "2.5", "1"),
    ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("create", [True, False])
def test_a_key_that_turns_up_late_is_not_lost(owner: User, create: bool) -> None:
    filler = "x" * 10_000
    lines = [json.dumps({"name": f"n{n}", "filler": filler}) for n in range(900)]
    lines.append(json.dumps({"name": "last", "late": "here", "later": 5}))
    if not create:
        make_table(owner, "A", name="TEXT", late="TEXT")
    job = import_text(owner, "A", "\n".join(lines), filename="a.jsonl", create_table=create)
    assert job.state == "completed", job.error
    assert job.rows_imported == 901
    assert records("A", "name", "late")[-1] == ("last", "here")
    if create:
        assert records("A", "later")[-1] == ("5",)
    else:
        assert any("later" in note for note in job.findings["notes"])


@pytest.mark.django_db(transaction=True)
def test_words_for_missing_values_are_texts(owner: User) -> None:
    make_table(owner, "A", name="TEXT", n="INTEGER")
    text = '[{"name": "NULL", "n": null}, {"name": "\\\\N", "n": 2}, {"name": "", "n": 3.0}, {"n": 4.5}]'
    job = import_text(owner, "A", text, filename="a.json", null_values=["NULL", "2"])
    assert records("A", "name", "n") == [("NULL", None), ("\\N", None), ("", "3")]
    assert rejected(job) == [(4, [("n", "invalid_type")])]


@pytest.mark.django_db(transaction=True)
def test_rejected_csv_has_the_lines_and_comes_back(owner: User) -> None:
    make_table(owner, "A", name="TEXT NOT NULL", n="INTEGER")
    text = '{"name": "=Ann", "n": "x"}\n[1, 2]\n{"n": 3}\n{"name": "", "n": 4}\n'
    job = import_text(owner, "A", text, filename="a.jsonl")
    assert rejected(job) == [
        (1, [("n", "invalid_type")]),
        (2, [("*", "invalid_type")]),
        (3, [("name", "missing_value")]),
    ]
    lines = b"".join(csv_lines(job)).decode().split("\r\n")
    assert lines[0] == "name,n,_line,_errors"
    assert lines[1].startswith('"\'=Ann","x",1,')
    assert lines[2].startswith('"[1, 2]",,2,*: invalid_type')
    mended = "\r\n".join([lines[0], lines[1].replace('"x"', "7")])
    again = import_text(owner, "A", mended, filename=f"rejected-{job.pk}.csv")
    assert again.rows_rejected == 0
    assert records("A", "name", "n") == [("", "4"), ("=Ann", "7")]


@pytest.mark.django_db(transaction=True)
def test_the_api_takes_it(client: APIClient, owner: User) -> None:
    body = {
        "file": SimpleUploadedFile("a.ndjson", b'{"a": 1}\n'),
        "table_name": "A",
        "options": json.dumps({"create_table": True}),
    }
    answer = client.post("/api/upload-csv/", body, format="multipart")
    assert answer.status_code == 202, answer.content
    body |= {"file": SimpleUploadedFile("a.json", b'{\n"a": 1\n}\n'), "table_name": "B"}
    answer = client.post("/api/upload-csv/", body, format="multipart")
    assert answer.status_code == 400
    assert "JSON" in answer.json()["error"]["message"]
