"""Files in every mode do what a plain description of the modes says, and undoing and redoing them is exact."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from dataengine.models import ImportJob
from dataengine.tests.importing import import_text, make_table, records, rejected
from dataengine.tests.test_imports_are_undone import do

pytestmark = pytest.mark.django_db(transaction=True)

COLUMNS = ("sku", "shop", "n", "code", "place")
CASES = int(os.environ.get("MODE_CASES", "8"))
SEED = int(os.environ.get("MODE_SEED", "5"))

type Row = dict[str, str | None]


@dataclass
class Expected:
    """What becomes of a file, by plain loops over rows and records."""

    state: str
    table: list[Row] = field(default_factory=list)
    """The records afterwards, without ids."""
    counts: tuple[int, ...] = ()
    """(imported, updated, unchanged, skipped, removed, rejected)."""
    lines: list[int] = field(default_factory=list)
    """The lines of rejected rows."""


class Oracle:
    """Reads the options again, one row at a time, with nothing but comparisons of values."""

    def __init__(self, table: list[Row], places: set[str], options: dict[str, Any]) -> None:
        self.table = table
        self.places = places
        key = options.get("key")
        self.key: list[str] = [key] if isinstance(key, str) else list(key or ())
        self.missing: Any = options.get("on_missing", "keep")
        self.conflict = options.get("on_conflict", "update" if self.missing != "keep" else "reject")
        self.options = options
        self.unique = [["code"], *([self.key] if self.key and self.key != ["code"] else [])]

    def same(self, names: list[str], one: Row, other: Row) -> bool:
        return all(one.get(name) is not None and one.get(name) == other.get(name) for name in names)

    def of(self, row: Row) -> list[int]:
        return [at for at, record in enumerate(self.table) if self.key and self.same(self.key, row, record)]

    def run(self, rows: list[Row]) -> Expected:
        bad = {at for at, row in enumerate(rows) if not _is_number(row.get("n"))}
        bad |= {at for at, row in enumerate(rows) if row.get("place") not in {None, *self.places}}
        if self.missing != "keep":  # a row that names no record would let its record go
            bad |= {at for at, row in enumerate(rows) if any(row.get(name) is None for name in self.key)}
        updates = self.conflict in {"update", "update_only"}
        if updates:
            bad |= {at for at, row in enumerate(rows) if len(self.of(row)) > 1}
        leaving = self._leaving(rows)
        skipped = {at for at, row in enumerate(rows) if at not in bad and self._is_skipped(row)}
        left = [at for at in range(len(rows)) if at not in bad | skipped]
        good = self._good(rows, left, leaving if self._deletes else set(), updates=updates)
        bad |= set(left) - set(good)
        if refused := self._refuses(rows, bad, leaving):
            counts = (0, 0, 0, len(rows) - len(bad), 0, len(bad))
            return Expected("failed", self.table, counts, [at + 2 for at in sorted(bad)] if refused else [])
        table: list[Row] = [dict(record) for record in self.table]
        new, updated, unchanged = [], 0, 0
        for at in good:
            found = self.of(rows[at]) if updates else []
            if not found:
                new.append({name: rows[at].get(name) for name in COLUMNS})
                continue
            changed = {**table[found[0]], **rows[at]}
            updated += changed != table[found[0]]
            unchanged += changed == table[found[0]]
            table[found[0]] = changed
        for at in leaving if not self._deletes else ():
            table[at] = {**table[at], **self.missing["set"]}
        stay = [one for at, one in enumerate(table) if not (self._deletes and at in leaving)]
        counts = (len(new), updated, unchanged, len(skipped), len(leaving), len(bad))
        return Expected("completed", [*stay, *new], counts, [at + 2 for at in sorted(bad)])

    @property
    def _deletes(self) -> bool:
        return bool(self.options.get("replace")) or self.missing == "delete"

    def _leaving(self, rows: list[Row]) -> set[int]:
        if self.options.get("replace"):
            return set(range(len(self.table)))
        if self.missing == "keep":
            return set()
        found = {at for at in self._scope() if not any(self.same(self.key, row, self.table[at]) for row in rows)}
        if self.missing == "delete":
            return found
        values = self.missing["set"]
        return {at for at in found if {**self.table[at], **values} != self.table[at]}

    def _scope(self) -> set[int]:
        scope = self.options.get("scope", {})
        return {at for at, one in enumerate(self.table) if all(one[name] == value for name, value in scope.items())}

    def _is_skipped(self, row: Row) -> bool:
        if self.conflict == "skip":
            keys = [self.key] if self.key else self.unique
            return any(self.same(key, row, record) for key in keys for record in self.table)
        return self.conflict == "update_only" and not self.of(row)

    def _good(self, rows: list[Row], left: list[int], gone: set[int], *, updates: bool) -> list[int]:
        """Rows that clash neither with what stays nor, in the order of the file, with one another."""
        while True:
            about = {found: at for at in left if updates for found in self.of(rows[at])}
            clashing = {
                at
                for at in left
                for key in self.unique
                for place, record in enumerate(self.table)
                if not (updates and key == self.key)
                and place not in gone
                and self.same(key, rows[at], record)
                and not (updates and place in self.of(rows[at]))
                and not (place in about and not self.same(key, {**record, **rows[about[place]]}, record))
            }
            left = [at for at in left if at not in clashing]
            if not clashing:
                break
        good: list[int] = []
        for at in left:
            if not any(self.same(key, rows[at], rows[before]) for key in self.unique for before in good):
                good.append(at)
        # A row that repeats another leaves its record the value that a third counts on.
        return good if len(good) == len(left) or not updates else self._good(rows, good, gone, updates=updates)

    def _refuses(self, rows: list[Row], bad: set[int], leaving: set[int]) -> bool:
        mirrors, replaces = self.missing != "keep", bool(self.options.get("replace"))
        if self.options.get("on_error") == "abort" and bad:
            return True
        if not (mirrors or replaces) or (replaces and not self.table):
            return False
        if len(rows) == len(bad):
            return True
        if replaces:
            return False
        if bad and not self.options.get("allow_rejected"):
            return True
        most: float = self.options.get("max_delete_share", 0.1) * len(self._scope())
        return len(leaving) > most


def _is_number(text: str | None) -> bool:
    return text is None or text.isdigit()


def modes() -> Iterator[dict[str, Any]]:
    """Every combination of options that goes together."""
    keys: list[Any] = ["code", "sku", ["sku", "shop"], ["shop", "n"], ["code", "sku"]]
    for conflict in ("reject", "skip"):
        yield {"on_conflict": conflict}
    yield {"replace": True}
    missing: list[Any] = ["keep", "delete", {"set": {"n": "0"}}, {"set": {"shop": "x", "place": None}}]
    for key, conflict, gone in itertools.product(keys, ("reject", "skip", "update", "update_only"), missing):
        if gone == "keep":
            yield {"key": key, "on_conflict": conflict}
        elif conflict != "reject":
            for scope in ({}, {"shop": "s"}):
                yield {"key": key, "on_conflict": conflict, "on_missing": gone, **({"scope": scope} if scope else {})}


def case(chance: random.Random, options: dict[str, Any], places: list[str]) -> tuple[list[Row], list[Row]]:
    """Records and rows of a file that meet often."""
    codes = [f"c{number}" for number in range(8)]

    def one(code: str | None) -> Row:
        return {
            "sku": chance.choice("abcdef"), "shop": chance.choice(["s", "t", None]), "n": chance.choice("0123"),
            "code": code, "place": chance.choice([*places, None]),
        }  # fmt: skip

    table = [one(code if chance.random() < 0.8 else None) for code in chance.sample(codes, chance.randint(0, 6))]
    rows = []
    for _ in range(chance.randint(1, 6)):
        row = dict(chance.choice(table)) if table and chance.random() < 0.6 else one(chance.choice([*codes, None]))
        if chance.random() < 0.5:
            row["code"] = chance.choice([*codes, None])
        if chance.random() < 0.1:
            row["n"] = "bad"
        if chance.random() < 0.1:
            row["place"] = "999999999"
        rows.append(row)
    if chance.random() < 0.3:  # the file says nothing about a column
        key = options.get("key", [])
        kept = [name for name in ("place", "n", "code", "shop") if name != key and name not in key]
        for row in rows:
            del row[kept[0]]
    return table, rows


def test_every_mode_does_what_it_says(owner: User, client: APIClient, subtests: Any) -> None:
    chance = random.Random(SEED)
    make_table(owner, "places", name="TEXT UNIQUE")
    import_text(owner, "places", "name\nOslo\nRome\n")
    places = [number for (number,) in records("places", "id")]
    make_table(owner, "goods", sku="TEXT", shop="TEXT", n="INTEGER", code="TEXT UNIQUE", place="REFERENCES places")
    every = list(modes())
    for number in range(CASES):
        options = dict(chance.choice(every))
        if "on_missing" in options:
            options |= {"max_delete_share": chance.choice([0.1, 0.5, 1]), "allow_rejected": chance.random() < 0.7}
        if chance.random() < 0.1:
            options["on_error"] = "abort"
        table, rows = case(chance, options, places)
        client.delete("/api/tables/goods/records/bulk/", {"filter": {"id__gt": 0}})
        if table:
            assert import_text(owner, "goods", text_of(table)).rows_rejected == 0
        with subtests.test(number=number):
            expected = Oracle(table, set(places), options).run(rows)
            _compare(owner, client, rows, options, expected)


def _compare(owner: User, client: APIClient, rows: list[Row], options: dict[str, Any], expected: Expected) -> None:
    before = records("goods")
    told = f"{options}\n{text_of(_now())}\n{text_of(rows)}\n{expected}"
    tried = import_text(owner, "goods", text_of(rows), **options, dry_run=True)
    assert records("goods") == before
    job = import_text(owner, "goods", text_of(rows), **options)
    assert (job.state, counts(job)) == (expected.state, expected.counts), told
    assert [line for line, _ in rejected(job)] == expected.lines, told
    assert sorted(map(str, _now())) == sorted(map(str, expected.table)), told
    if job.state == "failed":
        assert records("goods") == before
        return
    assert counts(tried) == expected.counts, f"dry run: {counts(tried)}\n{told}"
    after = records("goods")
    if after == before:
        return
    undone = do(client, f"/api/imports/{job.pk}/undo/")
    assert (undone["state"], records("goods")) == ("completed", before), told
    redone = do(client, undone["undo"])
    assert (redone["state"], records("goods")) == ("completed", after), told


def counts(job: ImportJob) -> tuple[int, ...]:
    found = (job.rows_imported, job.rows_updated, job.rows_unchanged, job.rows_skipped)
    assert sum(found) + job.rows_rejected == job.rows_read
    return (*found, job.rows_removed, job.rows_rejected)


def text_of(rows: list[Row]) -> str:
    names = list(rows[0]) if rows else list(COLUMNS)
    return "\n".join([",".join(names), *(",".join(row[name] or "" for name in names) for row in rows), ""])


def _now() -> list[Row]:
    return [dict(zip(COLUMNS, found, strict=True)) for found in records("goods", *COLUMNS)]
