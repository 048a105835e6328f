"""Reads what a CHECK says of single columns, as keywords of JSON Schema. Pure.

``price >= 0 AND price < 100`` is ``{"price": {"minimum": 0, "exclusiveMaximum": 100}}``; a list of texts is
``choices``. What cannot be said in this way is said by no keyword: then there is nothing in the answer.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlglot import exp

type Rules = dict[str, dict[str, Any]]

_BELOW = {"GTE": "minimum", "GT": "exclusiveMinimum", "LTE": "maximum", "LT": "exclusiveMaximum"}
_MIRRORED = {"GTE": "LTE", "GT": "LT", "LTE": "GTE", "LT": "GT"}


class _NotSaid(Exception):
    """The check, or a part of it, is none that keywords can express."""


def rules_of(check: exp.Expr) -> Rules:
    """The keywords by column, as the check names it; empty if they do not say all of it."""
    try:
        return _rules(check)
    except _NotSaid:
        return {}


def _rules(check: exp.Expr) -> Rules:
    from sqlglot import exp

    match check:
        case exp.Paren():
            return _rules(check.this)
        case exp.And():
            return _both(_rules(check.left), _rules(check.right))
        case exp.Between():
            low, high = check.args["low"].copy(), check.args["high"].copy()
            lower = exp.GTE(this=check.this.copy(), expression=low)
            return _both(_comparison(lower), _comparison(exp.LTE(this=check.this.copy(), expression=high)))
        case exp.GTE() | exp.GT() | exp.LTE() | exp.LT():
            return _comparison(check)
        case exp.In() if check.expressions:
            return {_column(check.this): {"choices": [_text(one) for one in check.expressions]}}
        case exp.EQ() if isinstance(check.right, exp.Any):
            return {_column(check.left): {"choices": _listed(check.right.this)}}
        case exp.ArrayContainedBy():
            return {_column(check.this): {"choices": _listed(check.expression)}}
        case exp.RegexpLike():
            return {_column(check.this): {"pattern": _text(check.expression)}}
        case _:
            raise _NotSaid


def _both(one: Rules, other: Rules) -> Rules:
    """Both sets of rules. Two rules of one kind would need comparing, so they are not said."""
    joined = {name: dict(rules) for name, rules in one.items()}
    for name, rules in other.items():
        if joined.get(name, {}).keys() & rules.keys():
            raise _NotSaid
        joined.setdefault(name, {}).update(rules)
    return joined


def _comparison(check: exp.Binary) -> Rules:
    from sqlglot import exp

    left, right, sign = check.left, check.right, check.key.upper()
    if isinstance(_bare(left), exp.Literal | exp.Neg):
        left, right, sign = right, left, _MIRRORED[sign]
    measured = _bare(left)
    if not isinstance(measured, exp.Length):
        return {_column(measured): {_BELOW[sign]: _bound(right)}}
    limit = _number(right)
    if not isinstance(limit, int):
        raise _NotSaid
    # A length above 2 is one of at least 3.
    length = limit + {"GT": 1, "LT": -1}.get(sign, 0)
    if length < 0:
        raise _NotSaid
    return {_column(measured.this): {"minLength" if sign in {"GTE", "GT"} else "maxLength": length}}


def _bare(part: exp.Expr) -> exp.Expr:
    """Without brackets and casts."""
    from sqlglot import exp

    while isinstance(part, exp.Paren | exp.Cast):
        part = part.this
    return part


def _column(part: exp.Expr) -> str:
    from sqlglot import exp

    part = _bare(part)
    if not isinstance(part, exp.Column):
        raise _NotSaid
    return part.name


def _bound(part: exp.Expr) -> Any:
    """A number, or the text of a date, a time or a length of time."""
    from sqlglot import exp

    part = _bare(part)
    if isinstance(part, exp.Interval):
        return " ".join(filter(None, [_text(part.this), part.text("unit")]))
    return _text(part) if isinstance(part, exp.Literal) and part.is_string else _number(part)


def _number(part: exp.Expr) -> Any:
    from sqlglot import exp

    part = _bare(part)
    if isinstance(part, exp.Neg):
        return -_number(part.this)
    if not isinstance(part, exp.Literal) or part.is_string:
        raise _NotSaid
    try:
        number = json.loads(part.name)
    except ValueError as error:  # .5 is a number in SQL only
        try:
            number = float(part.name)
        except ValueError:
            raise _NotSaid from error
    return number


def _text(part: exp.Expr) -> str:
    from sqlglot import exp

    part = _bare(part)
    if not isinstance(part, exp.Literal) or not part.is_string or not part.name or not part.name.isprintable():
        raise _NotSaid
    return part.name


def _listed(part: exp.Expr) -> list[str]:
    from sqlglot import exp

    part = _bare(part)
    if not isinstance(part, exp.Array):
        raise _NotSaid
    return [_text(one) for one in part.expressions]
