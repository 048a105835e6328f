"""What a column is to become: its present specification, with the changes that somebody asks for. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dataengine.columns import displays
from dataengine.columns.limits import read_limit
from dataengine.columns.payloads import parse_constraints
from dataengine.columns.sql_types import parse_sql_type
from dataengine.columns.types import BY_SQL_NAME, ColumnSpec
from dataengine.columns.types.aspects import LIMITS
from dataengine.exceptions import InvalidInput


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column as it is to become. ``notes`` say what of the old one has no place there."""

    spec: ColumnSpec
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What it takes to get from one specification to another.

    ``in_place``: PostgreSQL takes the values as they are stored. ``is_safe``: the type alone tells that every value
    stays a value.
    """

    in_place: bool
    is_safe: bool


def wanted(old: ColumnSpec, changes: Mapping[str, Any]) -> Wanted:
    """``old`` with ``changes`` (``models.shapes.ColumnChanges``). Raises InvalidInput."""
    typed = _typed(old, changes)
    kind = old.kind if typed is None else typed.kind
    notes: list[str] = []
    spec = replace(old, **{key: changes[key] for key in ("name", "label", "description") if key in changes})
    spec = replace(spec, name=unicodedata.normalize("NFC", spec.name))
    if typed is not None:
        spec = replace(
            spec,
            type=typed.type,
            parameters=typed.parameters,
            required=old.required or typed.required,
            default=old.default if typed.default is None else typed.default,
        )
    spec = _made_unique(spec, old, typed, changes)
    spec = replace(spec, **{key: changes[key] for key in ("required", "default") if key in changes})
    if "constraints" in changes:
        spec = replace(spec, constraints=parse_constraints(spec, changes["constraints"]))
    elif spec.constraints != (kept := _rules_that_stay(spec)):
        gone = sorted(set(spec.constraints) - set(kept))
        spec = replace(spec, constraints=kept)
        if gone:
            notes.append(f"{kind.noun} columns have no rule of this kind: {', '.join(gone)}. It is dropped.")
    if "display" in changes:
        spec = replace(spec, display=displays.checked(kind, spec.name, changes["display"]))
    elif spec.display and not displays.may_have_display(kind):
        spec = replace(spec, display={})
    return Wanted(spec, tuple(notes))


def step(old: ColumnSpec, new: ColumnSpec) -> Step:
    """What it takes. Raises InvalidInput if no value of the one type could be a value of the other."""
    here, there = old.kind, new.kind
    same_storage = here.postgres_type(old.parameters) == there.postgres_type(new.parameters)
    if here.name == there.name:
        if here.holds_all(old.parameters, new.parameters):
            return Step(same_storage or here.is_stored_alike(old.parameters, new.parameters), is_safe=True)
        return Step(same_storage, is_safe=False)
    verdict = here.change_into(there, new.parameters)
    if verdict == "refused":
        reason = f"No value of type {here.sql_names[0]} could be one of type {there.sql_names[0]}."
        raise InvalidInput(reason, code="cannot_convert", fields={"column_type": reason})
    # A varchar is stored like a text.
    alike = same_storage or (here.is_text and there.postgres_type(new.parameters) == "text")
    return Step(alike, is_safe=verdict == "lossless")


def spec_as_json(spec: ColumnSpec) -> dict[str, Any]:
    """A specification for a plan, or for the audit trail."""
    return asdict(spec)


def spec_of_json(said: Mapping[str, Any]) -> ColumnSpec:
    """The specification that ``spec_as_json`` made this of."""
    return ColumnSpec(**said)


def _typed(old: ColumnSpec, changes: Mapping[str, Any]) -> ColumnSpec | None:
    """What is said of the type; None if nothing is."""
    text, choices = changes.get("column_type"), changes.get("choices")
    if text is None and choices is None:
        return None
    try:
        if choices is None:
            return parse_sql_type(old.name, text)
        bare = None if text is None else BY_SQL_NAME.get(" ".join(str(text).split()).upper())
        spec = old if text is None else None if bare else parse_sql_type(old.name, text)
        kind = bare or (spec.kind if spec is not None else old.kind)
        offered = _offered(choices)
        if "choices" not in kind.arguments:
            raise _refused("choices", f"{kind.noun} columns have no choices; give a column_type that has.")
        if text is not None and spec is not None and list(spec.parameters["choices"]) != offered:
            raise _refused("choices", "column_type lists other choices.")
        parsed = parse_sql_type(old.name, kind.sql_text({"choices": offered}))
    except InvalidInput as error:
        if {"choices", "column_type"} & error.fields.keys():
            raise
        field = "column_type" if choices is None else "choices"
        texts = [text for reasons in error.fields.values() for text in reasons] or [error.message]
        raise InvalidInput(error.message, code=error.error_code, fields={field: texts}) from error
    # With the words after the type, if there are any.
    return parsed if spec is None or spec is old else replace(spec, parameters=parsed.parameters)


def _rules_that_stay(spec: ColumnSpec) -> dict[str, Any]:
    """The rules of the old type that the new one can have, too."""
    kept = {name: rule for name, rule in spec.constraints.items() if name in spec.kind.constraints}
    for name in LIMITS & set(kept):
        try:
            kept[name] = read_limit(spec.kind, kept[name])
        except ValueError:  # a bound of moments is none of days
            del kept[name]
    return kept


def _offered(choices: object) -> list[str]:
    if not isinstance(choices, Sequence) or isinstance(choices, str) or not choices:
        raise _refused("choices", "Give a list of texts.")
    if not all(isinstance(choice, str) for choice in choices):
        raise _refused("choices", "Give a list of texts.")
    return list(choices)


def _made_unique(spec: ColumnSpec, old: ColumnSpec, typed: ColumnSpec | None, changes: Mapping[str, Any]) -> ColumnSpec:
    asked = changes.get("unique", old.unique or (typed is not None and typed.unique))
    if asked is not old.unique:
        spec = spec.made_unique(asked)
    elif spec.unique_ignores_case and not spec.kind.is_text:
        spec = replace(spec, unique_ignores_case=False)
    if spec.unique and not spec.kind.can_be_unique:
        raise _refused("unique", f"{spec.kind.label} columns cannot be unique.")
    return spec


def _refused(field: str, reason: str) -> InvalidInput:
    return InvalidInput(reason, code="invalid_input", fields={field: reason})
