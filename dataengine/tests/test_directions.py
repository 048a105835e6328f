"""The directions of docs/architecture.md, checked in the sources: who imports whom, who writes, who uses SQL."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "dataengine", "webui")
MAX_LINES = 400

# Rooms from the ground floor up. Imports lead from a room to one on a lower floor, never up and never sideways.
ENGINE = (
    ("exceptions", "origin"),
    ("columns",),
    ("models", "outgoing"),
    ("postgres",),
    ("access",),
    ("records", "profiles", "jobs", "imports"),
    ("queries", "exports"),
    ("services",),
    ("http",),
    ("api", "tasks", "management", "apps", "migrations"),
)
IMPORTS = (
    ("reading", "converting", "ahead", "counts"),
    ("dialects", "readings"),
    ("parsing", "planning"),
    ("rejecting", "endings", "references"),
    ("pipeline",),
    ("loading", "looking", "stored_columns"),
)
CONSOLE = (
    ("htmx", "words", "numbers", "sorting", "bundles", "used_styles", "form_renderer", "sessions", "snippets"),
    ("errors", "forms", "static_files"),
    ("account_forms", "collected"),
    (
        "changes",
        "activity",
        "reset_mail",
        "mail_links",
        "second_factors",
        "single_sign_on",
        "user_forms",
        "designer",
        "grid",
        "imports",
    ),
    ("templatetags", "views", "consumers", "tasks", "apps", "account_adapter"),
    ("urls", "routing"),
)

# Where ``psycopg.sql`` is allowed: DDL and statements, loading and exporting, states before and after a change, one
# record written with its event, one update of many records, taking imports back, the fetch of a table, samples
# of records, and the SQL of imports.
SPEAKS_SQL = (
    "dataengine.postgres.",
    "dataengine.records.bulk_updates",
    "dataengine.records.before_after",
    "dataengine.records.single_writes",
    "dataengine.records.imported",
    "dataengine.access",
    "dataengine.exports.export",
    "dataengine.profiles.samples",
    "dataengine.imports.",
)
# Manager methods that write. ``save`` and ``delete`` of a row are recognised by name too.
WRITES = {"create", "bulk_create", "bulk_update", "update_or_create", "get_or_create", "save", "delete", "update"}
# Where such a call does not write catalog or records, or only a job's own counters and states.
WRITES_BELOW = (
    "dataengine.services.",
    "dataengine.imports.",
    "dataengine.jobs.",
    "dataengine.migrations.",
    "dataengine.management.",
    "config.",
)
WRITES_ALLOWED = {"dataengine.tasks"}

# What a module that calls itself pure never imports, directly or indirectly: the database, the catalog,
# the network, stored files, other processes. (Fields of ``django.db.models`` are definitions.)
IMPURE = re.compile(
    r"django\.db(\.(connection|connections|transaction|utils))?$|django\.core\.files|django\.http|django\.conf"
    r"|(psycopg|redis|celery|channels|socket|subprocess|requests|httpx)(\.|$)"
    r"|dataengine\.(models|postgres|access|records|queries|profiles\.samples|services|http|api|tasks)(\.|$)"
)


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def sources(*, tests: bool = False) -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if tests or "tests" not in path.relative_to(ROOT).parts:
                yield module_name(path), path


def imports_of(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it; names imported from a package count as its modules."""
    found: set[str] = set()
    package = module_name(path).split(".") if path.name == "__init__.py" else module_name(path).split(".")[:-1]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            parent = ".".join([*base, *([node.module] if node.module else [])])
            found |= {parent} | {f"{parent}.{alias.name}" for alias in node.names}
    return found


@cache
def tree_of(path: Path) -> ast.Module:
    """Its syntax, which most tests go through: reading that anew takes longer than what they look for."""
    return ast.parse(path.read_text())


@pytest.fixture(autouse=True, scope="module")
def _trees_go() -> Iterator[None]:
    yield
    tree_of.cache_clear()


MODULES = dict(sources())
assert MODULES


@cache
def imports() -> dict[str, set[str]]:
    """``imports_of`` every module. Found when first asked for: every worker collects this file, one needs it."""
    return {name: imports_of(path) for name, path in MODULES.items()}


@cache
def arrows() -> dict[str, set[str]]:
    """By module: the project's modules that it imports, also in functions. A package is not its modules' parent."""
    return {name: {module for module in imported if module in MODULES} - {name} for name, imported in imports().items()}


def room_of(module: str, building: str) -> str | None:
    """``columns`` for ``dataengine.columns.types``; None outside of the building and for the package itself."""
    inside = module.removeprefix(f"{building}.")
    return None if inside == module else inside.split(".")[0]


def arrows_between_rooms(building: str) -> Iterator[tuple[str, str, str, str]]:
    for module, imported in arrows().items():
        for other in imported:
            room, other_room = room_of(module, building), room_of(other, building)
            if room and other_room and room != other_room:
                yield room, other_room, module, other


