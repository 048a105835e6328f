"""SQL functions of our own for comparing texts. They give the same results on every server, however it was built.

- ``fold``: the text without case, accents and width. Texts that a search treats as the same have the same result.
- ``sort_key``: texts sorted by this are in the order that people expect: by ``fold``, numbers by their size, then by
  code point. Its length is limited, so that every text can be indexed. Sort it with ``COLLATE "C"``.
- ``case_key``: the text without case only; unique if a column is unique whatever the case.

Each is a single expression for simple texts (ASCII, without digits for ``sort_key``), which the planner inlines, and
calls PL/pgSQL for all others. Indexes contain the results, so these must never change: a different definition gets a
different name (docs/decisions/0017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import LiteralString

from psycopg import sql

from dataengine.columns import folding
from dataengine.postgres import names

SORTED_CHARACTERS = 300
"""The number of characters that decide the order. Twice as many, of four bytes each, fit into an index entry."""

END = "\x01"
"""Separates the folded text, which never contains it, from the text itself in a sort key; lower than all others."""
NUMBERS_END = ":"
"""Comes after all that numbers become in a sort key: their first character is a digit."""
# Where scripts begin. Each has its own table, because translate() searches the whole table for every letter.
_SCRIPTS = (0x80, 0x370, 0x400, 0x460, 0x600, 0x110000)

_FUNCTION: LiteralString = "CREATE OR REPLACE FUNCTION {}(x text) RETURNS text IMMUTABLE PARALLEL SAFE "
# Not STRICT, or the planner would not inline it. The result for NULL is NULL all the same.
_ONE_EXPRESSION: LiteralString = _FUNCTION + "LANGUAGE sql AS {}"
_PROCEDURE: LiteralString = _FUNCTION + "STRICT LANGUAGE plpgsql AS {}"

_ASCII_OR: LiteralString = 'SELECT CASE WHEN octet_length(x) = length(x) THEN lower(x COLLATE "C") ELSE {}(x) END'

_SORT_KEY: LiteralString = """
    SELECT CASE WHEN octet_length(x) <= {most} AND octet_length(x) = length(x) AND x COLLATE "C" !~ {special}
                THEN lower(x COLLATE "C") || {end} || x ELSE {any}(x) END
"""

# A number becomes the number of its digits (without leading zeros), followed by these digits. The first number is
# replaced with string functions, which take less time than regular expressions; most texts have only one.
_SORT_KEY_OF_ANY: LiteralString = """
DECLARE
    cut text COLLATE "C" := left(x, {most});
    rest text COLLATE "C" := {fold}(cut);
    digits text COLLATE "C";
    y text COLLATE "C";
    pieces text[];
BEGIN
    IF strpos(rest, {end}) > 0 THEN rest := translate(rest, {end}, ''); END IF;
    digits := substring(rest FROM '[0-9]+');
    IF digits IS NULL THEN RETURN left(rest, {most}) || {end} || cut; END IF;
    y := left(rest, strpos(rest, digits) - 1);
    rest := substr(rest, length(y) + length(digits) + 1);
    digits := ltrim(digits, '0');
    y := y || CASE WHEN length(digits) < 9 THEN length(digits)::text ELSE '9' || lpad(length(digits)::text, 4, '0') END
           || digits;
    IF rest ~ '[0-9]' THEN
        pieces := string_to_array(regexp_replace(rest, '0*([0-9]+)', {end} || '\\1' || {end}, 'g'), {end});
        rest := pieces[1];
        FOR place IN 2 .. cardinality(pieces) BY 2 LOOP
            digits := pieces[place];
            IF digits = '0' THEN
                rest := rest || '0' || pieces[place + 1];
            ELSIF length(digits) < 9 THEN
                rest := rest || length(digits) || digits || pieces[place + 1];
            ELSE
                rest := rest || '9' || lpad(length(digits)::text, 4, '0') || digits || pieces[place + 1];
            END IF;
        END LOOP;
    END IF;
    RETURN left(y || rest, {most}) || {end} || cut;
END
"""

_FOLD_ANY: LiteralString = """
DECLARE
    y text COLLATE "C" := lower(normalize(x, {form}) COLLATE "C");
