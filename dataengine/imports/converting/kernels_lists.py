"""The conversion kernel for lists of texts. Pure.

Each different cell is taken apart once: those of plain texts with separators by Arrow, those in JSON by Arrow's reader
of JSON, and whatever else there is by ``columns.text_lists``, whose rule all of them follow.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dataengine.columns import text_lists

from .kernels import Converted, ErrorCode, Target, fault, mask_of, matches, only, trimmed
from .shapes import Mask, bytes_of, holds_byte

_LIST = pa.list_(pa.string())
_NOT_PLAIN = rf'["{text_lists.BREAKS}]'
_ODD_BYTES = np.zeros(256, np.bool_)
_ODD_BYTES[list(f'"{text_lists.BREAKS}'.encode())] = True
_JSON_SHAPE = pa.schema([("v", _LIST)])
_FEW = 16
_QUOTED, _BARE = r'"(?:[^"\\\x00-\x1f]|\\["\\])*"', r'[^",{}\\\x00-\x20](?:[^",{}\\\x00-\x1f]*[^",{}\\\x00-\x20])?'
_ITEM = f" *(?:{_QUOTED}|{_BARE}) *"
_BRACED = rf"^\{{(?: *|{_ITEM}(?:,{_ITEM})*)\}}$"
"""Arrays as PostgreSQL writes them, without line breaks and the like, and with no escapes but those that JSON has."""
_MAYBE_NULL = r"(?i)[{,] *null *[,}]"
_MARK = "\x01"
"""Is in none of these arrays."""


def quick_texts(cells: pa.Array, target: Target) -> pa.Array | None:
    return None


def careful_texts(cells: pa.Array, target: Target) -> Converted:
    """Texts separated by commas, semicolons or line breaks, or a JSON array; all of them choices, if there are any."""
    chosen = target.kind.choices(target.parameters)
    encoded = trimmed(cells).dictionary_encode()
    lists = _taken_apart(pc.utf8_trim_whitespace(encoded.dictionary), chosen or ())
    unread = mask_of(lists.is_null())
    wrong = unread if chosen is None else unread | _not_offered(lists, chosen)
    problems = []
    if wrong.any():
        said: tuple[ErrorCode, str] = ("invalid_type", target.kind.expected)
        problems += fault(_where(encoded.indices, unread), *said)
        shown = ", ".join((chosen or ())[:8]) + (", …" if len(chosen or ()) > 8 else "")
        others = _where(encoded.indices, wrong & ~unread)
        problems += fault(others, "constraint_failed", f"some of {shown}, none of them twice")
        lists = _without(lists, wrong)
    return Converted(lists.take(encoded.indices), problems)


def _where(indices: pa.Array, which: Mask) -> Mask:
    """The cells whose different text is one of ``which``."""
    return mask_of(pa.array(which).take(indices))


def _taken_apart(texts: pa.Array, whole: Sequence[str]) -> pa.Array:
    """The lists that different texts say, NULL for those that say none."""
    in_json = mask_of(pc.starts_with(texts, "[")) & mask_of(pc.ends_with(texts, "]"))
    in_braces = mask_of(pc.starts_with(texts, "{")) & mask_of(pc.ends_with(texts, "}"))
    bare = np.zeros(len(texts), np.bool_)
    if not whole and in_braces.any() and (easy := _are_braced(texts, in_braces)).any():
        bare = easy & ~mask_of(pc.match_substring(texts, '"'))
        in_json, in_braces = in_json | (easy & ~bare), in_braces & ~easy
        texts = pc.if_else(pa.array(easy & ~bare), _braced_as_json(only(texts, easy & ~bare)), texts)
    odd = _not_plain(only(texts, ~(in_json | bare))) | in_braces
    if whole:  # a choice may look like several
        odd |= in_json | mask_of(pc.is_in(texts, pa.array(whole, pa.string())))
        in_json = in_json & ~odd
    kinds = np.where(in_json, 1, np.where(odd, 2, np.where(bare, 3, 0)))
    parts = [
        _separated(texts.filter(pa.array(kinds == 0))),
        _from_json(texts.filter(pa.array(in_json))),
        _read(texts.filter(pa.array(odd)), whole),
        _split(pc.utf8_slice_codeunits(texts.filter(pa.array(bare)), 1, -1), ",", " "),
    ]
    whole_part = next((part for part in parts if len(part) == len(texts)), None)
    if whole_part is not None:
        return whole_part
    order = np.argsort(kinds, kind="stable")
    back = np.empty(len(order), np.int64)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back))


def _not_plain(texts: pa.Array) -> Mask:
    """Which texts have quotes or line breaks; whether any may, their bytes tell sooner."""
    raw, _ = bytes_of(texts)
    if not _ODD_BYTES[raw].any():
        return np.zeros(len(texts), np.bool_)
    return matches(texts, _NOT_PLAIN)


def _are_braced(texts: pa.Array, in_braces: Mask) -> Mask:
    """Which arrays in braces JSON can say, too."""
    braced = only(texts, in_braces)
    return matches(braced, _BRACED) & ~matches(braced, _MAYBE_NULL)


def _braced_as_json(texts: pa.Array) -> pa.Array:
    """``{a,"b c"}`` as ``["a","b c"]``."""
    inner = pc.utf8_slice_codeunits(texts, 1, -1)
    # Each item with a mark before and after what is bare in it: two together where nothing is.
    marked = pc.replace_substring_regex(inner, f"({_QUOTED})|({_BARE})", rf"\1{_MARK}\2{_MARK}")
    quoted = pc.replace_substring(pc.replace_substring(marked, _MARK * 2, ""), _MARK, '"')
    return pc.binary_join_element_wise("[", quoted, "]", "")


def _separated(texts: pa.Array) -> pa.Array:
    """Plain texts at their semicolons, or else at their commas; without spaces around, and without empty ones."""
    if holds_byte(texts, ord(",")):
        if not holds_byte(texts, ord(";")):
            return _split(texts, ",", text_lists.SPACES)
        texts = pc.if_else(pc.match_substring(texts, ";"), texts, pc.replace_substring(texts, ",", ";"))
    return _split(texts, ";", text_lists.SPACES)


def _split(texts: pa.Array, mark: str, spaces: str) -> pa.Array:
    lists = pc.split_pattern(texts, mark).cast(_LIST)
    items = pc.utf8_trim(lists.flatten(), spaces)
    kept = mask_of(pc.not_equal(items, ""))
    if not kept.all():
        ends = np.concatenate(([0], np.cumsum(kept)))[lists.offsets.to_numpy()]
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), items.filter(pa.array(kept)))
    return pa.ListArray.from_arrays(lists.offsets, items)


def _from_json(texts: pa.Array) -> pa.Array:
    if len(texts) < _FEW or mask_of(pc.match_substring(texts, "\\u")).any():  # which may be half a letter
        return _read(texts, ())
    from pyarrow import json

    lines = pc.binary_join_element_wise('{"v":', texts, "}\n", "")
    data = bytes_of(lines)[0].tobytes()
    how = json.ParseOptions(explicit_schema=_JSON_SHAPE, unexpected_field_behavior="error", newlines_in_values=True)
    try:
        found = json.read_json(io.BytesIO(data), json.ReadOptions(use_threads=False, block_size=len(data) + 1), how)
    except pa.ArrowInvalid:
        return _read(texts, ())
    lists = found.column("v").combine_chunks()
    # A cell may close its object and begin another.
    is_whole = len(lists) == len(texts) and not lists.null_count and not lists.flatten().null_count
    return lists if is_whole else _read(texts, ())


def _read(texts: pa.Array, whole: Sequence[str]) -> pa.Array:
    read: list[list[str] | None] = []
    known = frozenset(whole)
    for text in texts.to_pylist():
        try:
            read.append(text_lists.read(text, known))
        except text_lists.NotAList:
            read.append(None)
    return pa.array(read, _LIST)


def _not_offered(lists: pa.Array, choices: Sequence[str]) -> Mask:
    """Where a list has a text that is not among the choices, or twice."""
    sizes = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    rows = np.repeat(np.arange(len(lists)), sizes)
    places = pc.fill_null(pc.index_in(lists.flatten(), pa.array(choices, pa.string())), -1).to_numpy()
    wrong = np.zeros(len(lists), np.bool_)
    wrong[rows[places < 0]] = True
    pairs = np.sort(rows * (len(choices) + 1) + places + 1)
    repeated = pairs[1:][pairs[1:] == pairs[:-1]]
    wrong[repeated // (len(choices) + 1)] = True
    return wrong


def _without(lists: pa.Array, wrong: Mask) -> pa.Array:
    return lists.take(pa.array(np.arange(len(lists)), mask=wrong))
