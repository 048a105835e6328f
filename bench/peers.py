"""Tools that people use today, each loading the same clean file into a table like ours.

Those that cannot run on a machine (like pgloader if it is not installed) are left out with a message.
"""

from __future__ import annotations

import csv
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from bench.imports import copy_command, psql
from harness.files import FIELDS, HEADER, write_clean
from harness.invariants import count
from harness.system import System

_TABLE = "bench_peer"
_SQL_TYPES = {name: text.split(" ")[0].lower() for name, text in FIELDS.items()}


@dataclass
class Peer:
    """Seconds of each round, and of ``\\copy`` of the same rows."""

    name: str
    rows: int
    load: Callable[[System, Path], None]
    seconds: list[float] = field(default_factory=list)
    reference: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        return statistics.median(a / b for a, b in zip(self.seconds, self.reference, strict=True))


def run_peers(system: System, folder: Path, rows: int, rounds: int) -> list[Peer]:
    """Measure every peer that can run here."""
    path = folder / "peers.csv"
    write_clean(path, rows)
    peers = [
        Peer("text staging and SQL validation", rows, text_staging),
        Peer("ORM bulk_create", rows, orm_bulk_create),
        Peer("django-import-export, bulk", rows, import_export),
        Peer("pandas.to_sql", rows, pandas_to_sql),
        Peer("csvkit (csvsql)", rows, csvkit),
    ]
    if shutil.which("pgloader"):
        peers.append(Peer("pgloader", rows, pgloader))
    else:
        print("pgloader is not installed here and was left out.", file=sys.stderr)
    for _ in range(rounds):
        reference = _timed(system, path, _copy, rows)
        for peer in peers:
            peer.seconds.append(_timed(system, path, peer.load, rows))
            peer.reference.append(reference)
    return peers


def _timed(system: System, path: Path, load: Callable[[System, Path], None], rows: int) -> float:
    system.create_table(_TABLE, FIELDS)
    start = time.perf_counter()
    load(system, path)
    seconds = time.perf_counter() - start
    loaded = count(system, _TABLE)
    if loaded != rows:
        raise RuntimeError(f"{load.__name__} loaded {loaded:,} of {rows:,} rows")
    system.delete_table(_TABLE)
    return seconds


def _copy(system: System, path: Path) -> None:
    psql(system, copy_command(_TABLE, path))


def text_staging(system: System, path: Path) -> None:
    """COPY everything as text, check with pg_input_is_valid, insert the valid rows."""
    texts = ", ".join(f"{name} text" for name in FIELDS)
    valid = " AND ".join(f"pg_input_is_valid({n}, '{t}')" for n, t in _SQL_TYPES.items() if t != "text")
    casts = ", ".join(f"{name}::{kind}" for name, kind in _SQL_TYPES.items())
    script = path.with_name("staging.sql")
    script.write_text(
        f"CREATE TEMP TABLE staging ({texts});\n"
        f"\\copy staging from '{path}' with (format csv, header true)\n"
        f"INSERT INTO userdata.{_TABLE} ({HEADER}) SELECT {casts} FROM staging WHERE {valid} ON CONFLICT DO NOTHING;\n"
    )
    psql(system, f"\\i '{script}'")


def orm_bulk_create(system: System, path: Path) -> None:
    """Python's csv, conversion by hand, Django's bulk_create in batches of 5,000."""
    _django_script(system, path, "bulk_create")


def import_export(system: System, path: Path) -> None:
    """django-import-export with use_bulk and no reports."""
    _django_script(system, path, "import_export")


def pandas_to_sql(system: System, path: Path) -> None:
    """read_csv, then to_sql with multi-row INSERTs."""
    import pandas
    import sqlalchemy

    engine = sqlalchemy.create_engine(system.database_url.replace("postgres://", "postgresql+psycopg://", 1))
    frame = pandas.read_csv(path, parse_dates=["birthday", "seen_at"])
    with engine.begin() as connection:
        frame.to_sql(
            _TABLE, connection, schema="userdata", if_exists="append", index=False, method="multi", chunksize=1000
        )
    engine.dispose()


