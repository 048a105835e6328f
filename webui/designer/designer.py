"""The form of a new table: its names and any number of column rows, which the server adds, moves and removes.

Each of these buttons posts the whole form with ``do`` = ``add``, ``remove:2``, ``up:2``, ``down:2``, ``move:2:0``,
``more:2``, which opens a short row, ``type:2``, after which a short row has what its new type takes, or ``paste``,
which reads a text into rows; what was typed comes back without validation. Only ``do=create`` (and Enter in a field)
validates, and ``do=check``, by which the script asks for the errors while the form is being filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from dataengine.columns.identifiers import MAX_BYTES
from dataengine.columns.types import ColumnSpec
from dataengine.exceptions import DataEngineError
from webui.designer.column_forms import ColumnForm, blamed, initial_of
from webui.designer.forms import TableForm
from webui.designer.sketches import Sketch, read_sketch
from webui.errors import add_errors
from webui.numbers import is_number

MAX_ROWS = 400
# Above so many, rows leave out what is closed and empty or does not apply. With 400 of them, that is 3.2 of 5.1 MB
# (measured).
MANY_ROWS = 40
_PREFIX = "columns"


class Designer:
    """``form`` holds the names, ``rows`` one ColumnForm per column."""

    form: TableForm
    rows: list[ColumnForm]

    def __init__(self, posted: QueryDict | None = None) -> None:
        self.sketch = posted.get("sketch", "") if posted is not None else ""
        self.notes: list[str] = []
        self.problem = ""
        do, _, places = (posted.get("do", "create") if posted is not None else "").partition(":")
        self.is_judged = do in {"create", "check"}
        if posted is None:
            self.form, self.rows = TableForm(), [_unjudged_row(0, {})]
        elif self.is_judged:
            self.form = TableForm(posted)
            self.rows = [ColumnForm(posted, prefix=f"{_PREFIX}-{number}") for number in range(_count(posted))]
        else:
            names = {name: posted.get(name, "") for name in TableForm.base_fields}
            typed = _typed(posted)
            if do == "paste":
                self._take_in(names, typed)
            else:
                _carry_out(typed, do, [int(place) for place in places.split(":") if is_number(place, digits=9)])
            self.form = TableForm(initial=names)
            self.rows = [_unjudged_row(number, values) for number, values in enumerate(typed)]
        for row in self.rows:
            row.is_one_of_many = len(self.rows) > MANY_ROWS

    def _take_in(self, names: dict[str, str], typed: list[Mapping[str, Any]]) -> None:
        """Add what was pasted to the rows that have a name; a table's name that was typed stays."""
        try:
            sketch = read_sketch(self.sketch)
        except DataEngineError as error:
            self.problem = error.message
            return
        named = [values for values in typed if values.get("name")]
        room = MAX_ROWS - len(named)
        self.notes = list(sketch.notes)
        if len(sketch.columns) > room:
            self.notes.append(f"Only the first {room:,} of them are here: a form holds {MAX_ROWS} columns.")
        typed[:] = [*named, *(initial_of(spec) for spec in sketch.columns[:room])]
        for name, value in _names_of(sketch).items():
            names[name] = names[name] or value
        self.sketch = ""

    def is_valid(self) -> bool:
        """Validate names and all rows, so that every error shows at once."""
        return self.is_judged and all([self.form.is_valid(), *(row.is_valid() for row in self.rows)])

    def specs(self) -> list[ColumnSpec]:
        """The columns, once valid."""
        return [row.cleaned_data["spec"] for row in self.rows]

    def indexed(self) -> list[str]:
        """The names of the columns that are to have an index."""
        return [row.cleaned_data["spec"].name for row in self.rows if row.cleaned_data["indexed"]]

    def add_errors(self, error: DataEngineError) -> None:
        """Add the errors of ``create_table`` to the rows and fields that they name."""
        rows = {row.cleaned_data["name"]: row for row in self.rows if "name" in row.cleaned_data}
        elsewhere = dict(error.fields)
        for name in [name for name in elsewhere if name in rows]:
            for text in elsewhere.pop(name):
                rows[name].add_error(blamed(error), text)
        if elsewhere or not error.fields:
            add_errors(self.form, error)

    @property
    def has_errors(self) -> bool:
        return bool(self.problem) or (self.is_judged and bool(self.form.errors or any(row.errors for row in self.rows)))


def _names_of(sketch: Sketch) -> dict[str, str]:
    name = sketch.name.encode()[:MAX_BYTES].decode(errors="ignore")
    return {"table_name": name, "label": sketch.label, "description": sketch.description}


def _count(posted: QueryDict) -> int:
    text = posted.get("rows", "0")
    return min(int(text), MAX_ROWS) if is_number(text, digits=9) else 0


def _typed(posted: QueryDict) -> list[Mapping[str, Any]]:
    """What was typed in each row, by field."""
    rows: list[dict[str, str]] = [{} for _ in range(_count(posted))]
    for key in posted:
        prefix, _, rest = key.partition("-")
        number, _, field = rest.partition("-")
        if prefix == _PREFIX and is_number(number, digits=3) and int(number) < len(rows):
            rows[int(number)][field] = posted.get(key, "")
    return list(rows)


def _unjudged_row(number: int, values: Mapping[str, Any]) -> ColumnForm:
    return ColumnForm(initial=dict(values), prefix=f"{_PREFIX}-{number}")


def _carry_out(rows: list[Mapping[str, Any]], do: str, places: list[int]) -> None:
    at = places[0] if places else -1
    if do == "add" and len(rows) < MAX_ROWS:
        rows.append({})
    elif not 0 <= at < len(rows):
        return
    elif do == "remove":
        del rows[at]
    elif do == "more":
        rows[at] = {**rows[at], "more": "1"}
    elif do in {"up", "down", "move"}:
        to = places[1] if do == "move" and len(places) > 1 else at + {"up": -1, "down": 1}.get(do, 0)
        rows.insert(max(0, min(len(rows) - 1, to)), rows.pop(at))
