"""What the cells of an import's reference columns mean: ids, or values of another column of the records.

A person says it in the option ``references``. Where nothing is said, cells are ids as long as one of the file's first
cells is a number; where none is, they are looked up by the column that names the records of the other table, or by a
unique one of e-mail or web addresses if all of them are such.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from dataengine import access
from dataengine.exceptions import AccessDenied, InvalidInput
from dataengine.imports.converting.patterns import NULL_MARKERS, SHEET_NULLS
from dataengine.imports.planning.options import ImportOptions
from dataengine.imports.planning.plan import RECORD_KEY, Plan
from dataengine.imports.planning.references import ID, ByValue, ReferenceOption
from dataengine.models import Column, ImportJob, Table
from dataengine.models.shapes import NewReferencesDetails
from dataengine.services.audit import record_event

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    from dataengine.imports.dialects.opening import Opening
    from dataengine.imports.loading.new_records import MadeRecords

_NUMBER = re.compile(r"\s*[+-]?[0-9][0-9.,' ]*\s*")
_NOTHING = frozenset({"", *NULL_MARKERS, *SHEET_NULLS})


def targets_of(columns: Sequence[Column]) -> dict[str, Table]:
    """By reference column: the table that it refers to."""
    return {column.name: column.references for column in columns if column.references is not None}


def targets_of_new(user: User, options: ImportOptions) -> dict[str, Table]:
    """The same for a table that is yet to be made, by its ``types``. Raises InvalidInput if there is no such table."""
    names = {name: str(spec.parameters["references"]) for name, spec in options.types.items() if spec.kind.is_reference}
    known = {table.name: table for table in access.tables_for(user).filter(name__in=names.values())} if names else {}
    if strangers := [target for target in names.values() if target not in known]:
        reason = f"There is no table “{strangers[0]}” to refer to."
        raise InvalidInput(reason, code="unknown_reference", fields={"types": reason})
    return {name: known[target] for name, target in names.items()}


def completed(
    user: User, targets: Mapping[str, Table], plan: Plan, opening: Opening, options: ImportOptions
) -> ImportOptions:
    """The options with what holds for each reference column that the plan fills from the file.

    Raises InvalidInput for what cannot be, AccessDenied without the right to see a table or to make records in it.
    """
    _refuse_others(options, targets)
    if not targets:
        return options
    readable = {table.pk for table in access.tables_for(user).filter(pk__in={table.pk for table in targets.values()})}
    said = dict(options.references)
    for place, name in enumerate(plan.mapping.columns):
        if name is None or name not in targets or name in said:
            continue
        target = targets[name]
        cells = [record[place].strip() for record in opening.first_records if place < len(record)]
        if target.pk in readable and (match := _told_by(target, cells)):
            said[name] = ReferenceOption(match.name)
    for name, option in said.items():
        said[name] = _checked(user, name, targets[name], option)
    if not said:
        return options
    return replace(
        options, references=said, given={**options.given, "references": {n: asdict(o) for n, o in said.items()}}
    )


def check_rights(user: User, targets: Mapping[str, Table], options: ImportOptions) -> None:
    """Raise AccessDenied, or InvalidInput, unless this user may have references looked up as the options say."""
    for name, option in options.references.items():
        if name in targets:
            _checked(user, name, targets[name], option)


def rules(targets: Mapping[str, Table], options: ImportOptions, table: Table | None) -> dict[str, ByValue]:
    """By reference column whose cells are values: how they are looked up. Raises InvalidInput if that is not possible.

    ``table`` is the one that the file goes into.
    """
    found = {}
    for name, option in options.references.items():
        if name not in targets or option == ReferenceOption(ID):
            continue
        target = targets[name]
        if option.match == ID:
            found[name] = ByValue(target.pk, target.name, RECORD_KEY, option.missing)
            continue
        match = _match(name, target, option)
        others = [column for column in target.columns.all() if column.pk != match.pk]
        found[name] = ByValue(
            target.pk,
            target.name,
            match.to_spec(),
            option.missing,
            is_own=table is not None and table.pk == target.pk,
            hindrance=_hindrance(target, others),
        )
    return found


def tell_of_new(user: User, job: ImportJob, made: Sequence[MadeRecords]) -> None:
    """An event for every table in which records were made because rows of the import refer to them."""
    for one in made:
        details: NewReferencesDetails = {
            "import": job.pk,
            "filename": job.filename,
            "column": one["column"],
            "count": one["count"],
            "ids": one["ids"],
        }
        target = Table.objects.get(pk=one["table_id"])
        record_event(user=user, table=target, action="import.referenced", details=details)


def choices(user: User, target: Table) -> list[Column]:
    """The columns by which records of ``target`` can be found by this user, the one that names them first."""
    if "view" not in access.rights_of(user, target):
        return []
    naming = target.named_by()
    able = [column for column in target.columns.all() if _can_match(column) and (column.unique or column == naming)]
    return sorted(able, key=lambda column: column != naming)


def may_create(user: User, target: Table) -> bool:
    """Whether the user may have records of ``target`` made."""
    return "edit" in access.rights_of(user, target)


def _refuse_others(options: ImportOptions, targets: Mapping[str, Table]) -> None:
    for name in options.references:
        if name not in targets:
            reason = f"“{name}” is no column that refers to records of a table."
            raise InvalidInput(reason, code="invalid_option", fields={"references": reason})


def _checked(user: User, name: str, target: Table, option: ReferenceOption) -> ReferenceOption:
    """The option with its ``match``."""
    if option == ReferenceOption(ID):
        return option  # as it is without the option
    held = access.rights_of(user, target)
    if "view" not in held:
        reason = f"You may not see the table that “{name}” refers to, so its records cannot be looked up."
        raise AccessDenied(reason, fields={"references": reason})
    if option.missing == "create" and "edit" not in held:
        reason = f"You may not make records in “{target.name}”, to which “{name}” refers."
        raise AccessDenied(reason, fields={"references": reason})
    return option if option.match == ID else replace(option, match=_match(name, target, option).name)


def _match(name: str, target: Table, option: ReferenceOption) -> Column:
    if option.match is None:
        naming = target.named_by()
        if naming is None:
            reason = (
                f"“{target.name}” has no text that names its records."
                f" Say with “match” by which column “{name}” is looked up."
            )
            raise InvalidInput(reason, code="invalid_option", fields={"references": reason})
        return naming
    column = target.columns.filter(name=option.match).first()
    if column is None:
        reason = f"“{target.name}”, to which “{name}” refers, has no column “{option.match}”."
        raise InvalidInput(reason, code="invalid_option", fields={"references": reason})
    if not _can_match(column):
        reason = f"Records of “{target.name}” cannot be found by “{column.name}”: {column.kind.noun}."
        raise InvalidInput(reason, code="invalid_option", fields={"references": reason})
    return column


def _can_match(column: Column) -> bool:
    return column.kind.can_be_unique and not column.kind.is_list and column.kind.equality != "documents"


def _hindrance(target: Table, others: Sequence[Column]) -> tuple[str, str]:
    """Why no record can be made of a value alone: (code, reason); empty texts where it can."""
    for column in others:
        if column.required and column.default is None:
            return "missing_value", f"a new record of “{target.name}” needs a value in “{column.name}”, too"
        if column.unique and column.default is not None:
            return (
                "duplicate_in_table",
                f"the value of a record of “{target.name}”: a new one would repeat the default of “{column.name}”",
            )
    return "", ""


def _told_by(target: Table, cells: Sequence[str]) -> Column | None:
    """The column of which the cells are values, as far as they tell; None where they may be ids."""
    filled = [cell for cell in cells if cell not in _NOTHING]
    if not filled or any(_NUMBER.fullmatch(cell) for cell in filled):
        return None
    for column in target.columns.filter(unique=True):
        if (pattern := column.kind.pattern) and all(re.fullmatch(pattern, cell) for cell in filled):
            return column
    return target.named_by()