def csvkit(system: System, path: Path) -> None:
    """csvsql --insert into the existing table."""
    url = system.database_url.replace("postgres://", "postgresql+psycopg://", 1)
    program = Path(sys.executable).with_name("csvsql")
    arguments = ["--db", url, "--insert", "--no-create", "--tables", _TABLE, "--db-schema", "userdata", str(path)]
    subprocess.run([str(program), *arguments], check=True, capture_output=True)


def pgloader(system: System, path: Path) -> None:
    """pgloader with its defaults."""
    script = path.with_name("peers.load")
    script.write_text(
        f"LOAD CSV FROM '{path}' ({HEADER}) INTO {system.database_url}?tablename=userdata.{_TABLE} ({HEADER}) "
        "WITH skip header = 1, fields optionally enclosed by '\"', fields terminated by ',';\n"
    )
    subprocess.run(["pgloader", str(script)], check=True, capture_output=True)


def _django_script(system: System, path: Path, way: str) -> None:
    """Run this module as a program: Django can only be set up once in a process."""
    arguments = [sys.executable, "-m", "bench.peers", way, system.database_url, str(path)]
    subprocess.run(arguments, check=True, capture_output=True, cwd=Path(__file__).resolve().parent.parent)


def _model() -> Any:
    from django.db import models

    kinds: dict[str, Callable[[], Any]] = {
        "text": lambda: models.TextField(null=True, blank=True),
        "integer": lambda: models.IntegerField(null=True),
        "bigint": lambda: models.BigIntegerField(null=True),
        "numeric(12,2)": lambda: models.DecimalField(max_digits=12, decimal_places=2, null=True),
        "boolean": lambda: models.BooleanField(null=True),
        "date": lambda: models.DateField(null=True),
        "timestamptz": lambda: models.DateTimeField(null=True),
    }
    meta = type("Meta", (), {"app_label": "bench", "db_table": f'"userdata"."{_TABLE}"', "managed": False})
    fields = {name: kinds[kind]() for name, kind in _SQL_TYPES.items()}
    return type("Peer", (models.Model,), {"__module__": __name__, "Meta": meta, **fields})


def _converted(row: dict[str, str]) -> dict[str, Any]:
    converters: dict[str, Callable[[str], Any]] = {
        "integer": int,
        "bigint": int,
        "numeric(12,2)": Decimal,
        "boolean": lambda text: text == "true",
        "date": date.fromisoformat,
        "timestamptz": datetime.fromisoformat,
    }
    return {name: converters.get(_SQL_TYPES[name], str)(text) if text else None for name, text in row.items()}


def _program(way: str, url: str, path: str) -> None:
    import django
    import environ
    from django.conf import settings

    settings.configure(
        DATABASES={"default": environ.Env.db_url_config(url)},
        USE_TZ=True,
        TIME_ZONE="UTC",
        DATETIME_INPUT_FORMATS=["%Y-%m-%dT%H:%M:%SZ"],  # django-import-export cannot read the file without this
    )
    django.setup()
    model = _model()
    if way == "bulk_create":
        with Path(path).open(newline="", encoding="utf-8") as file:
            batch = []
            for row in csv.DictReader(file):
                batch.append(model(**_converted(row)))
                if len(batch) == 5_000:
                    model.objects.bulk_create(batch)
                    batch.clear()
            model.objects.bulk_create(batch)
        return
    import tablib
    from import_export import resources

    meta = type("Meta", (), {
        "model": model, "use_bulk": True, "batch_size": 5_000, "skip_diff": True, "report_skipped": False,
        "import_id_fields": (), "force_init_instance": True, "use_transactions": True, "fields": tuple(FIELDS),
    })  # fmt: skip
    resource = type("Resource", (resources.ModelResource,), {"Meta": meta})()
    with Path(path).open(newline="", encoding="utf-8") as file:
        result = resource.import_data(tablib.Dataset().load(file, format="csv"), raise_errors=True)
    if result.has_errors():
        raise RuntimeError(result.row_errors())


if __name__ == "__main__":
    _program(*sys.argv[1:])
