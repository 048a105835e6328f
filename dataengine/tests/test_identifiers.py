"""Names: what may be one, what may not, and names made from anything."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataengine.columns.identifiers import (
    MAX_BYTES,
    OWN_COLUMNS,
    RESERVED_WORDS,
    SYSTEM_COLUMNS,
    derive_identifier,
    validate_identifier,
)
from dataengine.exceptions import InvalidInput


@pytest.mark.parametrize("name", ["a", "_a", "Customer", "first name", "e-mail", "Größe", "名前", "x" * 63, "a1_b"])
def test_accepts(name: str) -> None:
    assert validate_identifier(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "a ", " a", "a  b", "1a", "-a", 'a"b', "a'b", "a;b", "a.b", "a\tb", "a\nb", "a\0b", "a,b", "a(b",
        "a%b", "x" * 64, "é" * 32, "a__b", "__a", "select", "SELECT", "user", "ctid", "xmin", "id", "ID", "_line",
        "_errors",
        "\u202ea", "a\u200b", "💥", "a/b", "a\\b", "tk:1:unique", None, 1, ["a"],
    ],
)  # fmt: skip
def test_refuses(name: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_identifier(name)
    assert caught.value.error_code == "invalid_name"
    assert caught.value.fields


def test_counts_bytes_not_characters() -> None:
    assert validate_identifier("é" * 31) == "é" * 31
    with pytest.raises(InvalidInput, match="64 bytes"):
        validate_identifier("é" * 32)


def test_table_names_may_be_column_only_words() -> None:
    assert validate_identifier("id", what="table") == "id"
    with pytest.raises(InvalidInput):
        validate_identifier("table", what="table")


def test_new_is_a_page_and_no_table() -> None:
    with pytest.raises(InvalidInput):
        validate_identifier("new", what="table")
    assert derive_identifier("New", what="table") == "new_table"
    assert validate_identifier("new", what="column") == derive_identifier("New") == "new"


def test_errors_stand_at_the_field() -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_identifier("a.b", what="table", field="table_name")
    assert list(caught.value.fields) == ["table_name"]


def test_lone_surrogates_are_refused() -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_identifier("a\ud800")
    assert all(key.encode() for key in caught.value.fields)


@given(st.text())
def test_what_passes_is_safe(name: str) -> None:
    try:
        valid = validate_identifier(name)
    except InvalidInput:
        return
    assert valid == unicodedata.normalize("NFC", name)
    assert len(valid.encode()) <= MAX_BYTES
    assert not set(valid) & set("\"'.;:,()\\/\0\t\r\n")
    assert valid.casefold() not in RESERVED_WORDS | SYSTEM_COLUMNS | OWN_COLUMNS
    assert validate_identifier(valid) == valid


@given(st.text(), st.lists(st.text(), max_size=5))
def test_derived_names_are_valid_and_new(text: str, headers: list[str]) -> None:
    taken: list[str] = []
    for header in [*headers, text, text]:
        name = derive_identifier(header, taken=taken)
        assert validate_identifier(name) == name
        assert name.casefold() not in {other.casefold() for other in taken}
        taken.append(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("First Name", "first_name"), ("order", "order_column"), ("id", "id_column"), ("2020", "column_2020"),
        ("", "column_1"), ("%", "column_1"), ("Größe (cm)", "grösse_cm"), ("a__b", "a_b"),
    ],
)  # fmt: skip
def test_derives(text: str, name: str) -> None:
    assert derive_identifier(text) == name


def test_derives_numbers_for_clashes() -> None:
    assert derive_identifier("Name", taken=["name", "NAME_2"]) == "name_3"
    assert derive_identifier("%", taken=["Column_1"]) == "column_2"
    assert len(derive_identifier("x" * 80, taken=["x" * 63]).encode()) == MAX_BYTES
