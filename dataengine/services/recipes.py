"""Recipes: the options of an import, kept under a name for other files of the same table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from dataengine import access
from dataengine.columns.identifiers import composed
from dataengine.exceptions import Conflict, InvalidInput, NotFound, shown
from dataengine.imports.planning.mapping import ADDED_HEADERS, read_names
from dataengine.imports.planning.options import KEYS, ImportOptions
from dataengine.imports.planning.recipes import FoundRecipe, compared
from dataengine.models import ImportJob, Recipe, Table
from dataengine.models.recipes import MAX_NAME
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from dataengine.imports.dialects.opening import Opening
    from dataengine.imports.planning.proposals import Proposal

_OF_ONE_IMPORT = frozenset({"create_table", "types", "tolerance", "dry_run", "recipe"})
"""Options that are not part of a recipe: what makes a table, or is meant for one file only."""
_BY_COLUMN = ("date_formats", "on_bad_cell", "decimal", "thousands", "references")
_MOST = 100
_MOST_HEADERS = 1_700


# Keeping them -----------------------------------------------------------------------------------------------------


def get_recipe(table: Table, name: str) -> Recipe:
    """The table's recipe with that name. Raises NotFound."""
    found = None if "\0" in name else table.recipes.filter(name=composed(name)).select_related("user").first()
    if found is None:
        raise NotFound(f"There is no recipe “{shown(name, MAX_NAME)}” for “{table.name}”.", code="recipe_not_found")
    return found


def of_import(job: ImportJob) -> tuple[dict[str, Any], list[str]]:
    """What an import went by, as options and header of a recipe: what was given, and what was found."""
    found = job.findings
    options = {name: value for name, value in job.options.items() if name not in _OF_ONE_IMPORT and value is not None}
    references = {
        name: {"match": one["match"], "missing": one["missing"]} for name, one in found.get("references", {}).items()
    }
    learned = {
        "mapping": {
            header: column for header, column in found.get("mapping", {}).items() if header not in ADDED_HEADERS
        },
        "null_values": found.get("null_values"),
        "date_formats": found.get("date_formats"),
        "references": references,
    }
    options |= {name: value for name, value in learned.items() if value and not options.get(name)}
    if "text" in (bad := options.get("on_bad_cell", "")):  # only a new table has columns to make text
        del options["on_bad_cell"]
    elif isinstance(bad, Mapping):
        options["on_bad_cell"] = {name: what for name, what in bad.items() if what != "text"}
    return options, [header for header in found.get("headers", []) if header not in ADDED_HEADERS]


def keep_recipe(
    *,
    user: User,
    table: Table,
    name: str,
    options: Mapping[str, Any],
    headers: Sequence[str] | None = None,
    recipe: Recipe | None = None,
) -> Recipe:
    """Make a recipe, or write ``recipe`` anew. Raises InvalidInput, or Conflict if the name is taken."""
    name = _checked_name(name)
    checked = _checked_options(table, options)
    known = list(headers) if headers is not None else list(checked.get("mapping", {}))
    types = {column.name: column.type for column in table.columns.all() if column.name in _columns_of(checked)}
    is_new = recipe is None
    if recipe is None:
        if table.recipes.count() >= _MOST:
            raise Conflict(f"“{table.name}” has {_MOST} recipes already.", code="too_many")
        recipe = Recipe(table=table, user=user)
    recipe.name, recipe.options, recipe.headers, recipe.types = name, checked, known[:_MOST_HEADERS], types
    try:
        with transaction.atomic():
            recipe.save()
            action = "recipe.made" if is_new else "recipe.changed"
            record_event(user=user, table=table, action=action, details={"recipe": name})
    except IntegrityError as error:
        reason = f"There is already a recipe “{name}”."
        raise Conflict(reason, code="name_taken", fields={"name": reason}) from error
    return recipe


def free_name(table: Table, filename: str) -> str:
    """A name for a recipe of files like this one that no recipe of the table has."""
    stem = "".join(char for char in filename.split(".")[0] if char.isprintable() and char != "/").strip()
    stem = stem[: MAX_NAME - 5] or "recipe"
    taken = set(table.recipes.values_list("name", flat=True))
    return next(
        name for number in range(1, _MOST + 2) if (name := f"{stem} {number}" if number > 1 else stem) not in taken
    )


def delete_recipe(*, user: User, recipe: Recipe) -> None:
    """Delete a recipe. Imports that went by it keep what they were given."""
    with transaction.atomic():
        record_event(user=user, table=recipe.table, action="recipe.deleted", details={"recipe": recipe.name})
        recipe.delete()