@pytest.mark.parametrize(
    ("building", "floors"),
    [("dataengine", ENGINE), ("dataengine.imports", IMPORTS), ("webui", CONSOLE)],
    ids=["dataengine", "imports", "webui"],
)
def test_arrows_lead_down(building: str, floors: tuple[tuple[str, ...], ...]) -> None:
    floor_of = {room: floor for floor, rooms in enumerate(floors) for room in rooms}
    rooms = {room for module in MODULES if (room := room_of(module, building))}
    assert rooms == set(floor_of), "a room that has no floor, or a floor with a room that is gone"
    guilty = [
        (module, other)
        for room, other_room, module, other in arrows_between_rooms(building)
        if floor_of[other_room] >= floor_of[room]
    ]
    assert not guilty


def test_no_circle_is_left() -> None:
    try:
        TopologicalSorter(arrows()).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of modules: {' -> '.join(error.args[1])}")


def test_the_engine_knows_no_console() -> None:
    assert not [
        (name, module)
        for name, imported in imports().items()
        for module in imported
        if name.startswith("dataengine") and module.split(".")[0] == "webui"
    ]


ENTRANCES = ("dataengine.api.", "dataengine.tasks.", "dataengine.management.", "webui.views.", "webui.consumers.")


def test_entrances_do_not_import_one_another() -> None:
    def entrance(module: str) -> str | None:
        return next((kind for kind in ENTRANCES if f"{module}.".startswith(kind)), None)

    assert not [
        (name, module)
        for name, imported in arrows().items()
        for module in imported
        if entrance(name) and entrance(module) and entrance(name) != entrance(module)
    ]


def importers_of(room: str) -> set[str]:
    return {
        name
        for name, imported in arrows().items()
        if not f"{name}.".startswith(f"{room}.") and any(f"{module}.".startswith(f"{room}.") for module in imported)
    }


def test_only_entrances_import_http() -> None:
    allowed = ("dataengine.api.", "dataengine.management.", "webui.", "config.")
    assert not [name for name in importers_of("dataengine.http") if not name.startswith(allowed)]


def test_only_templates_load_template_tags() -> None:
    assert not importers_of("webui.templatetags")


def test_only_the_stack_commands_know_the_stack() -> None:
    assert not [name for name in importers_of("config.stack") if not name.startswith("config.management.")]


def test_every_package_says_what_it_knows() -> None:
    assert not [
        name
        for name, path in MODULES.items()
        if path.name == "__init__.py"
        and name.split(".")[-1] not in {"migrations", "management", "commands"}
        and not ast.get_docstring(tree_of(path))
    ]


def test_only_a_few_modules_speak_sql() -> None:
    assert not [
        name
        for name, imported in imports().items()
        if "psycopg.sql" in imported and not f"{name}.".startswith(tuple(f"{room.rstrip('.')}." for room in SPEAKS_SQL))
    ]


def test_no_formatted_string_makes_sql() -> None:
    guilty: list[tuple[str, int]] = []
    for name, path in MODULES.items():
        for node in ast.walk(tree_of(path)):
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
    for name, path in MODULES.items():
        if f"{name}.".startswith(WRITES_BELOW) or name in WRITES_ALLOWED:
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITES:
                chain = ast.unparse(node.func.value)
                if ".objects" in chain or node.func.attr in {"bulk_create", "bulk_update"}:
                    guilty.append((name, node.lineno, f"{chain}.{node.func.attr}"))
    assert not guilty


BELOW_VIEWS = tuple(f"dataengine.{room}" for floor in ENGINE[:7] for room in floor)


def test_requests_stay_above() -> None:
    requests = {"django.http.HttpRequest", "rest_framework.request", "rest_framework.views"}
    assert not [
        (name, module)
        for name, imported in imports().items()
        if name.startswith(BELOW_VIEWS)
        for module in imported
        if module in requests
    ]


def test_nothing_below_takes_a_request() -> None:
    assert not [
        (name, node.name)
        for name, path in MODULES.items()
        if name.startswith(BELOW_VIEWS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef)
        and "request" in {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
    ]


def reached_from(start: str, along: Mapping[str, Iterable[str]]) -> set[str]:
    """The modules that are imported with ``start``, including itself; packages' own files are not followed."""
    seen, ahead = set[str](), [start]
    while ahead:
        module = ahead.pop()
        if module not in seen:
            seen.add(module)
            ahead += along.get(module, ())
    return seen


def calls_itself_pure(path: Path) -> bool:
    source = path.read_text()
    # Most files have no such word anywhere, and need not be parsed to find their docstring.
    return "Pure" in source and bool(re.search(r"\bPure\b", ast.get_docstring(ast.parse(source)) or ""))


PURE = [name for name, path in MODULES.items() if calls_itself_pure(path)]


@pytest.mark.parametrize("name", PURE)
def test_what_calls_itself_pure_is(name: str) -> None:
    guilty = [
        (module, imported)
        for module in sorted(reached_from(name, arrows()))
        for imported in imports()[module]
        # ``from django.db import models`` names the package beside the module that is meant.
        if IMPURE.match(imported) and not (imported == "django.db" and _only_models(module))
    ]
    assert not guilty


def _only_models(module: str) -> bool:
    return not any(f"django.db.{name}" in imports()[module] for name in ("connection", "connections", "transaction"))


def test_enough_modules_are_pure() -> None:
    assert len(PURE) >= 27


def test_files_stay_small() -> None:
    long = {
        name: count for name, path in sources(tests=True) if (count := len(path.read_text().splitlines())) > MAX_LINES
    }
    assert not long
