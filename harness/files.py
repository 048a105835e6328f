"""The files that benchmarks and trials import: ten columns, about 121 bytes a row, the same for the same seed."""

from __future__ import annotations

import random
from pathlib import Path

# The table as the API's `fields`; the reference and the peers get the same columns and constraints.
FIELDS = {
    "name": "TEXT NOT NULL",
    "email": "TEXT UNIQUE",
    "age": "INTEGER",
    "balance": "NUMERIC(12,2)",
    "active": "BOOLEAN",
    "birthday": "DATE",
    "seen_at": "TIMESTAMPTZ",
    "city": "TEXT",
    "notes": "TEXT",
    "points": "BIGINT",
}
HEADER = ",".join(FIELDS)
_CITIES = ("Berlin", "Paris", "São Paulo", '"New York, NY"', "東京", "Nairobi", "")
_WORDS = ("lorem", "ipsum", "dolor", "sit", "amet", "consetetur", "sadipscing", "elitr")


def write_clean(path: Path, rows: int, *, first: int = 0) -> None:
    """Write ``rows`` valid rows whose e-mails are unique across all files with other values of ``first``."""
    rng = random.Random(first + rows)
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(HEADER + "\n")
        for number in range(first, first + rows):
            out.write(_row(rng, number) + "\n")


def write_dirty(path: Path, rows: int, *, first: int = 0) -> int:
    """Write ``rows`` rows of which 1 % are bad, each kind in turn. Returns the number of bad rows."""
    rng = random.Random(first + rows)
    bad = 0
    with path.open("w", encoding="utf-8", newline="") as out:
        out.write(HEADER + "\n")
        for number in range(first, first + rows):
            row = _row(rng, number)
            if number % 100 == 50:
                row = _spoil(row, bad, first)
                bad += 1
            out.write(row + "\n")
    return bad - (bad > 4)  # of rows with the same e-mail, the first one is good


def write_numbers(written: Path, plain: Path, rows: int) -> None:
    """Write the same rows twice: with five columns of numbers as spreadsheets write them, and with plain numbers.

    Currency, thousands, a decimal comma, per cent and brackets.
    """
    rng = random.Random(rows)
    with (
        written.open("w", encoding="utf-8", newline="") as marked,
        plain.open("w", encoding="utf-8", newline="") as bare,
    ):
        for out in (marked, bare):
            out.write("name,price,points,weight,share,change\n")
        for number in range(rows):
            price, points, weight = rng.randrange(10**8), rng.randrange(10**9), rng.randrange(10**7)
            share, change = rng.randrange(1_000), rng.randrange(-(10**6), 10**6)
            comma = f"{weight / 100:,.2f}".translate(str.maketrans(",.", ".,"))
            bracketed = f"({-change / 100:.2f})" if change < 0 else f"{change / 100:.2f}"
            marked.write(
                f'Person {number},"${price / 100:,.2f}","{points:,}","{comma}",{share / 10:.1f}%,{bracketed}\n'
            )
            bare.write(
                f"Person {number},{price / 100:.2f},{points},{weight / 100:.2f},{share / 1_000:.3f},"
                f"{change / 100:.2f}\n"
            )


def _row(rng: random.Random, number: int) -> str:
    notes = " ".join(rng.choices(_WORDS, k=rng.randrange(1, 6)))
    return (
        f"Person {number},u{rng.getrandbits(48):012x}.{number}@example.com,{rng.randrange(18, 95)},"
        f"{rng.randrange(10**8) / 100:.2f},{rng.choice(('true', 'false'))},"
        f"{rng.randrange(1940, 2010)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02},"
        f"2026-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T{rng.randrange(24):02}:{rng.randrange(60):02}:"
        f"{rng.randrange(60):02}Z,{rng.choice(_CITIES)},{notes},{rng.randrange(10**12)}"
    )


def _spoil(row: str, turn: int, first: int) -> str:
    """Break ``row`` in one of several ways, by ``turn``."""
    name, email, age, balance, active, birthday, rest = row.split(",", 6)
    match turn % 8:
        case 0:
            age = "old"
        case 1:
            rest += ",extra"
        case 2:
            return f"{name},{email},{age}"
        case 3:
            name = ""
        case 4:
            email = f"twice{first}@example.com"
        case 5:
            birthday = "2024-02-31"
        case 6:
            name = 'Per"son'
        case _:
            balance = "99999999999.00"
    return ",".join((name, email, age, balance, active, birthday, rest))