def _checked_name(name: str) -> str:
    name = composed(name.strip())
    if not name or len(name) > MAX_NAME or "/" in name or not name.isprintable():
        reason = f"Give a name of at most {MAX_NAME} characters, without “/”."
        raise InvalidInput(f"Recipe: {reason}", code="invalid_name", fields={"name": reason})
    return name


def _checked_options(table: Table, options: Mapping[str, Any]) -> dict[str, Any]:
    if others := sorted(set(options) & _OF_ONE_IMPORT):
        reason = f"“{others[0]}” is not part of a recipe: it is said of a single import."
        raise InvalidInput(reason, code="invalid_option", fields={"options": reason})
    try:
        read = ImportOptions.read(options)
    except InvalidInput as error:
        raise InvalidInput(error.message, code=error.error_code, fields={"options": error.message}) from error
    given = {name: value for name, value in read.given.items() if value is not None}
    known = {column.name for column in table.columns.all()} | {"id"}
    if strangers := [name for name in _columns_of(given) if name not in known]:
        reason = f"The table has no column “{strangers[0]}”."
        raise InvalidInput(reason, code="unknown_column", fields={"options": reason})
    return given


def _columns_of(options: Mapping[str, Any]) -> list[str]:
    """The columns that options name."""
    named = [column for column in (options.get("mapping") or {}).values() if column is not None]
    for option in _BY_COLUMN:
        if isinstance(value := options.get(option), Mapping):
            named += list(value)
    key = options.get("key") or []
    return [*named, *([key] if isinstance(key, str) else key)]


# Going by them ----------------------------------------------------------------------------------------------------


def expanded(user: User, table: Table | None, table_name: str, given: object) -> tuple[object, Recipe | None]:
    """The options of an import with those of the recipe that they name; what is given beside it holds.

    Its mapping waits until the file's header is known (``fitted``). Raises InvalidInput if there is no such recipe.
    """
    if not isinstance(given, Mapping) or given.get("recipe") is None:
        return given, None
    name = given["recipe"]
    if not isinstance(name, str):
        raise _refused("Give the name of a recipe.")
    if given.get("create_table"):
        raise _refused("A new table has no recipes.")
    target = access.get_table(user, table.name if table else table_name, "edit")
    try:
        recipe = get_recipe(target, name)
    except NotFound as error:
        raise _refused(error.message) from error
    known = {column.name for column in target.columns.all()} | {"id"}
    options = {option: value for option, value in recipe.options.items() if option in KEYS and option != "mapping"}
    for option in _BY_COLUMN:
        if isinstance(value := options.get(option), Mapping):
            options[option] = {column: said for column, said in value.items() if column in known}
    return {option: said for option, said in {**options, **given}.items() if said is not None}, recipe


def fitted(recipe: Recipe, table: Table, opening: Opening, options: ImportOptions) -> tuple[ImportOptions, FoundRecipe]:
    """The options with as much of the recipe's mapping as this file and the table allow, and what differs."""
    found = _headers_of(opening)
    kinds = {column.name: column.type for column in table.columns.all()}
    mapping = {
        header: column
        for header, column in (recipe.options.get("mapping") or {}).items()
        if header in found and (column is None or column in kinds or column == "id")
    }
    said = dict(options.mapping or {})
    taken = {column for column in said.values() if column is not None}
    mapping = {header: column for header, column in mapping.items() if column not in taken} | said
    if mapping:
        options = replace(options, mapping=mapping, given={**options.given, "mapping": mapping})
    wanted = [column for column in _columns_of(recipe.options) if column != "id"]
    return options, compared(recipe.name, (recipe.headers, recipe.types), (found, kinds), wanted)


def proposals(table: Table, opening: Opening) -> list[Proposal]:
    """The recipe that a file with this header was probably meant for, if there is one."""
    found = set(_headers_of(opening))
    fitting = [
        (len(recipe.headers), recipe.name)
        for recipe in table.recipes.all()
        if recipe.headers and found.issuperset(recipe.headers)
    ]
    if not fitting or not opening.dialect.has_header:
        return []
    _, name = max(fitting)
    message = f"The recipe “{name}” is for files with this header."
    return [{"code": "recipe", "column": "", "message": message, "counts": {}, "options": {"recipe": name}}]


def _headers_of(opening: Opening) -> list[str]:
    read = read_names(opening.headers, has_header=opening.dialect.has_header)
    return [name for name in read.names if not (read.guarded and name in ADDED_HEADERS)]


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"Option recipe: {reason}", code="invalid_option", fields={"recipe": reason})
