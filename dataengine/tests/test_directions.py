"""The directions of design.md, held by walking the sources: who imports whom, who writes, who speaks SQL."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "dataengine", "webui")
MAX_LINES = 400

# Modules that may hold ``psycopg.sql``: DDL, what loads and exports, the images of records, one update of many records
# to values of their own, samples of records, and the parts of the import that are its SQL.
SPEAKS_SQL = {
    "dataengine.records.bulk_updates",
    "dataengine.postgres.ddl",
    "dataengine.exports.export",
    "dataengine.records.before_after",
    "dataengine.profiles.samples",
}
SPEAKS_SQL_BELOW = ("dataengine.imports.",)
ENTRANCES = ("dataengine.api.", "dataengine.tasks", "webui.views.", "webui.consumers", "dataengine.management.")
# Manager methods that write. ``save`` and ``delete`` of a row are caught by name too.
WRITES = {"create", "bulk_create", "bulk_update", "update_or_create", "get_or_create", "save", "delete", "update"}
# Where such a call is none of the catalog's or of records.
WRITES_BELOW = (
    "dataengine.services.",
    "dataengine.imports.",
    "dataengine.migrations.",
    "dataengine.management.",
    "config.",
)
WRITES_ALLOWED = {
    # The job's own counters and states, written by the pipeline and by what watches it.
    "dataengine.jobs.progress",
    "dataengine.tasks",
}


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def sources(*packages: str, tests: bool = False) -> Iterator[tuple[str, Path]]:
    for package in packages or PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if tests or "tests" not in path.relative_to(ROOT).parts:
                yield module_name(path), path


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it; names imported from a package count as its modules."""
    found: set[str] = set()
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            parent = ".".join([*base, *([node.module] if node.module else [])])
            found |= {parent} | {f"{parent}.{alias.name}" for alias in node.names}
    return found


MODULES = list(sources())
assert MODULES
IMPORTS = {name: imports_of(path) for name, path in MODULES}


def test_the_engine_knows_no_console() -> None:
    guilty = {
        name: sorted(module for module in imports if module.split(".")[0] == "webui")
        for name, imports in IMPORTS.items()
        if name.startswith("dataengine")
    }
    assert not {name: modules for name, modules in guilty.items() if modules}


def test_entrances_do_not_import_one_another() -> None:
    def entrance(module: str) -> str | None:
        return next((kind for kind in ENTRANCES if f"{module}.".startswith(kind)), None)

    guilty = [
        (name, module)
        for name, imports in IMPORTS.items()
        for module in imports
        if entrance(name) and entrance(module) and entrance(name) != entrance(module)
    ]
    assert not guilty


def test_only_a_few_modules_speak_sql() -> None:
    speakers = {name for name, imports in IMPORTS.items() if "psycopg.sql" in imports}
    allowed = {name for name in speakers if name.startswith(SPEAKS_SQL_BELOW)} | SPEAKS_SQL
    assert speakers <= allowed


def test_no_formatted_string_makes_sql() -> None:
    guilty: list[tuple[str, int]] = []
    for name, path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                sql_call = node.func.attr in {"execute", "executemany", "raw", "copy", "SQL", "RawSQL"}
                formatted = any(
                    isinstance(arg, ast.JoinedStr) or (isinstance(arg, ast.BinOp) and isinstance(arg.op, ast.Mod))
                    for arg in node.args[:1]
                )
                if sql_call and formatted:
                    guilty.append((name, node.lineno))
    assert not guilty


def test_writes_go_through_services() -> None:
    guilty: list[tuple[str, int, str]] = []
    for name, path in MODULES:
        if f"{name}.".startswith(WRITES_BELOW) or name in WRITES_ALLOWED:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                chain = ast.unparse(node.func.value)
                if ".objects" in chain or node.func.attr in {"bulk_create", "bulk_update"}:
                    guilty.append((name, node.lineno, f"{chain}.{node.func.attr}"))
    assert not guilty


@pytest.mark.parametrize("package", ["dataengine.services", "dataengine.imports"])
def test_requests_stay_above(package: str) -> None:
    guilty = [
        (name, module)
        for name, imports in IMPORTS.items()
        if name.startswith(package)
        for module in imports
        if module in {"django.http", "django.http.HttpRequest", "rest_framework.request", "rest_framework.views"}
    ]
    assert not guilty


def test_no_service_takes_a_request() -> None:
    guilty = [
        (name, node.name)
        for name, path in MODULES
        if name.startswith(
            ("dataengine.services", "dataengine.imports", "dataengine.access", "dataengine.queries.filters")
        )
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        and "request" in {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
    ]
    assert not guilty


def test_the_pure_modules_are_pure() -> None:
    for name in ("buckets", "identifiers", "sql_types", "table_schema", "json_schema"):
        imports = IMPORTS[f"dataengine.{name}"]
        assert not {module for module in imports if module.startswith(("django.db", "dataengine.models"))}, name


def test_files_stay_small() -> None:
    long = {
        name: count for name, path in sources(tests=True) if (count := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert not long
