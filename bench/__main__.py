"""`make bench`: measure, print a table, write it and a plot to bench/results/."""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from bench import columns, exports, grid, merges, pages, report, requests, tuning
from bench.imports import ImportBench
from bench.peers import run_peers
from bench.references import ReferenceBench
from harness.system import System, running_system


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-rows", type=int, default=100_000, help="rows for the slow tools that people use today")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--only", choices=list(BENCHMARKS), help="run only this benchmark")
    parser.add_argument("--grid-rows", type=int, default=10_000_000)
    parser.add_argument("--column-rows", type=int, default=1_000_000, help="records of a table that is retyped")
    parser.add_argument("--requests", type=int, default=300, help="single requests of each kind")
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results")
    arguments = parser.parse_args()
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"
    arguments.results.mkdir(parents=True, exist_ok=True)
    for name, measure in BENCHMARKS.items():
        if arguments.only in {None, name}:
            measure(arguments, machine)


@contextmanager
def _fresh_system(**settings: str) -> Iterator[tuple[System, Path]]:
    """A stack that holds nothing yet, and a folder for files."""
    with tempfile.TemporaryDirectory(prefix="tablekeep-bench-") as name:
        folder = Path(name)
        with running_system(folder / "data", **settings) as system:
            yield system, folder


def measure_imports(arguments: argparse.Namespace, machine: str) -> None:
    """Imports against `psql \\copy` and against other tools."""
    with _fresh_system() as (system, folder):
        bench = ImportBench(system, folder, arguments.rows, arguments.rounds)
        cases = [*bench.run(), *ReferenceBench(bench).run()]
        peers = [] if arguments.no_peers else run_peers(system, folder, arguments.peer_rows, arguments.rounds)
    text = report.table(cases, peers, when=datetime.now(UTC), machine=machine, rows=arguments.rows)
    print(text)
    (arguments.results / "imports.md").write_text(text)
    report.plot(cases, peers, arguments.results / "imports.svg")


def measure_merges(arguments: argparse.Namespace, machine: str) -> None:
    """Imports that update, and mirror, against the same by hand."""
    with _fresh_system() as (system, folder):
        bench = merges.MergeBench(system, folder, arguments.rows, arguments.rounds)
        cases = bench.run()
    text = merges.report(bench, cases, when=datetime.now(UTC), machine=machine)
    print(text)
    (arguments.results / "merges.md").write_text(text)


def measure_grid(arguments: argparse.Namespace, machine: str) -> None:
    """The grid and the records API on a small and on a large table: with given indexes, and with those that make
    themselves.
    """
    when = datetime.now(UTC)
    with _fresh_system(AUTO_INDEX="0") as (system, _):
        given = grid.GridBench(system, arguments.grid_rows)
        cases = given.run()
    text = grid.report(cases, rows=given.rows, small_rows=given.small_rows, when=when, machine=machine)
    with _fresh_system() as (system, _):
        tuned = tuning.TuningBench(system, arguments.grid_rows)
        requests_made = tuned.run()
    text += "\n" + tuning.report(tuned, requests_made, when=when, machine=machine)
    print(text)
    (arguments.results / "grid.md").write_text(text)


def measure_exports(arguments: argparse.Namespace, machine: str) -> None:
    """Exports against `psql \\copy (query) to`."""
    with _fresh_system() as (system, folder):
        bench = exports.ExportBench(system, folder, arguments.rows, arguments.rounds)
        cases = bench.run()
    text = exports.report(bench, cases, when=datetime.now(UTC), machine=machine)
    print(text)
    (arguments.results / "exports.md").write_text(text)


def measure_requests(arguments: argparse.Namespace, machine: str) -> None:
    """Single requests, and many at once, against a plain Django REST framework."""
    with _fresh_system() as (system, folder):
        cases = requests.RequestBench(system, folder, arguments.requests).run()
    text = requests.report(cases, when=datetime.now(UTC), machine=machine)
    print(text)
    (arguments.results / "requests.md").write_text(text)


def measure_pages(arguments: argparse.Namespace, machine: str) -> None:
    """Pages in a real browser: their weight, what moves, and the time from a click to new rows."""
    with _fresh_system() as (system, _):
        bench = pages.PagesBench(system)
        visits, actions = bench.run()
    text = pages.report(bench, visits, actions, when=datetime.now(UTC), machine=machine)
    print(text)
    (arguments.results / "pages.md").write_text(text)


def measure_columns(arguments: argparse.Namespace, machine: str) -> None:
    """A change of a column's type against PostgreSQL's own."""
    with _fresh_system() as (system, folder):
        bench = columns.ColumnBench(system, folder, arguments.column_rows, arguments.rounds)
        cases = bench.run()
    text = columns.report(bench, cases, when=datetime.now(UTC), machine=machine)
    print(text)
    (arguments.results / "columns.md").write_text(text)


BENCHMARKS = {
    "imports": measure_imports, "merges": measure_merges, "grid": measure_grid, "exports": measure_exports,
    "requests": measure_requests,
    "pages": measure_pages, "columns": measure_columns,
}  # fmt: skip


if __name__ == "__main__":
    main()