BEGIN
    {steps}
    RETURN y;
END
"""
_WITHOUT_MARKS: LiteralString = """
    y := regexp_replace(y, {marks}, '', 'g');
    IF octet_length(y) = length(y) THEN RETURN y; END IF;
"""
_IF_ANY: LiteralString = "\n    IF y ~ {letters} THEN {then} END IF;"


def number_key(digits: str, size: int = 0) -> str:
    """What a number becomes in a sort key; with ``size``, ``digits`` are the first of so many."""
    digits = digits.lstrip("0")
    size = size or len(digits)
    return f"{size}{digits}" if size < 9 else f"9{size:04d}{digits}"


def statements() -> Iterator[sql.Composed]:
    """The statements that create the functions and their schema."""
    yield sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(names.FUNCTIONS))
    foldings = (
        (names.FOLD, "NFKD", folding.LETTERS, folding.MARKS),
        (names.CASE_KEY, "NFD", folding.CASES, ""),
    )
    for name, form, letters, marks in foldings:
        yield _function(_PROCEDURE, _any(name), _folding(form, letters, marks))
        yield _function(_ONE_EXPRESSION, name, sql.SQL(_ASCII_OR).format(_named(_any(name))))
    parts = {
        "most": sql.Literal(SORTED_CHARACTERS),
        "special": sql.Literal(f"[0-9{END}]"),
        "end": sql.Literal(END),
        "fold": _named(names.FOLD),
        "any": _named(_any(names.SORT_KEY)),
    }
    yield _function(_PROCEDURE, _any(names.SORT_KEY), sql.SQL(_SORT_KEY_OF_ANY).format(**parts))
    yield _function(_ONE_EXPRESSION, names.SORT_KEY, sql.SQL(_SORT_KEY).format(**parts))


def removal() -> sql.Composed:
    """The statement that drops the functions and all indexes that use them."""
    return sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(names.FUNCTIONS))


def _any(name: str) -> str:
    """The name of the function for all other texts."""
    return f"{name}_of_any"


def _named(name: str) -> sql.Identifier:
    return sql.Identifier(names.FUNCTIONS, name)


def _function(template: LiteralString, name: str, body: sql.Composed) -> sql.Composed:
    return sql.SQL(template).format(_named(name), sql.Literal(body.as_string()))


def _folding(form: LiteralString, letters: Mapping[str, str], marks: str) -> sql.Composed:
    """The body of a function that normalizes a text to ``form``, removes ``marks`` and replaces ``letters``."""
    steps: list[sql.Composable] = []
    if marks:
        steps.append(sql.SQL(_WITHOUT_MARKS).format(marks=_class(marks)))
    for begin, end in pairwise(_SCRIPTS):
        known = {letter: other for letter, other in letters.items() if begin <= ord(letter) < end}
        single = {letter: other for letter, other in known.items() if len(other) == 1}
        if single:
            source, target = sql.Literal("".join(single)), sql.Literal("".join(single.values()))
            steps.append(_if_any(single, sql.SQL("y := translate(y, {}, {});").format(source, target)))
        several = sql.SQL("y")
        longer = {letter: other for letter, other in known.items() if len(other) > 1}
        replaced: sql.Composable = several
        for letter, other in longer.items():
            replaced = sql.SQL("replace({}, {}, {})").format(replaced, sql.Literal(letter), sql.Literal(other))
        if longer:
            steps.append(_if_any(longer, sql.SQL("y := {};").format(replaced)))
    return sql.SQL(_FOLD_ANY).format(form=sql.SQL(form), steps=sql.SQL("").join(steps))


def _if_any(letters: Mapping[str, str], then: sql.Composed) -> sql.Composed:
    return sql.SQL(_IF_ANY).format(letters=_class("".join(letters)), then=then)


def _class(characters: str) -> sql.Literal:
    """A regular expression that matches any of ``characters``, none of which is special in it."""
    runs: list[list[int]] = []
    for point in sorted(map(ord, characters)):
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    return sql.Literal("[" + "".join(f"{chr(first)}-{chr(last)}" for first, last in runs) + "]")
