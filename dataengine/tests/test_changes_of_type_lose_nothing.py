"""A change of type that is called lossless keeps every value, as PostgreSQL confirms here."""

from __future__ import annotations

import pytest
from django.db import connection

from dataengine.columns.types import REGISTRY

UUID = "'0f8fad5b-d9cb-469f-a165-70867728950e'"
SAMPLES = {
    "text": ["''", "' a  '", "'ü\n'"],
    "longtext": ["''", "' a\n\nb '"],
    "varchar": ["''", "'a '"],
    "smallint": ["'-32768'", "'0'", "'32767'"],
    "integer": ["'-2147483648'", "'16777217'", "'2147483647'"],
    "bigint": ["'-9223372036854775808'", "'9007199254740993'", "'9223372036854775807'"],
    "numeric": [
        "'0.10'",
        "'-0.000000000000000000000000000000000000000000000000001'",
        "'12345678901234567890123456789012345'",
    ],
    "real": ["'0.1'", "'3.4e38'", "'1e-45'", "'NaN'", "'-Infinity'", "'-0'"],
    "double": ["'0.1'", "'1.7976931348623157e308'", "'5e-324'", "'NaN'", "'-Infinity'", "'-0'"],
    "boolean": ["true", "false"],
    "date": ["'0001-01-01'", "'2024-02-29'", "'9999-12-31'"],
    "time": ["'00:00'", "'23:59:59.999999'"],
    "timestamp": ["'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"],
    "timestamptz": ["'0001-01-01 00:00:00.000001Z'", "'2024-03-31 02:30+02'"],
    "duration": ["'0:00'", "'-25:00:00.000001'", "'2562047788:00:54.775807'"],
    "uuid": [UUID],
    "json": ["""'{"b": 1.50, "a": [null, "ü"]}'""", "'\"text\"'"],
    "jsonb": ["""'{"b": 1.50, "a": [null, "ü"]}'""", "'null'"],
    "email": ["'a@example.com'"],
    "url": ["'https://example.com/'"],
    "choice": ["'red'"],
    "texts": ["'{}'", """'{a,"b, c","\\"q\\"","",NULL}'"""],
    "choices": ["'{red,blue}'"],
    "reference": ["'1'", "'9223372036854775807'"],
}
LOSSLESS = [
    (kind.name, other.name)
    for kind in REGISTRY.values()
    for other in REGISTRY.values()
    if kind is not other and kind.change_into(other, {}) == "lossless"
]


def test_every_type_has_samples_and_knows_the_others_by_name() -> None:
    assert SAMPLES.keys() == REGISTRY.keys()
    for kind in REGISTRY.values():
        assert kind.lossless | kind.checked <= REGISTRY.keys(), kind.name
        assert not kind.lossless & kind.checked, kind.name


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "other"), LOSSLESS)
def test_lossless_changes_lead_there_and_back(name: str, other: str) -> None:
    kind, wanted = (REGISTRY[each].postgres_type({}) for each in (name, other))
    with connection.cursor() as cursor:
        for sample in SAMPLES[name]:
            cursor.execute(f"SELECT v::text, v::{wanted}::{kind}::text FROM (SELECT {sample}::{kind} AS v) AS s")
            before, after = cursor.fetchone()
            assert before == after, sample


def test_parameters_make_a_change_one_that_is_checked() -> None:
    integer, text = REGISTRY["integer"], REGISTRY["text"]
    assert integer.change_into(REGISTRY["numeric"], {}) == "lossless"
    assert integer.change_into(REGISTRY["numeric"], {"precision": 5, "scale": 2}) == "checked"
    assert text.change_into(REGISTRY["varchar"], {}) == "checked"
    assert REGISTRY["bigint"].change_into(integer, {}) == "checked"
    assert REGISTRY["date"].change_into(REGISTRY["boolean"], {}) == "refused"
