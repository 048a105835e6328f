"""docs/changing-tables.md says of every pair of types what the registry says, and its example is taken as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from rest_framework.test import APIClient

from dataengine.columns.types import REGISTRY, ColumnType

from .conftest import MakeTable

DOCS = Path(__file__).resolve().parents[2] / "docs" / "changing-tables.md"
PARAMETERS: dict[str, dict[str, Any]] = {
    "varchar": {"length": 1},
    "choice": {"choices": ["a"]},
    "choices": {"choices": ["a"]},
    "reference": {"references": "t"},
}


def named(kinds: list[ColumnType]) -> str:
    return " ".join(f"`{kind.sql_names[0]}`" for kind in kinds)


def row(kind: ColumnType) -> str:
    """``| `DATE` | what holds all its values | what each is checked for |``."""
    verdicts: dict[str, list[ColumnType]] = {"lossless": [], "checked": [], "refused": []}
    for other in REGISTRY.values():
        if other is not kind:
            verdicts[kind.change_into(other, PARAMETERS.get(other.name, {}))].append(other)
    checked = named(verdicts["checked"]) if verdicts["refused"] else "all others"
    return f"| `{kind.sql_names[0]}` | {named(verdicts['lossless'])} | {checked} |"


def test_the_table_of_pairs_is_that_of_the_registry() -> None:
    said = {line.split("|")[1].strip(): line for line in DOCS.read_text().splitlines() if line.startswith("| `")}
    for kind in REGISTRY.values():
        expected = row(kind)
        assert said.get(f"`{kind.sql_names[0]}`", "").split() == expected.split(), f"in {DOCS.name} write\n{expected}"


def test_the_example_is_taken_and_answered_as_it_says(client: APIClient, make_table: MakeTable) -> None:
    text = DOCS.read_text()
    [body] = re.findall(r"```json\n(.+)\n```", text)
    answers = text.partition("| in the answer | is |")[2].partition("\n\n")[0]
    named_keys = [re.findall(r"`(\w+)`", line.split("|")[1]) for line in answers.splitlines() if line.startswith("| `")]
    make_table("t", a="TEXT")
    for value in ("1.234,56", "x", "-5", None):
        client.post("/api/tables/t/records/", {"a": value})
    answer = client.post("/api/tables/t/columns/a/rehearse/", json.loads(body))
    assert (answer.status_code, set(answer.json())) == (200, {key for keys in named_keys for key in keys})
    found = answer.json()
    assert (found["records"], found["converted"], found["unchanged"], found["failing"]) == (4, 1, 0, 3)
    assert client.patch("/api/tables/t/columns/a/", {"plan": found["plan"]}).status_code == 200
    records = client.get("/api/tables/t/records/").json()["results"]
    assert [(record["a"], record["a_before"]) for record in records] == [
        ("1234.56", None), ("0.00", "x"), ("0.00", "-5"), ("0.00", None),
    ]  # fmt: skip
